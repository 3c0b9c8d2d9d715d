# The attack's part about clocks, lost networks, and wrong keys and tokens.

FAKETIME_LIBRARY=$(find /usr/lib /usr/lib64 -name libfaketimeMT.so.1 2>/dev/null | head -n 1)

# start_at NODE SHIFT: its daemon, whose clock is off; Portage keeps the right time.
#
# faketime changes the environment of the first program that loads it, and Swift's runtime does not
# find its arguments there; so env is that program.
start_at() {
	local faked=${FLEET}/larder-$1
	{
		printf '#!/bin/bash\nexport LD_PRELOAD=%q FAKETIME=%q FAKETIME_DONT_FAKE_MONOTONIC=1\n' \
			"${FAKETIME_LIBRARY}" "$2"
		printf 'exec env %q "$@"\n' "${LARDER}"
	} > "${faked}"
	chmod +x "${faked}"
	LARDER=${faked} start "$1"
}

attack_clock() {
	local out
	say "clocks that are off"
	if [[ -z ${FAKETIME_LIBRARY} ]]; then
		skip "clocks: faketime is not installed"
		return
	fi
	node early --use "nls debug" <<<$'publish:\n  enabled: true\n  validity-days: 1'
	larder early key generate >/dev/null
	emerge early --oneshot --usepkg=n =app-lab/hello-1.0 >/dev/null
	node host --use "nls debug"
	trust host early >/dev/null
	trust early a >/dev/null
	start host

	start_at early +1h
	eventually 40 at_least early peerCount 2
	eventually 60 at_least early records.published 1
	out=$(larder host plan --oneshot =app-lab/hello-1.0 2>&1)
	refute "a statement from an hour ahead is refused" "accepted" "${out}"
	check "and plan says why" "future" "${out}"
	check "its own node is told" "clock" "$(larder early status 2>&1)"
	stop early KILL

	stop host

	# Seen from an hour ahead, what is signed now is an hour old.
	# (Behind, faketime stops the runtime's timers: that side is only seen from the other.)
	node ahead --use nls
	trust ahead a >/dev/null
	start_at ahead +1h
	eventually 40 at_least ahead peerCount 2
	out=$(larder ahead plan --oneshot =app-lab/hello-1.0 2>&1)
	check "a statement from an hour before is taken" "accepted" "${out}"
	stop ahead KILL
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
	check "and emerge compiles" "1" "$(compiled "${out}")"
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
