# What can be made here: `make help`.

PREFIX ?= /usr
SYSCONFDIR ?= /etc
DESTDIR ?=
SWIFT ?= swift
SYSTEMD_UNIT_DIR ?= $(PREFIX)/lib/systemd/system

# The end-to-end runs use the same build as the tests do.
export LARDER ?= $(CURDIR)/.build/debug/larder

.DEFAULT_GOAL := help
.PHONY: help deps build release test demo attack test-nat fuzz lint format bench-binhost bench-idle bench-index bench-dht bench-simulate bench-transfer install clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install what building and testing needs, as far as it is missing (Debian, Gentoo; as root)
	@Scripts/deps

build: deps ## build for development
	$(SWIFT) build

release: deps ## build the program with optimisation
	$(SWIFT) build -c release --static-swift-stdlib --product larder

test: deps ## lint, build, every test, the run with real Portage; ends with `N passed, N failed`
	@Scripts/test

demo: deps ## machines share packages with real Portage; KEEP=1 leaves them running
	$(SWIFT) build --product larder
	@Tests/EndToEnd/demo

attack: deps ## bad input and bad luck against running nodes; ends with `attack: N passed, N failed`
	$(SWIFT) build --product larder
	@Tests/EndToEnd/attack

test-nat: deps ## nodes behind routers, in network namespaces (as root); ends with a count
	$(SWIFT) build --product larder
	@Tests/EndToEnd/nat

fuzz: deps ## fuzz decoders and machines with libFuzzer, TIME seconds each (60); ends with a count
	@Scripts/fuzz '$(or $(TIME),60)'

lint: ## check format and length of the sources
	@Scripts/lint

format: ## format the Swift sources
	@Scripts/lint --fix

bench-binhost: release ## emerge from Larder's directory against a plain web server; ends with `ratio: X`
	@LARDER=$(CURDIR)/.build/release/larder Benchmarks/binhost

bench-idle: release ## a node at rest with 20 peers; ends with `rss_mb: X cpu_percent: Y`
	@LARDER=$(CURDIR)/.build/release/larder Benchmarks/idle

bench-index: deps ## an index of 20,000 packages, written and switched; ends with `seconds: X rss_mb: Y`
	$(SWIFT) build -c release --static-swift-stdlib --product bench-index
	@Benchmarks/index

bench-dht: deps ## the DHT beside libtorrent, OpenDHT and kademlia, with delays and loss; ends with ratios
	$(SWIFT) build -c release --static-swift-stdlib --product bench-dht
	@Benchmarks/dht

bench-transfer: deps ## the transfer beside nginx, rsync, scp, aria2c, libtorrent; ends with the ratios
	@Scripts/deps --bench-transfer
	$(SWIFT) build -c release --static-swift-stdlib --product bench-transfer
	@.build/bench-venv/bin/python Benchmarks/transfer $(ARGS)

bench-simulate: release ## the DHT of 1,000 and 10,000 virtual nodes beside its targets; SCALE=100k for more
	@LARDER=$(CURDIR)/.build/release/larder Benchmarks/simulate $(SCALE)

install: release ## install below DESTDIR, with PREFIX (/usr) and SYSCONFDIR (/etc)
	install -D -m 0755 .build/release/larder '$(DESTDIR)$(PREFIX)/bin/larder'
	install -D -m 0755 libexec/larder-portage '$(DESTDIR)$(PREFIX)/libexec/larder/larder-portage'
	install -D -m 0755 packaging/openrc/larder.initd '$(DESTDIR)$(SYSCONFDIR)/init.d/larder'
	for unit in larder larder-worker larder-gateway; do install -D -m 0644 \
	  "packaging/systemd/$$unit.service" "$(DESTDIR)$(SYSTEMD_UNIT_DIR)/$$unit.service"; done
	install -D -m 0644 -t '$(DESTDIR)$(PREFIX)/share/doc/larder' README.md CHANGELOG.md docs/*.md
	install -D -m 0755 packaging/postsync.d/larder '$(DESTDIR)$(SYSCONFDIR)/portage/postsync.d/larder'
	install -d -m 0755 '$(DESTDIR)$(SYSCONFDIR)/larder/trust' '$(DESTDIR)$(SYSCONFDIR)/conf.d'
	@# What the owner may have edited is kept.
	@keep() { if [ -e "$$2" ]; then echo "kept $$2"; else install -m 0644 "$$1" "$$2"; fi; }; \
	  keep packaging/openrc/larder.confd '$(DESTDIR)$(SYSCONFDIR)/conf.d/larder'; \
	  keep packaging/etc/larder/larder.yaml '$(DESTDIR)$(SYSCONFDIR)/larder/larder.yaml'; \
	  keep bootstrap-peers.txt '$(DESTDIR)$(SYSCONFDIR)/larder/bootstrap-peers.txt'
	@complete() { \
	    install -d "$${2%/*}" && .build/release/larder --generate-completion-script "$$1" >"$$2"; \
	  }; \
	  share='$(DESTDIR)$(PREFIX)/share'; \
	  complete bash "$$share/bash-completion/completions/larder" && \
	  complete zsh "$$share/zsh/site-functions/_larder" && \
	  complete fish "$$share/fish/vendor_completions.d/larder.fish"

clean: ## remove everything that was built
	rm -rf .build
