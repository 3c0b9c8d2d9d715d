# The demo's part about what is refused.

judge() {
	local out issuer
	say "what a host refuses, and why"
	# S is a stranger, M builds for another CPU; both have USE flags of their own, so that nobody
	# else's build is in the way.
	node s --use "nls debug" <<<$'publish:\n  enabled: true'
	node t --use "nls debug"
	larder s key generate >/dev/null
	larder t setup >/dev/null
	start s
	start t
	emerge s --oneshot =app-lab/hello-1.0 >/dev/null
	eventually 60 at_least s records.published 1
	out=$(larder t plan --oneshot =app-lab/hello-1.0 2>&1)
	check "a build signed by an unknown key is refused, and plan says so" "untrusted" "${out}"
	trust t s >/dev/null
	out=$(larder t emerge --oneshot =app-lab/hello-1.0 2>&1)
	compiles "after 'larder trust add' it is taken" 0 "${out}"
	larder t trust remove s >/dev/null
	out=$(emerge t --oneshot --getbinpkg =app-lab/hello-1.0)
	compiles "after 'larder trust remove' the ordinary emerge does not take it either" 1 "${out}"
	trust t s >/dev/null
	emerge s --oneshot data-lab/wordlist >/dev/null
	eventually 60 at_least s records.published 2
	larder t fetch --oneshot data-lab/wordlist >/dev/null 2>&1
	larder s publish --withdraw app-lab/hello-1.0 >/dev/null
	out=$(larder t plan --oneshot =app-lab/hello-1.0 2>&1)
	check "a withdrawn build is offered no longer" "withdrawn" "${out}"
	check "another of that key's is still listed" "data-lab/wordlist" "$(listed t)"
	issuer=$(larder s key show --json | sed -n 's/.*issuer" : "\(.\{16\}\).*/\1/p')
	larder s key revoke --reason "stolen" --output "${FLEET}/s.revocation" >/dev/null
	larder t trust revoke "${FLEET}/s.revocation" >/dev/null
	check "once the key is revoked nothing of it is" "nothing" "$(listed t)"
	check "and can be named" "${issuer:-no issuer was shown}" "$(ls "$(root_of t)/etc/larder/trust")"
	stop s
	stop t

	node m --use "nls" --cflags "-O2 -pipe -march=bdver4" <<<$'publish:\n  enabled: true'
	larder m key generate >/dev/null
	trust b m >/dev/null
	start m
	emerge m --oneshot app-lab/tuned >/dev/null
	eventually 60 at_least m records.published 1
	out=$(larder b plan --oneshot app-lab/tuned 2>&1)
	check "a build for a CPU that B lacks is refused, naming the feature" "fma4" "${out}"
	stop m

	# X is trusted and turns bad: the same package with other install phases, signed again.
	node x --use nls <<<$'publish:\n  enabled: true'
	node f --use nls
	larder x key generate >/dev/null
	larder f setup >/dev/null
	trust f x >/dev/null
	trust f a >/dev/null
	{
		printf 'policies:\n  - packages: ["*/*"]\n    accept: agreeing\n    count: 2\n'
	} >> "$(root_of f)/etc/larder/trust/trust.yaml"
	emerge x --oneshot --usepkg=n data-lab/wordlist =app-lab/hello-1.0 >/dev/null
	"${HERE}/swap-environment" "${LAB}" x data-lab/wordlist
	start x
	eventually 60 at_least x records.published 2
	start f
	eventually 30 at_least f peerCount 3
	out=$(larder f plan --oneshot =app-lab/hello-1.0 data-lab/wordlist 2>&1)
	check "where two issuers must agree, a package on which they do is taken" "accepted" \
		"$(grep app-lab/hello <<<"${out}")"
	check "one with a swapped environment.bz2 is refused" "trusted builders disagree" \
		"$(grep data-lab/wordlist <<<"${out}")"
	stop f
	stop x
}
