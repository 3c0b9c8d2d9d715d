EAPI=8

inherit lab-c

DESCRIPTION="Links against libcask, bound to its subslot"
HOMEPAGE="https://lab.invalid/caskcat"
LICENSE="CC0-1.0"
SLOT="0"
KEYWORDS="amd64"

DEPEND="dev-lab/libcask:="
RDEPEND="${DEPEND}"

src_compile() {
	lab-c_cc -o caskcat "${FILESDIR}/caskcat.c" -lcask
}

src_install() {
	dobin caskcat
}
