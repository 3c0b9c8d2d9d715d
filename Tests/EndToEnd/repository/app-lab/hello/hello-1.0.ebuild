EAPI=8

inherit lab-c

DESCRIPTION="Greets; USE flags change what it prints"
HOMEPAGE="https://lab.invalid/hello"
LICENSE="CC0-1.0"
SLOT="0"
KEYWORDS="amd64"
IUSE="debug +nls"

src_compile() {
	lab-c_cc -DVERSION="\"${PV}\"" $(usev nls -DWITH_NLS) $(usev debug -DWITH_DEBUG) \
		-o hello "${FILESDIR}/hello.c"
}

src_install() {
	dobin hello
	if use nls; then
		insinto /usr/share/hello
		newins - de.txt <<<"hallo"
	fi
}
