# The attack's first part: starts that must fail clearly, and helpers that misbehave.

# S is seeder and gateway, A builds and publishes, B takes from A.
make_fleet() {
	local name
	node s <<<$'role: seeder\ngateway:\n  port: '"${GATEWAY_PORT}"
	bootstrap s
	node a --use nls <<<$'publish:\n  enabled: true'
	larder s cloud token create --role request --name hosts > "${FLEET}/request.token"
	node b --use nls <<<"$(printf 'cloud:\n  gateway: http://127.0.0.1:%s\n  token-file: %s\n' \
		"${GATEWAY_PORT}" "${FLEET}/request.token")"
	larder a key generate >/dev/null
	larder s key generate >/dev/null
	for name in s b; do trust "${name}" a >/dev/null; done
	larder b setup >/dev/null
	start s cloud
	start a
	start b
	emerge a --oneshot =app-lab/hello-1.0 app-lab/ballast >/dev/null
	if eventually 60 at_least a records.published 2 && eventually 30 at_least b peerCount 2; then
		pass "the fleet is up"
	else
		fail "the fleet is up" "$(larder a status 2>&1; larder b status 2>&1)"
	fi
}

attack_starts() {
	local out file said
	say "starts that must fail, and say why"
	fails_with "a second daemon on one root names the first" "pid ${PID[a]}" daemon a
	if answers a; then pass "and leaves it unharmed"; else fail "and leaves it unharmed"; fi

	node p --use nls
	hold tcp "${PORT[p]}"
	fails_with "a TCP port in use is named" "TCP port ${PORT[p]} on 127.0.0.1 is in use" daemon p
	release
	hold udp "${PORT[p]}"
	fails_with "a UDP port in use is named" "UDP port ${PORT[p]} on 127.0.0.1 is in use" daemon p
	release
	hold tcp "${HTTP_PORT[p]}"
	fails_with "an HTTP port in use is named" "${HTTP_PORT[p]} on 127.0.0.1 is in use" daemon p
	release
	node q <<<$'role: seeder\ngateway:\n  port: '"${GATEWAY_PORT}"
	fails_with "a gateway without an issuer key says so" "larder key generate" daemon q cloud
	larder q key generate >/dev/null
	fails_with "a gateway's port in use is named" "127.0.0.1:${GATEWAY_PORT}" daemon q cloud

	file=$(root_of p)/etc/larder/larder.yaml
	cp "${file}" "${FLEET}/good.yaml"
	printf 'storage:\n  qouta: 1G\n' >> "${file}"
	out="larder.yaml:$(wc -l < "${file}"):3:"
	fails_with "an unknown key is named with line and column" "${out}" daemon p
	check "by the doctor too" "${out}" "$(larder p doctor 2>&1)"
	# A typo of Larder's must not keep anybody from installing.
	mkdir -p "${FLEET}/plain"
	printf '#!/bin/sh\necho "plain emerge: $*"\n' > "${FLEET}/plain/emerge"
	chmod +x "${FLEET}/plain/emerge"
	said=$(PATH=${FLEET}/plain:${PATH} larder p emerge -p app-lab/hello 2>&1)
	check "emerge says so" "${out}" "${said}"
	check "and runs all the same" "plain emerge: --getbinpkg --usepkg -p app-lab/hello" "${said}"
	check "emerge's --root is not taken for Larder's" "set LARDER_ROOT for Larder's" \
		"$(larder p emerge --root /nowhere app-lab/hello 2>&1)"
	cp "${FLEET}/good.yaml" "${file}"

	trust p a >/dev/null
	file=$(root_of p)/etc/larder/trust/trust.yaml
	printf 'policies:\n  - packages: ["*/*"]\n    accept: everyone\n' >> "${file}"
	start p
	out="trust.yaml:$(wc -l < "${file}"):"
	check "with a typo in the trust list the daemon starts and status says where" "${out}" \
		"$(larder p status 2>&1)"
	out=$(larder p plan --oneshot =app-lab/hello-1.0 2>&1)
	check "plan says it too" "trust.yaml:" "${out}"
	check "the package is in the plan" "app-lab/hello-1.0" "${out}"
	refute "and nothing is accepted" "accepted" "${out}"
	attack_socket
	stop p
	fails_with "without a daemon the commands say so" "no daemon answers" larder p plan app-lab/hello
	fails_with "and what to do" "start it with" larder p inbox --json
	out=$(larder p emerge -p --oneshot =app-lab/hello-1.0 2>&1)
	check "and emerge goes on without" "app-lab/hello-1.0" "${out}"
}

attack_socket() {
	local socket out
	socket=$(root_of p)/run/larder/control.sock
	check "the control socket is for root and its group" "60" "$(stat -c %a "${socket}")"
	out=$(cd "${socket%/*}" && python3 -c '
import os, socket
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    socket.socket(socket.AF_UNIX).connect("control.sock")
    print("connected")
except PermissionError:
    print("refused")' 2>&1)
	check "another user can't connect" "refused" "${out}"
	if out=$("${HOSTILE}" control "${socket}" 2>&1); then out+=" done"; fi
	check "garbage on the control socket is sent to its end" "done" "${out}"
	refute "and refused" "BAD" "${out}"
	if answers p; then pass "and the daemon answers"; else fail "and the daemon answers"; fi
}

# A helper in place of Larder's own; each answers in another way.
attack_helpers() {
	local helper=${FLEET}/fake-helper out
	local -i began
	say "helpers and Portages that can't be used"
	node r --use nls <<<$'publish:\n  enabled: true'
	larder r key generate >/dev/null
	set_line r '^  helper: .*' "  helper: ${helper}\n  timeout: 2\n  emerge: ${FLEET}/no-emerge"
	start r
	if answers r; then
		pass "the daemon starts without its helper"
	else
		fail "the daemon starts without its helper" "$(tail -n 5 "${FLEET}/r.log")"
		return
	fi
	fails_with "a missing helper is named" "fake-helper" larder r plan app-lab/hello
	fails_with "after what happened" "the Portage helper could not be run" larder r plan app-lab/hello
	fake 'printf "%s" "{\"helper\":1,\"error\":{\"kind\":\"portage-too-old\",\"message\":\"this is 2.3\"}}"; exit 1'
	fails_with "a Portage that is too old is refused" "3.0.60 or newer" larder r plan app-lab/hello
	fake 'echo Traceback >&2; exit 1'
	fails_with "a helper that dies shows its last words" "Traceback" larder r plan app-lab/hello
	fake 'head -c 5000 /dev/urandom'
	fails_with "a helper's garbage is refused" "unreadable" larder r plan app-lab/hello
	fake 'trap "" TERM; sleep 60 & wait; sleep 60'
	began=SECONDS
	fails_with "a helper that hangs is stopped" "within 2 s" larder r plan app-lab/hello
	if (( SECONDS - began <= 12 )); then pass "soon"; else fail "soon" "$(( SECONDS - began )) s"; fi
	fake 'exec yes "{"'
	fails_with "a helper without end is stopped" "helper" larder r plan app-lab/hello
	out=$(larder r doctor 2>&1)
	check "the doctor sees it" "helper" "${out}"
	check "a missing emerge is named" "no-emerge" "$(larder r emerge app-lab/hello 2>&1)"
	ln -sf "${TOP}/libexec/larder-portage" "${helper}"
	out=$(larder r plan --oneshot =app-lab/hello-1.0 2>&1)
	check "with the right helper again it works" "app-lab/hello-1.0" "${out}"
	stop r
	attack_refresh
}

# The hook of a sync has 10 s, and the plan of @world takes longer here.
attack_refresh() {
	local marker=${FLEET}/planned
	local -i began
	set_line r '^  timeout: 2$' '  timeout: 60'
	fake "[[ -e ${marker} ]] || { touch ${marker}; sleep 12; }; exec ${TOP}/libexec/larder-portage \"\$@\""
	mkdir -p "${FLEET}/bin"
	ln -sf "${LARDER}" "${FLEET}/bin/larder"
	start r
	# The daemon asks for the host's facts when it starts.
	eventually 30 test -e "${marker}"
	rm -f "${marker}"
	began=SECONDS
	LARDER_ROOT=$(root_of r) PATH=${FLEET}/bin:${PATH} "${TOP}/packaging/postsync.d/larder"
	if (( SECONDS - began <= 5 )); then
		pass "the hook of a sync does not wait for the plan"
	else
		fail "the hook of a sync does not wait for the plan" "$(( SECONDS - began )) s"
	fi
	if eventually 10 test -e "${marker}" && eventually 60 grep -q 'found=.*refreshed' "${FLEET}/r.log"; then
		pass "and the daemon looks for @world's updates after it has left"
	else
		fail "and the daemon looks for @world's updates after it has left" "$(tail -n 20 "${FLEET}/r.log")"
	fi
	stop r
}

# fake SHELL-COMMANDS: the helper does this from now on.
fake() {
	printf '#!/bin/bash\n%s\n' "$1" > "${FLEET}/fake-helper.new"
	chmod +x "${FLEET}/fake-helper.new"
	mv "${FLEET}/fake-helper.new" "${FLEET}/fake-helper"
}
