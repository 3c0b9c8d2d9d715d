EAPI=8

DESCRIPTION="Built from whatever the sources are today"
HOMEPAGE="https://lab.invalid/livewire"
S="${WORKDIR}"
LICENSE="CC0-1.0"
SLOT="0"
PROPERTIES="live"


src_install() {
	insinto /usr/share/livewire
	newins - note <<<"livewire"
}
