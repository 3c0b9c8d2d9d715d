EAPI=8

DESCRIPTION="May not be passed on while its artwork is in it"
HOMEPAGE="https://lab.invalid/guarded"
S="${WORKDIR}"
LICENSE="LAB-REDIST"
SLOT="0"
KEYWORDS="amd64"
IUSE="+artwork"
RESTRICT="artwork? ( bindist )"


src_install() {
	insinto /usr/share/guarded
	newins - note <<<"guarded"
}
