# Distributed under the terms of the Apache License 2.0

EAPI=8

PYTHON_COMPAT=( python3_{11..14} )

inherit bash-completion-r1 multiprocessing python-single-r1 systemd

DESCRIPTION="Peer-to-peer cache of Gentoo binary packages"
HOMEPAGE="https://larder.example.org/"
# The second archive holds what Package.swift names, as Scripts/vendor packs it: a build has no
# network. Both come with a release; until there is one, see packaging/README.md.
SRC_URI="
	https://larder.example.org/releases/${P}.tar.xz
	https://larder.example.org/releases/${P}-vendor.tar.xz
"

LICENSE="Apache-2.0 GPL-2 MIT BSD ISC openssl"
SLOT="0"
KEYWORDS="~amd64 ~arm64"
IUSE="test worker"
REQUIRED_USE="${PYTHON_REQUIRED_USE}"
# The end-to-end runs fetch Portage and need root; the unit tests need neither.
RESTRICT="!test? ( test )"

COMMON_DEPEND="
	app-arch/libarchive:=[zstd(+)]
	dev-db/sqlite:3
	dev-libs/libsodium:=
	net-libs/libnatpmp:=
	net-libs/miniupnpc:=
	sys-libs/zlib:=
"
DEPEND="${COMMON_DEPEND}"
RDEPEND="
	${COMMON_DEPEND}
	${PYTHON_DEPS}
	acct-group/larder
	>=sys-apps/portage-3.0.60[${PYTHON_SINGLE_USEDEP}]
	worker? ( sys-apps/bubblewrap )
"
BDEPEND="
	>=dev-lang/swift-6.3
	virtual/pkgconfig
	test? ( app-crypt/minisign )
"

src_prepare() {
	default
	# Made by Scripts/vendor: checkouts, Package.resolved and the package manager's record of them.
	mv "${WORKDIR}/${P}-vendor/build" .build || die
	mv "${WORKDIR}/${P}-vendor/Package.resolved" . || die
	Scripts/vendor --relocate || die
	python_fix_shebang libexec/larder-portage
}

swift_build() {
	# Portage's sandbox is around all of this; SwiftPM's own can't work inside it.
	swift build --disable-sandbox --skip-update --disable-automatic-resolution \
		--cache-path "${T}/swift-cache" --config-path "${T}/swift-config" \
		--jobs "$(makeopts_jobs)" "$@" || die
}

src_compile() {
	swift_build -c release --static-swift-stdlib --product larder
}

src_test() {
	swift_build --build-tests
	swift test --disable-sandbox --skip-build || die
}

src_install() {
	dobin .build/release/larder
	exeinto /usr/libexec/larder
	doexe libexec/larder-portage

	newinitd packaging/openrc/larder.initd larder
	newconfd packaging/openrc/larder.confd larder
	systemd_dounit packaging/systemd/larder.service
	use worker && systemd_dounit packaging/systemd/larder-worker.service

	insinto /etc/larder
	doins packaging/etc/larder/larder.yaml bootstrap-peers.txt
	keepdir /etc/larder/trust
	exeinto /etc/portage/postsync.d
	doexe packaging/postsync.d/larder

	.build/release/larder --generate-completion-script bash > "${T}/larder.bash" || die
	newbashcomp "${T}/larder.bash" larder
	dodoc README.md CHANGELOG.md docs/{OPERATING,THREATS,PROTOCOL,DESIGN,GLOSSARY}.md
}

pkg_postinst() {
	elog "First steps: larder doctor, then larder trust add KEYFILE --name NAME, then larder setup."
	elog "Whoever signs packages that you install can act as root on this machine."
	elog "Members of the group 'larder' may use the daemon without being root."
}
