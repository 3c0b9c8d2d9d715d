# Several nodes with real Portage on this machine's loopback; sourced by the end-to-end runs.
#
# Every node is one lab host (see portage-lab) and one Larder root under FLEET/nodes/NAME. Nodes know
# each other only through bootstrap-peers.txt. Everything that is started is ended by its own pid.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "${HERE}/../.." && pwd)
FLEET=${FLEET:-${TOP}/.build/fleet}
LARDER=${LARDER:-${TOP}/.build/debug/larder}
LAB=${FLEET}/lab
BASE_PORT=${BASE_PORT:-17800}
GATEWAY_PORT=${GATEWAY_PORT:-$(( BASE_PORT + 1 ))}
export PORTAGE_LAB_VENV=${PORTAGE_LAB_VENV:-${TOP}/.build/portage-venv}

declare -A PORT HTTP_PORT PID
declare -i PASSED=0 FAILED=0 NODES=0

say() { printf '\n== %s\n' "$*"; }

# Results are lines, so that whoever runs this can count them.
pass() { PASSED+=1; printf 'ok    %s\n' "$1"; }
fail() {
	FAILED+=1
	printf 'FAIL  %s\n' "$1"
	[[ -z ${2-} ]] || printf '%s\n' "$2" | tail -n 25 | sed 's/^/      | /'
}

# check TITLE EXPECTED TEXT: the text contains what is expected.
check() { if [[ $3 == *"$2"* ]]; then pass "$1"; else fail "$1" "expected: $2
got: $3"; fi; }

# refute TITLE UNWANTED TEXT: the text does not contain it.
refute() { if [[ $3 != *"$2"* ]]; then pass "$1"; else fail "$1" "unwanted: $2
got: $3"; fi; }

# eventually SECONDS COMMAND...: tries until the command succeeds.
eventually() {
	local -i end=$(( SECONDS + $1 ))
	shift
	until "$@" >/dev/null 2>&1; do
		(( SECONDS < end )) || return 1
		sleep 0.3
	done
}

lab() { "${HERE}/portage-lab" "$@"; }
root_of() { printf '%s/nodes/%s' "${FLEET}" "$1"; }

# larder NODE COMMAND...: one of Larder's commands on that node.
larder() {
	local name=$1
	shift
	LARDER_ROOT=$(root_of "${name}") "${LARDER}" "$@"
}

# emerge NODE ARGS...: the unmodified emerge on that node.
#
# What was configured in the second in which a build begins may have changed after that, so such a
# build is not published: a script that is faster than a person waits for the next second.
emerge() {
	local name=$1 changed
	shift
	changed=$(find "${LAB}/hosts/${name}/etc/portage" -printf '%C@\n' | sort -n | tail -n 1)
	while (( $(date +%s) <= ${changed%.*} )); do sleep 0.1; done
	lab emerge "${LAB}" "${name}" -- --color=n "$@" 2>&1
}

# program NODE NAME: what an installed program prints. It finds the libraries that the node installed,
# but for the lab's stand-in libc, which has no code.
program() {
	local root libraries=${FLEET}/libraries-$1 library
	root=$(lab path "${LAB}" "$1" root)
	rm -rf "${libraries}"
	mkdir -p "${libraries}"
	for library in "${root}"/usr/lib64/libcask.so*; do
		[[ ! -e ${library} ]] || ln -s "${library}" "${libraries}/"
	done
	LD_LIBRARY_PATH=${libraries} "${root}/usr/bin/$2" 2>&1
}

# fleet_init: an empty fleet and a lab.
fleet_init() {
	rm -rf "${FLEET}"
	mkdir -p "${FLEET}/nodes"
	lab init "${LAB}"
	: > "${FLEET}/bootstrap-peers.txt"
}

# node NAME [LAB-HOST-OPTIONS...]: a host with a configured Larder root, nothing started.
# Configuration lines come on standard input; EXTRA_LISTEN etc. are not needed on loopback.
node() {
	local name=$1 root
	shift
	root=$(root_of "${name}")
	lab host "${LAB}" "${name}" "$@" >/dev/null
	NODES+=1
	PORT[${name}]=$(( BASE_PORT + 2 * NODES ))
	HTTP_PORT[${name}]=$(( BASE_PORT + 2 * NODES + 1 ))
	mkdir -p "${root}/etc/larder/trust"
	ln -sfn "${FLEET}/bootstrap-peers.txt" "${root}/etc/larder/bootstrap-peers.txt"
	{
		printf 'network: demo\nlisten:\n  address: 127.0.0.1\n  port: %s\n' "${PORT[${name}]}"
		printf 'http:\n  port: %s\n' "${HTTP_PORT[${name}]}"
		printf 'portage:\n  command-prefix: [%s, run, %s, %s, --]\n  helper: %s\n' \
			"${HERE}/portage-lab" "${LAB}" "${name}" "${TOP}/libexec/larder-portage"
		[[ -t 0 ]] || cat
	} > "${root}/etc/larder/larder.yaml"
}

# node_key NODE: its public key.
node_key() { larder "$1" key show --json | sed -n 's/.*"node" *: *"\([0-9a-f]*\)".*/\1/p'; }

# bootstrap NODE: puts the node into everybody's bootstrap file.
bootstrap() {
	printf '%s 127.0.0.1:%s\n' "$(node_key "$1")" "${PORT[$1]}" >> "${FLEET}/bootstrap-peers.txt"
}

# start NODE [COMMAND]: the daemon (or cloud, worker) of that node, in the background.
start() {
	local name=$1 verb=${2:-daemon}
	LARDER_ROOT=$(root_of "${name}") "${LARDER}" "${verb}" >> "${FLEET}/${name}.log" 2>&1 &
	PID[${name}]=$!
	if [[ ${verb} != worker ]]; then
		eventually 30 larder "${name}" status \
			|| fail "${name} starts" "$(tail -n 20 "${FLEET}/${name}.log")"
	fi
}

# stop NODE [SIGNAL]: ends what `start` started, and waits for its end.
stop() {
	local pid=${PID[$1]-}
	[[ -n ${pid} ]] || return 0
	kill -s "${2:-TERM}" "${pid}" 2>/dev/null || true
	wait "${pid}" 2>/dev/null || true
	unset "PID[$1]"
}

fleet_stop() {
	local name
	for name in "${!PID[@]}"; do stop "${name}"; done
}

# field NODE PATH: one value of `larder status --json`, e.g. blobs.count.
field() {
	larder "$1" status --json | python3 -c '
import functools, json, sys
print(functools.reduce(lambda value, key: value[key], sys.argv[1].split("."), json.load(sys.stdin)))
' "$2"
}

# at_least NODE FIELD NUMBER
at_least() { (( $(field "$1" "$2") >= $3 )); }

# trust NODE ISSUER [OPTIONS...]: NODE accepts what ISSUER signs.
trust() {
	local node=$1 issuer=$2
	shift 2
	larder "${issuer}" key export > "${FLEET}/${issuer}.pub"
	larder "${node}" trust add "${FLEET}/${issuer}.pub" --name "${issuer}" "$@"
}

# compiled TEXT: the packages that emerge compiled, by what it printed.
compiled() { grep -c '^>>> Emerging (' <<<"$1" | tr -d '\n'; }

# compiles TITLE NUMBER TEXT: emerge ended well and compiled so many packages, by what it printed.
compiles() {
	if [[ $(compiled "$3") == "$2" ]] && completed "$3"; then pass "$1"; else fail "$1" "$3"; fi
}

# completed TEXT: everything that emerge began is installed, and something is.
completed() {
	grep -Eq '^>>> Completed \(([0-9]+) of \1\)' <<<"$1"
}

# listed NODE: the packages in the index that Portage reads, or `nothing`.
listed() {
	local index
	index=$(root_of "$1")/var/lib/larder/binhost/current/Packages
	sed -n 's/^CPV: //p' "${index}" | grep . || printf 'nothing\n'
}
