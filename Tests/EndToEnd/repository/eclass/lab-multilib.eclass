# @ECLASS: lab-multilib.eclass
# @MAINTAINER: the Larder laboratory
# @SUPPORTED_EAPIS: 8
# @BLURB: runs a function once for every ABI that USE asks for
case ${EAPI} in 8) ;; *) die "EAPI ${EAPI} unsupported" ;; esac

IUSE="abi_x86_32 +abi_x86_64"
REQUIRED_USE="|| ( abi_x86_32 abi_x86_64 )"

# @FUNCTION: lab-multilib_foreach
# @USAGE: <command> [arguments]
# Runs the command with ABI set, in a directory of its own.
lab-multilib_foreach() {
	local pair
	for pair in abi_x86_32:x86 abi_x86_64:amd64; do
		use "${pair%:*}" || continue
		has "${pair#*:}" ${MULTILIB_ABIS} || die "profile lacks ABI ${pair#*:}"
		local ABI=${pair#*:}
		mkdir -p "${WORKDIR}/${ABI}" || die
		pushd "${WORKDIR}/${ABI}" >/dev/null || die
		"$@"
		popd >/dev/null || die
	done
}
