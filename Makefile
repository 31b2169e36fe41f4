# Every target does its own set-up and may be run again. `make help` lists them.
SHELL := /bin/bash
PREFIX ?= /usr/local
# Not every shell expands the ~ of `PREFIX=~/.local`.
override PREFIX := $(patsubst ~%,$(HOME)%,$(PREFIX))
SETUP := set -euo pipefail; source Tests/Support/setup.bash
SWIFT_SOURCES := Package.swift Sources Tests

.PHONY: help build demo demo-clean test soak fuzz bench install format lint clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

build: ## build the release binary, .build/release/pail
	@$(SETUP); need_swift; need_packages "$${BUILD_PACKAGES[@]}"; link_options; \
	say "Building .build/release/pail (the first time takes some minutes)"; \
	swift build -c release --product pail --static-swift-stdlib "$${LINK_OPTIONS[@]}" || \
	  fail "the build failed" "The compiler's messages above say where; 'make clean' starts over."

demo: ## a real S3 server on loopback with sample buckets, and pail open on it
	@bash Assets/demo/demo.bash

demo-clean: ## remove the demo's server data, downloads and history
	@bash Assets/demo/demo.bash clean

test: ## set up all that the tests need, and run them all
	@bash Tests/Support/test.bash

soak: build ## the tests that take longer, with the release binary: memory at full size, many kills
	@$(SETUP); need_packages gcc libc6-dev libssl-dev; \
	PAIL_TEST_BINARY="$$PWD/.build/release/pail" bash Tests/Support/test.bash -- \
	  .venv-tests/bin/python -m pytest -v -rP -p no:cacheprovider $(or $(ARGUMENTS),Tests/EndToEnd/soak_*.py)

FUZZ_SECONDS ?= 60
fuzz: ## feed random and damaged bytes to all that reads them, each for FUZZ_SECONDS
	@$(SETUP); need_swift; need_packages "$${BUILD_PACKAGES[@]}"; \
	say "Feeding bytes; PAIL_TEST_SEED=… with the seed that is told repeats what was found"; \
	PAIL_TEST_FUZZ_SECONDS=$(FUZZ_SECONDS) swift test --disable-xctest --filter FuzzTests

bench: build ## measure pail beside every other S3 client that is installed
	@$(SETUP); need_packages gcc libc6-dev libssl-dev openssl python3; \
	python3 Tests/Bench/bench.py --write Assets/benchmarks.md $(ARGUMENTS)

install: build ## install pail, its manual and completions below PREFIX (default /usr/local)
	@$(SETUP); install_pail .build/release/pail '$(DESTDIR)$(PREFIX)'

format: ## lay out the Swift sources
	@$(SETUP); need_swift; say "Laying out the Swift sources"; \
	swift format --in-place --parallel --recursive $(SWIFT_SOURCES)

lint: ## check the layout of the Swift sources
	@$(SETUP); need_swift; say "Checking the layout of the Swift sources"; \
	swift format lint --strict --parallel --recursive $(SWIFT_SOURCES) || \
	  fail "the layout of some sources is not as .swift-format says" "Run: make format"

clean: ## remove what was built and the tests' Python packages
	@$(SETUP); say "Removing .build and .venv-tests"; rm -rf -- .build .venv-tests
