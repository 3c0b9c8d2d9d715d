EAPI=8

DESCRIPTION="USE_EXPAND flags and dependencies that follow USE"
HOMEPAGE="https://lab.invalid/suite"
S="${WORKDIR}"
LICENSE="CC0-1.0"
SLOT="0"
KEYWORDS="amd64"
IUSE="nls lab_targets_alpha lab_targets_beta words"
REQUIRED_USE="|| ( lab_targets_alpha lab_targets_beta )"

RDEPEND="
	app-lab/hello[nls?]
	lab_targets_alpha? ( app-lab/caskcat )
	words? ( data-lab/wordlist )
"

src_install() {
	insinto /usr/share/suite
	newins - targets <<<"$(usev lab_targets_alpha) $(usev lab_targets_beta)"
}
