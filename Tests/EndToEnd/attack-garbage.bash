# The attack's part about garbage on every port.

attack_garbage() {
	local out name verdict
	local -A before=()
	local -a jobs=()
	say "garbage on every port, while others work"
	for name in s a; do before[${name}]=$(rss "${PID[${name}]}"); done
	"${HOSTILE}" datagrams "${PORT[a]}" 20000 1 >"${FLEET}/hostile-a" 2>&1 & jobs+=("$!")
	"${HOSTILE}" datagrams "${PORT[s]}" 20000 2 >"${FLEET}/hostile-s" 2>&1 & jobs+=("$!")
	"${HOSTILE}" streams "${PORT[a]}" 3 >"${FLEET}/hostile-streams" 2>&1 & jobs+=("$!")
	"${HOSTILE}" web "${HTTP_PORT[a]}" >"${FLEET}/hostile-web" 2>&1 & jobs+=("$!")
	"${HOSTILE}" gateway "${GATEWAY_PORT}" "${FLEET}/request.token" >"${FLEET}/hostile-gateway" 2>&1 &
	jobs+=("$!")
	out=$(larder b fetch --oneshot app-lab/ballast 2>&1)
	check "an honest fetch works meanwhile" "listed" "${out}"
	wait "${jobs[@]}"
	for name in a s streams web gateway; do
		out=$(<"${FLEET}/hostile-${name}")
		verdict=good
		[[ ${out} == *BAD* || ${out} == *Traceback* || -z ${out} ]] && verdict=bad
		check "$(tail -n 1 <<<"${out}" | cut -c1-80): nothing got through" good "${verdict}
${out}"
	done
	for name in s a; do
		check_growth "${name}" "${before[${name}]}"
	done
	larder b status >/dev/null && pass "b answers" || fail "b answers"
	out=$(larder b emerge --oneshot =app-lab/hello-1.0 2>&1)
	compiles "and packages still travel" 0 "${out}"
}

# A network of its own, which knows nothing of packages: 100,000 datagrams by one who knows the protocol.
attack_datagrams() {
	local out word title status=0
	say "100,000 hostile datagrams at a small network"
	out=$(timeout 300 "${TOP}/Tests/Interop/hostile-datagrams" 100000 2>&1) || status=$?
	while read -r word title; do
		case ${word} in
			ok) pass "${title}" ;;
			FAIL) fail "${title}" "${out}" ;;
		esac
	done <<<"${out}"
	# Its last line comes even after an exception: only the exit status tells.
	if (( status == 0 )); then pass "and it ended in order"; else fail "and it ended in order" "${out}"; fi
}

check_growth() {
	local -i grown=$(( $(rss "${PID[$1]}") - $2 ))
	if (( grown < 30720 )) && answers "$1"; then
		pass "$1 answers and grew by $(( grown / 1024 )) MB"
	else
		fail "$1 answers and grew by less than 30 MB" "from $2 KB by ${grown} KB"
	fi
}
