EAPI=8

inherit lab-c

DESCRIPTION="Links libkeg when it happens to be there and says so nowhere"
HOMEPAGE="https://lab.invalid/opportunist"
LICENSE="CC0-1.0"
SLOT="0"
KEYWORDS="amd64"

src_configure() {
	OPPORTUNITY=()
	if [[ -e ${ESYSROOT}/usr/$(get_libdir)/libkeg.so ]]; then
		OPPORTUNITY=( -DWITH_KEG -lkeg )
	fi
}

src_compile() {
	lab-c_cc -o opportunist "${FILESDIR}/opportunist.c" "${OPPORTUNITY[@]}"
}

src_install() {
	dobin opportunist
}
