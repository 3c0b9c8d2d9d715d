EAPI=8

inherit lab-c

DESCRIPTION="Compiles LARDER_LAB_SLOW_FILES (300) generated files"
HOMEPAGE="https://lab.invalid/slowpoke"
LICENSE="CC0-1.0"
SLOT="0"
KEYWORDS="amd64"

src_configure() {
	local i n=${LARDER_LAB_SLOW_FILES:-300} objects="main.o"
	for (( i = 0; i < n; i++ )); do
		printf 'int f%d(int x) { for (int i = 0; i < %d; i++) x = x * 31 + i; return x; }\n' \
			${i} $(( i + 7 )) > f${i}.c || die
		objects+=" f${i}.o"
	done
	{
		echo '#include <stdio.h>'
		for (( i = 0; i < n; i++ )); do echo "int f${i}(int);"; done
		echo 'int main(void) { int x = 1;'
		for (( i = 0; i < n; i++ )); do echo "x = f${i}(x);"; done
		echo 'printf("slowpoke %d\n", x); return 0; }'
	} > main.c || die
	printf 'slowpoke: %s\n\t$(CC) $(LDFLAGS) -o $@ $^\n' "${objects}" > Makefile || die
}

src_compile() {
	emake CC="${CC:-gcc}"
}

src_install() {
	dobin slowpoke
}
