EAPI=8

DESCRIPTION="Shows what a user may change without touching the ebuild"
HOMEPAGE="https://lab.invalid/tinker"
S="${WORKDIR}"
LICENSE="CC0-1.0"
SLOT="0"
KEYWORDS="amd64"

src_unpack() {
	cp "${FILESDIR}"/{configure,Makefile,message} . || die
	chmod +x configure || die
}

src_configure() {
	econf
}

src_install() {
	insinto /usr/share/tinker
	doins message config.txt made.txt
	newins - linguas <<<"${LINGUAS}"
}
