EAPI=8

DESCRIPTION="A user whose properties the host's owner may override"
HOMEPAGE="https://lab.invalid/labrat"
S="${WORKDIR}"
LICENSE="CC0-1.0"
SLOT="0"
KEYWORDS="amd64"

src_install() {
	insinto /usr/lib/sysusers.d
	newins - acct-user-labrat.conf <<<"u labrat ${ACCT_USER_LABRAT_ID:-500}"
}
