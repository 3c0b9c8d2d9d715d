# The attack's part about clocks, lost networks, and wrong keys and tokens.

# start_at NODE SECONDS: its daemon, whose wall clock is off; Portage keeps the right time.
start_at() {
	local shifted=${FLEET}/larder-$1
	printf '#!/bin/bash\nexport LD_PRELOAD=%q SHIFTED_CLOCK=%q\nexec %q "$@"\n' \
		"${FLEET}/shifted-clock.so" "$2" "${LARDER}" > "${shifted}"
	chmod +x "${shifted}"
	LARDER=${shifted} start "$1"
}

# plan_says NODE TEXT ATOM
plan_says() { larder "$1" plan --oneshot "$3" 2>&1 | grep -q "$2"; }

status_says() { larder "$1" status 2>&1 | grep -q "$2"; }

attack_clock() {
	local out hour=3600 day=86400
	say "clocks that are off"
	clang -shared -fPIC -O1 -o "${FLEET}/shifted-clock.so" "${HERE}/shifted-clock.c" || {
		fail "the clock's shim compiles"
		return
	}
	node early --use "nls debug" <<<$'publish:\n  enabled: true\n  validity-days: 1'
	larder early key generate >/dev/null
	emerge early --oneshot --usepkg=n =app-lab/hello-1.0 >/dev/null
	node host --use "nls debug"
	trust host early >/dev/null
	trust early a >/dev/null
	start host

	start_at early "${hour}"
	eventually 60 status_says early "is its clock ahead"
	check "a node an hour ahead is told so by the others" "is its clock ahead" "$(larder early status 2>&1)"
	eventually 30 plan_says host future =app-lab/hello-1.0
	out=$(larder host plan --oneshot =app-lab/hello-1.0 2>&1)
	check "its statement is not used, and plan says why" "dated in the future" "${out}"
	stop early

	# With the right clock the same node is believed, and what it said an hour ahead does not stick.
	start early
	eventually 60 plan_says host accepted =app-lab/hello-1.0
	out=$(larder host plan --oneshot =app-lab/hello-1.0 2>&1)
	check "with its clock set right it is believed" "accepted" "${out}"
	stop host

	# The same statement, seen by a host whose clock is off.
	start_at host "${hour}"
	eventually 30 at_least host peerCount 2
	eventually 30 plan_says host accepted =app-lab/hello-1.0
	out=$(larder host plan --oneshot =app-lab/hello-1.0 2>&1)
	check "a host an hour ahead takes what was signed an hour before" "accepted" "${out}"
	stop host
	start_at host "-${hour}"
	eventually 30 at_least host peerCount 2
	eventually 30 plan_says host future =app-lab/hello-1.0
	out=$(larder host plan --oneshot =app-lab/hello-1.0 2>&1)
	check "a host an hour behind is told that its clock may be" "is this clock behind" "${out}"
	stop host
	start_at host "$(( 3 * day ))"
	eventually 30 at_least host peerCount 2
	out=$(larder host plan --oneshot =app-lab/hello-1.0 2>&1)
	check "three days later the statement has expired" "missing" "${out}"
	stop host
	stop early KILL
}

attack_network() {
	local out
	local -i began
	say "no network, wrong keys, wrong tokens"
	node lonely --use nls
	printf '%064d 127.0.0.1:%s\n' 7 "${PORT[lonely]}" > "${FLEET}/nobody.txt"
	ln -sfn "${FLEET}/nobody.txt" "$(root_of lonely)/etc/larder/bootstrap-peers.txt"
	trust lonely a >/dev/null
	sed -i -E 's/127.0.0.1$/0.0.0.0/; s/^http:/http:\n  enabled: false/' \
		"$(root_of lonely)/etc/larder/larder.yaml"
	if unshare -n true 2>/dev/null; then
		LARDER_ROOT=$(root_of lonely) unshare -n "${LARDER}" daemon >> "${FLEET}/lonely.log" 2>&1 &
		PID[lonely]=$!
		eventually 20 answers lonely
	else
		start lonely
	fi
	began=SECONDS
	out=$(larder lonely plan --oneshot =app-lab/hello-1.0 2>&1)
	check "without a network plan says so" "no peer" "${out}"
	if (( SECONDS - began <= 20 )); then pass "within 20 s"; else fail "within 20 s" "$(( SECONDS - began )) s"; fi
	out=$(larder lonely emerge --oneshot =app-lab/hello-1.0 2>&1)
	compiles "and emerge compiles" 1 "${out}"
	stop lonely

	# The right address with another node's key: nobody who answers there is believed.
	node wrong --use nls
	printf '%s 127.0.0.1:%s\n' "$(larder a key show --json |
		sed -n 's/.*"node" *: *"\([0-9a-f]*\)".*/\1/p')" "${PORT[s]}" > "${FLEET}/wrong.txt"
	ln -sfn "${FLEET}/wrong.txt" "$(root_of wrong)/etc/larder/bootstrap-peers.txt"
	printf 'nonsense\n' > "$(root_of wrong)/token"
	printf 'cloud:\n  gateway: http://127.0.0.1:%s\n  token-file: %s\n' \
		"${GATEWAY_PORT}" "$(root_of wrong)/token" >> "$(root_of wrong)/etc/larder/larder.yaml"
	start wrong
	sleep 3
	check "a wrong node key in the bootstrap file joins nothing" "0" "$(field wrong peerCount)"
	check "and status says so" "no peer answers" "$(larder wrong status 2>&1)"
	fails_with "a wrong token is named" "token" larder wrong request --wait --oneshot app-lab/tuned
	stop wrong
	printf 'what is this\n' > "${FLEET}/wrong.txt"
	start wrong
	check "a broken bootstrap file is named in status" "bootstrap-peers.txt: line 1" "$(larder wrong status 2>&1)"
	stop wrong
}
