# @ECLASS: lab-c.eclass
# @MAINTAINER: the Larder laboratory
# @SUPPORTED_EAPIS: 8
# @BLURB: compiles small C programs against the ROOT of the host
case ${EAPI} in 8) ;; *) die "EAPI ${EAPI} unsupported" ;; esac

S="${WORKDIR}"

# @FUNCTION: lab-c_cc
# @USAGE: [compiler arguments]
# Runs the compiler with the user's flags. The lab has no cross compilers, so
# CHOST changes metadata only.
lab-c_cc() {
	local -a cmd=( ${CC:-gcc} ${CPPFLAGS} ${CFLAGS} ${LDFLAGS}
		-I"${ESYSROOT}/usr/include" -L"${ESYSROOT}/usr/$(get_libdir)" "$@" )
	echo "${cmd[@]}"
	"${cmd[@]}" || die "compile failed"
}

# @FUNCTION: lab-c_library
# @USAGE: <name> <number in the soname> <source>
lab-c_library() {
	lab-c_cc -fPIC -shared -Wl,-soname,"$1.so.$2" -o "$1.so.$2" "$3"
}

# @FUNCTION: lab-c_install_library
# @USAGE: <name> <number in the soname>
lab-c_install_library() {
	exeinto "/usr/$(get_libdir)"
	doexe "$1.so.$2"
	dosym "$1.so.$2" "/usr/$(get_libdir)/$1.so"
}
