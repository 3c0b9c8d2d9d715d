EAPI=8

inherit lab-c

DESCRIPTION="A shared library whose subslot is its ABI"
HOMEPAGE="https://lab.invalid/libcask"
LICENSE="CC0-1.0"
SLOT="0/2"
KEYWORDS="amd64"

src_compile() {
	CPPFLAGS+=" -DCASK_VERSION=\"${PV}\""
	lab-c_library libcask "${SLOT#*/}" "${FILESDIR}/cask.c"
}

src_install() {
	lab-c_install_library libcask "${SLOT#*/}"
	insinto /usr/include
	doins "${FILESDIR}/cask.h"
}
