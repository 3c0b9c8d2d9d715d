EAPI=8

inherit lab-c

DESCRIPTION="Another library, for those who don't want libcask"
HOMEPAGE="https://lab.invalid/libkeg"
LICENSE="CC0-1.0"
SLOT="0/2"
KEYWORDS="amd64"

src_compile() {
	lab-c_library libkeg "${SLOT#*/}" "${FILESDIR}/keg.c"
}

src_install() {
	lab-c_install_library libkeg "${SLOT#*/}"
	insinto /usr/include
	doins "${FILESDIR}/keg.h"
}
