# The attack's part about kill -9, SIGTERM and full disks.

attack_crashes() {
	local out round lost="" pid
	local -i blobs=0 published=0 now
	say "kill -9 at random moments, ten times"
	node k --use nls <<<$'publish:\n  enabled: true\nfetch:\n  limit-down: 6MB'
	larder k key generate >/dev/null
	trust k a >/dev/null
	larder k setup >/dev/null
	emerge k --oneshot --usepkg=n =app-lab/hello-1.0 =dev-lab/libcask-1.0 data-lab/wordlist >/dev/null
	head -c 5000 /dev/urandom > "$(lab path "${LAB}" k pkgdir)/app-lab/hello/hello-0.9-1.gpkg.tar"
	RANDOM=4711
	for round in {1..10}; do
		start k
		now=$(field k blobs.count)
		(( now >= blobs )) || lost+=" round ${round}: ${now} blobs of ${blobs}"
		blobs=now
		now=$(field k records.published)
		(( now >= published )) || lost+=" round ${round}: ${now} published of ${published}"
		published=now
		listing_is_whole k || lost+=" round ${round}: the listing is broken"
		larder k fetch --oneshot app-lab/ballast app-lab/hello >/dev/null 2>&1 &
		pid=$!
		sleep "$(( RANDOM % 3 )).$(( RANDOM % 10 ))"
		# What was committed up to this moment must be there after it.
		now=$(field k blobs.count 2>/dev/null || echo 0)
		(( now <= blobs )) || blobs=now
		stop k KILL
		wait "${pid}" 2>/dev/null
	done
	check "no committed blob is lost" "none" "${lost:-none}"
	if (( blobs > 0 )); then pass "and there were some"; else fail "and there were some"; fi
	start k
	eventually 30 at_least k peerCount 2
	if eventually 40 at_least k records.published 3; then
		pass "what was built is published in the end"
	else
		fail "what was built is published in the end" "$(larder k status 2>&1)"
	fi
	check "but for a broken file, which the log names" "hello-0.9-1.gpkg.tar: not published" \
		"$(<"${FLEET}/k.log")"
	out=$(larder k fetch --oneshot app-lab/ballast 2>&1)
	check "and what was fetched is listed" "1 of 1 without compiling" "${out}"
	lab reset "${LAB}" k
	out=$(emerge k -p --getbinpkg --oneshot app-lab/ballast)
	check "emerge -p --getbinpkg takes it" "[binary" "${out}"
	stop k
}

# listing_is_whole NODE: every package of the index is there with its size.
listing_is_whole() {
	local directory
	directory=$(root_of "$1")/var/lib/larder/binhost/current
	[[ -e ${directory}/Packages ]] || return 1
	python3 - "${directory}" <<-'PYTHON'
		import os, sys
		head, *entries = open(sys.argv[1] + "/Packages").read().strip().split("\n\n")
		fields = dict(line.split(": ", 1) for line in head.split("\n") if ": " in line)
		assert int(fields["PACKAGES"]) == len(entries), fields
		for entry in entries:
		    fields = dict(line.split(": ", 1) for line in entry.split("\n") if ": " in line)
		    assert os.path.getsize(sys.argv[1] + "/" + fields["PATH"]) == int(fields["SIZE"])
	PYTHON
}

attack_ends() {
	local out pid
	say "SIGTERM during everything"
	node l --use nls <<<$'publish:\n  enabled: true\nfetch:\n  limit-down: 1MB\ncloud:\n  gateway: http://127.0.0.1:'"${GATEWAY_PORT}"$'\n  token-file: '"${FLEET}/request.token"
	larder l key generate >/dev/null
	trust l a >/dev/null
	start l
	eventually 30 at_least l peerCount 2
	larder l fetch --oneshot app-lab/ballast >"${FLEET}/l-fetch" 2>&1 & pid=$!
	if eventually 30 has_partial l; then pass "a fetch is under way"; else fail "a fetch is under way"; fi
	ends_in_order l "a fetch"
	wait "${pid}"
	check "and the command says so" "stopped" "$(<"${FLEET}/l-fetch")"
	emerge l --oneshot --usepkg=n =app-lab/hello-1.0 >/dev/null
	start l
	sleep 1
	ends_in_order l "publishing"
	start l
	# Nobody works for the gateway, so the build waits until the end.
	larder l request --wait --oneshot app-lab/tuned >"${FLEET}/l-request" 2>&1 & pid=$!
	if eventually 30 job_waits; then pass "a build waits"; else fail "a build waits"; fi
	ends_in_order l "a build in the cloud that waits"
	wait "${pid}"
	ends_in_order s "and its gateway"
	start s cloud
	start l
	out=$(larder l status 2>&1)
	check "the next start is clean" "peers" "${out}"
	out=$(sed -n '/state opened/h; //!H; ${x;p}' "${FLEET}/l.log")
	check "its log begins with what it found" "state opened" "${out}"
	refute "without complaints" "error" "${out}"
	build_through_ends
	stop l
}

# A worker builds in earnest while everybody who has to do with the build is told to end.
build_through_ends() {
	local out name
	say "SIGTERM in the middle of a build in the cloud"
	trust l s >/dev/null
	larder l setup >/dev/null
	out=$(larder l request --background --json --oneshot app-lab/proprietary 2>/dev/null)
	check "what may not be passed on is refused when it is asked for" '"state" : "refused"' "${out}"
	check "with the reason" "LAB-EULA" "${out}"
	node w <<<"$(worker_lines)"
	larder s cloud token create --role worker --name w > "${FLEET}/worker.token"
	export LARDER_LAB_SLOW_FILES=1500
	start w worker
	larder l request --background --oneshot app-lab/slowpoke >"${FLEET}/l-slow" 2>&1
	check "a long build is asked for" "app-lab/slowpoke-1.0: " "$(<"${FLEET}/l-slow")"
	if eventually 120 is_compiling; then pass "the worker compiles it"; else
		fail "the worker compiles it" "$(tail -n 15 "${FLEET}/w.log"; larder s status 2>&1)"
	fi
	check "in a directory of its own" "job-" "$(job_directories w)"
	ends_in_order l "the asking host"
	ends_in_order w "the worker at work"
	ends_in_order s "the gateway"
	check "which is gone with it" "none" "$(job_directories w | grep . || echo none)"
	check "nothing was built yet" "0" "$(grep -c 'slowpoke.*package built' "${FLEET}/s.log")"
	export LARDER_LAB_SLOW_FILES=20
	start s cloud
	start w worker
	start l
	# The worker's lease ends 100 s after its last sign of life; then the job is given out again.
	if eventually 240 is_ready app-lab/slowpoke; then
		pass "after all have started again the build ends and is told of"
	else
		fail "after all have started again the build ends and is told of" \
			"$(cat "${FLEET}/inbox-l"; tail -n 10 "${FLEET}/w.log"; larder s status 2>&1)"
	fi
	check "it was accepted once" "1" "$(grep -c 'slowpoke.*package built' "${FLEET}/s.log")"
	out=$(larder l emerge --oneshot app-lab/slowpoke 2>&1)
	check "and the host installs it" ">>> Completed (1 of 1)" "${out}"
	check "without compiling" "0" "$(compiled "${out}")"
	stop w
}

worker_lines() {
	printf 'worker:\n  name: w\n  gateway: http://127.0.0.1:%s\n  token-file: %s\n' \
		"${GATEWAY_PORT}" "${FLEET}/worker.token"
	printf '  template: %s/hosts/.seed/root\n  layout: separate-root\n' "${LAB}"
	printf '  visible: [%s, %s]\n  scratch: [%s/broot/var]\n' "${LAB}" "${TOP}" "${LAB}"
}

job_directories() { find "$(root_of "$1")" -maxdepth 6 -type d -name 'job-*'; }

# is_compiling: the worker has told the gateway of make's lines.
is_compiling() {
	larder s status --json | grep -qE '"detail" *: *".*-c -o'
}

# is_ready PACKAGE: l was told that its build ended well; what the inbox says is kept.
is_ready() {
	larder l inbox --json 2>&1 >> "${FLEET}/inbox-l"
	grep -A1 '"outcome" : "ready"' "${FLEET}/inbox-l" | grep -q "\"package\" : \"$1"
}

has_partial() { [[ -n $(find "$(root_of "$1")/var/lib/larder" -path '*partial*' -type f) ]]; }
job_waits() { (( $(larder s status --json | grep -c '"state" *: *"queued"') >= 1 )); }

attack_disk() {
	local out state
	say "a full disk"
	node v --use nls
	trust v a >/dev/null
	larder v setup >/dev/null
	state=$(root_of v)/var/lib/larder
	mkdir -p "${state}"
	if ! mount -t tmpfs -o size=8m larder-attack "${state}" 2>/dev/null; then
		skip "no tmpfs can be mounted here"
		return
	fi
	start v
	eventually 30 at_least v peerCount 2
	out=$(larder v fetch --oneshot app-lab/ballast 2>&1)
	check "a fetch that does not fit fails with the reason" "no space left" "${out}"
	if answers v; then pass "the daemon lives"; else fail "the daemon lives" "$(tail -n 5 "${FLEET}/v.log")"; fi
	head -c 8M /dev/zero > "${state}/filler" 2>/dev/null
	out=$(larder v plan --oneshot =app-lab/hello-1.0 2>&1)
	check "with not a byte left plan still works" "app-lab/hello-1.0" "${out}"
	out=$(larder v emerge --oneshot =app-lab/hello-1.0 2>&1)
	compiles "emerge compiles" 1 "${out}"
	stop v
	LARDER_ROOT=$(root_of v) timeout 10 "${LARDER}" daemon >"${FLEET}/v-full.log" 2>&1
	out=$(<"${FLEET}/v-full.log")
	check "a start on a full disk works or says why" "yes" "$(
		[[ ${out} == *"is up"* || ${out} == *"No space left"* || ${out} == *"full"* ]] && echo yes
	) ${out}"
	rm -f "${state}/filler"
	mount -o remount,size=64m "${state}"
	start v
	eventually 30 at_least v peerCount 2
	out=$(larder v fetch --oneshot app-lab/ballast 2>&1)
	check "with room again the fetch works" "1 of 1 without compiling" "${out}"
	stop v
	umount "${state}"
}
