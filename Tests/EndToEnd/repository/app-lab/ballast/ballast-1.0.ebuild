EAPI=8

DESCRIPTION="32 MB that no compressor makes smaller, the same on every machine"
HOMEPAGE="https://lab.invalid/ballast"
S="${WORKDIR}"
LICENSE="CC0-1.0"
SLOT="0"
KEYWORDS="amd64"

src_compile() {
	python3 - "${LARDER_LAB_BALLAST_MB:-32}" <<-'PYTHON' || die
		import random, sys
		source = random.Random("ballast")
		with open("ballast.bin", "wb") as out:
		    for _ in range(int(sys.argv[1])):
		        out.write(source.randbytes(1 << 20))
	PYTHON
}

src_install() {
	insinto /usr/share/ballast
	doins ballast.bin
}
