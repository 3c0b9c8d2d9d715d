EAPI=8

DESCRIPTION="Its licence forbids passing it on"
HOMEPAGE="https://lab.invalid/proprietary"
S="${WORKDIR}"
LICENSE="LAB-EULA"
SLOT="0"
KEYWORDS="amd64"


src_install() {
	insinto /usr/share/proprietary
	newins - note <<<"proprietary"
}
