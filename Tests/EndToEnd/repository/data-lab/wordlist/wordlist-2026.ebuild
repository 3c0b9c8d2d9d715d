EAPI=8

DESCRIPTION="Words; data with a distfile"
HOMEPAGE="https://lab.invalid/wordlist"
SRC_URI="
	https://lab.invalid/dist/${P}.txt
	names? ( https://lab.invalid/dist/${PN}-names-${PV}.txt )
"
S="${WORKDIR}"
LICENSE="CC0-1.0"
SLOT="0"
KEYWORDS="amd64"
IUSE="names"

src_unpack() {
	cp "${DISTDIR}/${P}.txt" words || die
	if use names; then
		cp "${DISTDIR}/${PN}-names-${PV}.txt" names || die
	fi
}

src_install() {
	insinto /usr/share/dict
	doins words
	use names && doins names
	return 0
}
