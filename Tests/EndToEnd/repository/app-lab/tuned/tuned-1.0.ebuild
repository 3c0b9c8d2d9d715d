EAPI=8

DESCRIPTION="Builds with a configuration that the user saved"
HOMEPAGE="https://lab.invalid/tuned"
S="${WORKDIR}"
LICENSE="CC0-1.0"
SLOT="0"
KEYWORDS="amd64"
IUSE="savedconfig"

src_install() {
	local saved="${PORTAGE_CONFIGROOT%/}/etc/portage/savedconfig/${CATEGORY}/${PN}"
	insinto /usr/share/tuned
	if use savedconfig && [[ -f ${saved} ]]; then
		newins "${saved}" config
	else
		newins - config <<<"default"
	fi
}
