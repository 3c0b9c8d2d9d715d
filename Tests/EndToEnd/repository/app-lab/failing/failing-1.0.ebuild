EAPI=8

inherit lab-c

DESCRIPTION="Never builds"
HOMEPAGE="https://lab.invalid/failing"
LICENSE="CC0-1.0"
SLOT="0"
KEYWORDS="amd64"

src_compile() {
	echo "int main(void) { return oops; }" > failing.c || die
	lab-c_cc -o failing failing.c
}
