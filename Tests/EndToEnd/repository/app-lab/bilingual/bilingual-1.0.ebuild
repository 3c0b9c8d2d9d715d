EAPI=8

inherit lab-c lab-multilib

DESCRIPTION="A library for one or two ABIs"
HOMEPAGE="https://lab.invalid/bilingual"
LICENSE="CC0-1.0"
SLOT="0/1"
KEYWORDS="amd64"

src_compile() {
	lab-multilib_foreach lab-c_library libbilingual 1 "${FILESDIR}/bilingual.c"
}

src_install() {
	lab-multilib_foreach lab-c_install_library libbilingual 1
}
