EAPI=8

DESCRIPTION="The C library of the machine that the lab runs on, as a package"
HOMEPAGE="https://lab.invalid/glibc"
S="${WORKDIR}"
LICENSE="LAB-REDIST"
SLOT="2.2"
KEYWORDS="~amd64"
RESTRICT="strip"

src_install() {
	local name found
	exeinto "/usr/$(get_libdir)"
	for name in libc.so.6 libm.so.6 ld-linux-x86-64.so.2; do
		found=$(gcc -print-file-name="${name}")
		[[ ${found} == /* ]] || die "no ${name} here"
		newexe "$(realpath "${found}")" "${name}"
	done
}
