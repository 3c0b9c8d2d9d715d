EAPI=8

inherit lab-c

DESCRIPTION="Takes either of two libraries, whichever is there"
HOMEPAGE="https://lab.invalid/tapster"
LICENSE="CC0-1.0"
SLOT="0"
KEYWORDS="amd64"
IUSE="debug"

DEPEND="|| ( dev-lab/libcask:= dev-lab/libkeg:= )"
RDEPEND="
	${DEPEND}
	debug? ( app-lab/hello )
"

src_install() {
	insinto /usr/share/tapster
	newins - flow <<<"open"
}
