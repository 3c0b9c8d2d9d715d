# The demo's part about faults and updates.

suffer() {
	local out blob
	say "a liar among the providers"
	emerge a --oneshot app-lab/ballast >/dev/null
	eventually 90 at_least a records.published 6
	eventually 90 has_large_blob seeder
	# Two providers are left, and both are known to be some before anybody asks.
	stop gateway
	# Slow enough that no provider has sent everything before the other is asked for its share.
	node g --use nls <<<$'fetch:\n  limit-down: 6MB'
	larder g setup >/dev/null
	trust g a >/dev/null
	stop seeder
	blob=$(find "$(root_of seeder)/var/lib/larder/blobs" -type f -size +20M | head -n 1)
	# A byte of each 64 KiB block, so that whichever the seeder is asked for is wrong.
	python3 - "${blob}" <<-'PYTHON'
		import os, sys
		with open(sys.argv[1], "r+b") as blob:
		    for offset in range(0, os.path.getsize(sys.argv[1]), 65536):
		        blob.seek(offset)
		        byte = blob.read(1)
		        blob.seek(offset)
		        blob.write(bytes([byte[0] ^ 1]))
	PYTHON
	start seeder
	eventually 60 at_least seeder records.announced "$(field seeder blobs.count)"
	start g
	eventually 30 at_least g peerCount 3
	out=$(larder g emerge --oneshot app-lab/ballast 2>&1)
	compiles "with a tampered blob on one of two providers the install succeeds" 0 "${out}"
	check "and the liar is banned" "banned" "$(larder g status 2>&1)"
	stop g

	say "kill -9 in the middle of a fetch"
	node h --use nls <<<$'fetch:\n  limit-down: 3MB'
	larder h setup >/dev/null
	trust h a >/dev/null
	start h
	eventually 30 at_least h peerCount 3
	larder h fetch --oneshot app-lab/ballast >/dev/null 2>&1 &
	local fetching=$!
	eventually 30 partial_has_blocks h
	stop h KILL
	wait "${fetching}" 2>/dev/null
	out=$(larder h emerge --oneshot --nodeps data-lab/wordlist 2>&1)
	check "emerge works without the daemon" ">>> Completed (1 of 1)" "${out}"
	start h
	eventually 30 at_least h peerCount 3
	out=$(larder h fetch --oneshot app-lab/ballast 2>&1)
	check "after the restart the fetch resumes" "resumed" "${out}"
	stop h
}

# Whether that node has a finished blob of ballast's size.
has_large_blob() {
	[[ -n $(find "$(root_of "$1")/var/lib/larder/blobs" -not -path '*partial*' -type f -size +20M) ]]
}

# Whether an unfinished blob of that node has data on disk.
partial_has_blocks() {
	local file
	file=$(find "$(root_of "$1")/var/lib/larder" -path '*partial*' -type f -size +1M | head -n 1)
	[[ -n ${file} ]]
}

update() {
	local out
	say "updates"
	emerge a --oneshot =app-lab/hello-1.1 >/dev/null
	eventually 60 at_least a records.published 7
	out=$(larder b emerge --update app-lab/hello 2>&1)
	check "a new version arrives at B as an update" "hello 1.1" "$(program b hello)"
	compiles "without compiling" 0 "${out}"
	emerge a --oneshot =dev-lab/libcask-2.0 >/dev/null
	emerge a --oneshot app-lab/caskcat >/dev/null
	eventually 60 at_least a records.published 9
	out=$(larder b emerge --oneshot =dev-lab/libcask-2.0 app-lab/caskcat 2>&1)
	compiles "a := consumer gets the instance built for the new subslot" 0 "${out}"
	check "and runs with the new library" "caskcat with libcask 2.0" "$(program b caskcat)"
}
