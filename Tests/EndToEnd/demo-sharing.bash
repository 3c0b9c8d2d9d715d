# The demo's first half: machines find each other and share.

# A seeder, a gateway with its worker, and the hosts. E, F, M and S come later in the story.
make_fleet() {
	local name
	say "a seeder, a gateway, a worker and hosts start from nothing"
	node seeder <<<'role: seeder'
	node gateway <<<$'role: seeder\ngateway:\n  port: '"${GATEWAY_PORT}"
	bootstrap seeder
	bootstrap gateway
	node a --use nls --cflags "-O2 -pipe" <<<$'publish:\n  enabled: true'
	node b --use nls --cflags "-O2 -pipe -g0"
	token=$(larder gateway cloud token create --role request --name hosts)
	printf '%s\n' "${token}" > "${FLEET}/request.token"
	node c --use "-nls debug" <<<"$(cloud_lines)"
	node d --use "-nls debug"
	node e --use nls
	larder a key generate >/dev/null
	larder gateway key generate >/dev/null
	for name in seeder b c d e; do
		trust "${name}" a >/dev/null
		trust "${name}" gateway >/dev/null
	done
	trust gateway a >/dev/null
	for name in b c d e; do larder "${name}" setup >/dev/null; done

	start gateway cloud
	start seeder
	for name in a b c d; do start "${name}"; done
	for name in seeder gateway a b c d; do
		if eventually 60 at_least "${name}" peerCount 3; then
			pass "${name} found the others through bootstrap-peers.txt"
		else
			fail "${name} found the others through bootstrap-peers.txt" "$(larder "${name}" status 2>&1)"
		fi
	done
	node worker <<<"$(worker_lines)"
	larder gateway cloud token create --role worker --name worker > "${FLEET}/worker.token"
	start worker worker
}

cloud_lines() {
	printf 'cloud:\n  gateway: http://127.0.0.1:%s\n  token-file: %s\n' \
		"${GATEWAY_PORT}" "${FLEET}/request.token"
}

worker_lines() {
	printf 'worker:\n  name: worker\n  gateway: http://127.0.0.1:%s\n  token-file: %s\n' \
		"${GATEWAY_PORT}" "${FLEET}/worker.token"
	printf '  template: %s/hosts/.seed/root\n  layout: separate-root\n' "${LAB}"
	printf '  visible: [%s, %s]\n  scratch: [%s/broot/var]\n' "${LAB}" "${TOP}" "${LAB}"
}

share() {
	local out
	say "A builds five packages with the real emerge; B, with the same USE, installs them"
	out=$(emerge a --oneshot "${FIVE[@]}")
	check "A compiled five packages" ">>> Completed (5 of 5)" "${out}"
	if eventually 60 at_least a records.published 5; then
		pass "the five are published without a further command"
	else
		fail "the five are published without a further command" "$(larder a status 2>&1)"
	fi

	out=$(larder b emerge --oneshot "${FIVE[@]}" 2>&1)
	check "B installs the five" ">>> Completed (5 of 5)" "${out}"
	compiles "B compiles nothing" 0 "${out}"
	check "hello runs on B" "hello 1.0 +nls" "$(program b hello)"
	check "caskcat runs on B" "caskcat with libcask 1.0" "$(program b caskcat)"

	eventually 60 at_least seeder blobs.count 5
	stop a
	start e
	eventually 30 at_least e peerCount 3
	out=$(larder e emerge --oneshot "${FIVE[@]}" 2>&1)
	check "with A switched off E installs them from the seeder" ">>> Completed (5 of 5)" "${out}"
	compiles "E compiles nothing" 0 "${out}"
	stop e
	start a

	say "a machine of the LAN that knows only B's HTTP binhost"
	lab host "${LAB}" lan --use nls >/dev/null
	lab binhost "${LAB}" lan \
		"http://127.0.0.1:${HTTP_PORT[b]}/binhost/$(node_key b | cut -c1-16)/"
	out=$(emerge lan --oneshot --getbinpkg "${FIVE[@]}")
	check "it installs the five" ">>> Completed (5 of 5)" "${out}"
	compiles "and compiles nothing" 0 "${out}"

	say "the unmodified emerge on B, without the wrapper"
	lab reset "${LAB}" b
	out=$(emerge b --oneshot --getbinpkg "${FIVE[@]}")
	compiles "with the daemon running it takes what is listed" 0 "${out}"
	stop b KILL
	lab reset "${LAB}" b
	out=$(emerge b --oneshot --getbinpkg "${FIVE[@]}")
	compiles "with the daemon killed it takes what is listed" 0 "${out}"
	mv "$(root_of b)/var/lib/larder/binhost" "$(root_of b)/var/lib/larder/binhost-away"
	lab reset "${LAB}" b
	out=$(emerge b --oneshot --getbinpkg =app-lab/hello-1.0)
	compiles "with the directory gone it compiles" 1 "${out}"
	check "and the result runs" "hello 1.0 +nls" "$(program b hello)"
	mv "$(root_of b)/var/lib/larder/binhost-away" "$(root_of b)/var/lib/larder/binhost"
	start b
}

compile_in_the_cloud() {
	local out
	say "C has other USE flags: no peer has its build, the cloud tier makes it"
	out=$(larder c plan --oneshot =app-lab/hello-1.0 2>&1)
	check "C finds no peer's build" "missing" "${out}"
	out=$(larder c emerge --build --oneshot =app-lab/hello-1.0 2>&1)
	check "C installs what the worker built" ">>> Completed (1 of 1)" "${out}"
	compiles "C compiles nothing" 0 "${out}"
	check "with its own flags" "hello 1.0 +debug" "$(program c hello)"
	out=$(larder d emerge --oneshot =app-lab/hello-1.0 2>&1)
	compiles "D, without a cloud tier, gets that build from peers" 0 "${out}"
	check "and it runs" "hello 1.0 +debug" "$(program d hello)"
	out=$(larder c request --wait app-lab/failing 2>&1)
	check "a build that fails is shown with its log" "compile failed" "${out}"
	larder c request --background =app-lab/hello-1.1 >/dev/null 2>&1
	if eventually 90 ready_in_background c; then
		pass "a build asked for in the background is told of when it is ready"
	else
		fail "a build asked for in the background is told of when it is ready" "$(larder c inbox 2>&1)"
	fi
}

# Whether the inbox, looked at without emptying it for good, says that a build is ready.
ready_in_background() {
	larder "$1" inbox 2>&1 | tee -a "${FLEET}/inbox-$1" | grep -q 'app-lab/hello-1.1: ready'
}
