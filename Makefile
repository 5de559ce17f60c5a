# `make help` lists what there is. Python 3.11 or newer and make are all it needs.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin

# Tests start hundreds of processes: none compiles again what another one has compiled.
unexport PYTHONDONTWRITEBYTECODE

# The environment is complete when a stamp for these very files exists: named by content, so that a fresh checkout,
# a changed lock or a moved folder each lead to an installation, and nothing else does.
FINGERPRINT := $(shell { pwd; cat pyproject.toml requirements/dev.txt; } | cksum | tr -d ' \t')
STAMP := $(VENV)/installed-$(FINGERPRINT)
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header pyproject.toml $(LOCKFLAGS)
SOURCES := libs services tests bench examples deploy
QUICK_TESTS := tests/unit tests/property tests/conformance tests/chart $(wildcard tests/simulation)

.PHONY: help install run format lint typecheck contracts test test-quick test-servers test-unit test-property \
	test-conformance test-compiled compile chart-test chart-docs simulate test-simulation test-integration test-recovery test-e2e soak-cdn bench metrics trace-picture records dashboards openapi check lock clean

help: ## Show what there is to make
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# uv needs a fifth of the time. It does not read pip's own configuration: where that says what packages come through,
# uv may fail, and pip does it. Both take what has the locked hash, and nothing else.
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check

install: $(STAMP) ## Create .venv with everything, as locked; quick when nothing changed

# A Python that was taken off the machine leaves a dangling link: then start over. So does a moved folder, whose
# scripts name the old one.
ifeq ($(wildcard $(BIN)/python),)
.PHONY: $(STAMP)
endif

$(STAMP):
	@if ! grep -qF '$(CURDIR)/$(VENV)' $(BIN)/activate 2>/dev/null || ! $(BIN)/python -c 'import pip' 2>/dev/null; then \
		for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
			if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
			python=; \
		done; \
		if [ -z "$$python" ]; then \
			echo "Understudy needs Python 3.11 or newer with its venv module (Debian, Ubuntu: apt install python3-venv)." >&2; \
			exit 1; \
		fi; \
		echo "Creating $(VENV) with $$($$python --version)"; \
		$$python -m venv --clear $(VENV) || exit 1; \
	fi
	@echo "Installing the locked requirements into $(VENV) (half a minute or so the first time)"
	@sed -n '/^uv==/,/[^\\]$$/p' requirements/dev.txt | $(PIP) --no-deps --require-hashes -r /dev/stdin
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.txt 2>/dev/null \
		|| $(PIP) --require-hashes -r requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/installed-*
	@touch $(STAMP)

run: install ## Start the whole system with a demo channel on this machine; Ctrl-C ends it
	@exec $(BIN)/understudy up $(ARGS)

format: install ## Format the code and mend what ruff can mend
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

lint: install ## Check style and formatting
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

typecheck: install ## Check types
	$(BEHIND) $(BIN)/mypy

contracts: install ## Check that the walls between the packages stand
	$(BIN)/lint-imports --no-logo

# What is timed has the cores to itself: the tests with encoders and players begin when all others have ended.
test: test-quick test-servers test-compiled ## Run every test that this machine can run
	$(BIN)/pytest -n 3 $(SIDE_BY_SIDE) tests/e2e

# They share the cores. BEHIND is put before what does nothing but compute, where it runs beside tests with servers.
BEHIND :=
test-quick: install ## Run every test that needs no server and no encoder
	$(BEHIND) $(BIN)/pytest -n auto --durations=10 $(QUICK_TESTS)

# Tests with real servers mostly wait for something, and those with encoders and players for their programme to be
# played: so files of them run side by side, those that take longest first, and few enough that none is late. Each run
# ends by telling what was slow in it.
SIDE_BY_SIDE := --dist loadfile --no-loadscope-reorder --durations=10
test-servers: install ## Run the tests against a real NATS server and a real S3 server, several files at a time
	$(BIN)/pytest -n 4 $(SIDE_BY_SIDE) tests/integration

test-compiled: install ## Compile the decision core, and run the domain's tests on it (needs gcc and Python's headers)
	$(BEHIND) $(BIN)/pytest tests/compiled $(ARGS)

test-unit: install ## Run the tests that need no I/O
	$(BIN)/pytest tests/unit $(ARGS)

test-property: install ## Run the tests that look for counterexamples
	$(BIN)/pytest tests/property $(ARGS)

test-conformance: install ## Run independent readers over what is published
	$(BIN)/pytest tests/conformance $(ARGS)

chart-test: install ## Render the Helm chart with every profile, and check what comes out
	$(BIN)/pytest tests/chart $(ARGS)

chart-docs: install ## Write the chart's README.md and values.schema.json, and its copies of alert rules and dashboards
	$(BIN)/python -m deploy.helm.generator

simulate: install ## Run many random schedules in virtual time (SCHEDULES=…, FIRST=…), or replay one (SEED=…)
	@cd tests && exec ../$(BIN)/python -m support.simulation \
		$(if $(SEED),--seed $(SEED),--schedules $(or $(SCHEDULES),10000) --first-seed $(or $(FIRST),0)) $(ARGS)

test-simulation: install ## Run the system in virtual time with faults
	$(BIN)/pytest tests/simulation $(ARGS)

test-integration: install ## Run the tests against a real NATS server and a real S3 server
	$(BIN)/pytest tests/integration $(ARGS)

test-recovery: install ## Move NATS and S3 under a running programme, lose NATS, and build all from an export
	$(BIN)/pytest tests/recovery $(ARGS)

test-e2e: install ## Run the tests against the whole local stack with real encoders
	$(BIN)/pytest tests/e2e $(ARGS)

soak-cdn: install ## Play ten minutes through nginx and Varnish to 200 viewers (SECONDS=…, VIEWERS=…)
	@cd tests && exec ../$(BIN)/python -m support.cdn_soak \
		--seconds $(or $(SECONDS),600) --viewers $(or $(VIEWERS),200) $(ARGS)

# What it is made of decides whether it is made again: the package's sources, what compiles them, and for which Python.
COMPILED := build/compiled
compile: install ## Compile the decision core into build/compiled, where anything changed (needs gcc and Python's headers)
	@$(BIN)/python -m deploy.compiled --into $(COMPILED) --if-changed

metrics: install ## Write the tables of docs/metrics.md from what the services register
	@cd tests && ../$(BIN)/python -m support.metric_catalogue

dashboards: install ## Render the dashboards into deploy/monitoring/dashboards
	@cd deploy/monitoring && ../../$(BIN)/python -m dashboards_src dashboards

trace-picture: install ## Draw the trace in docs/operations/traces.md from one of a local stack
	@cd tests && ../$(BIN)/python -m support.trace_picture

records: install ## File records as this release writes them under tests/data/records (docs/records.md)
	@cd tests && ../$(BIN)/python -m support.record_samples

openapi: install ## Write the description of the control API into docs/openapi.json
	$(BIN)/python -m understudy_controller.api.openapi > docs/openapi.json

bench: install ## Measure against nginx, side by side (needs nginx and wrk)
	$(BIN)/python -m bench $(ARGS)

check: lint typecheck contracts test ## What must pass before a change is done

lock: install ## Renew the locked requirements (LOCKFLAGS=--upgrade for newer versions)
	$(LOCK) --all-extras requirements/dev.in --output-file requirements/dev.txt
	for service in $(SERVICES); do \
		$(LOCK) --extra $$service --constraint requirements/dev.txt --output-file requirements/$$service.txt || exit 1; \
	done
	$(subst pyproject.toml,requirements/build.in,$(LOCK)) --output-file requirements/build.txt
	$(subst pyproject.toml,requirements/compile.in,$(LOCK)) --constraint requirements/dev.txt \
		--output-file requirements/compile.txt

# --- images -----------------------------------------------------------------------------------------------------------

SERVICES := ingest controller egress harvester
# REGISTRY is a prefix of their names, such as registry.example.com/video. The first of docker and podman that works
# builds them; `docker` without its daemon does not.
VERSION = $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml)
TAG ?= $(VERSION)
REGISTRY ?=
IMAGE_PREFIX = $(if $(REGISTRY),$(patsubst %/,%,$(REGISTRY))/)understudy-
CONTAINER_TOOL ?= $(shell for tool in docker podman; do if $$tool info >/dev/null 2>&1; then echo $$tool; break; fi; done)

.PHONY: images wheels test-images player
# Dates are those of the last commit: docker takes them from the environment, podman has to be told.
images: export SOURCE_DATE_EPOCH ?= $(or $(shell git log -1 --format=%ct 2>/dev/null),0)
images: player ## Build the images of the services (REGISTRY=…, TAG=…, BASE_IMAGE=…, BUILD_IMAGE=…, COMPILE=no, WHEELS=…, BUILDFLAGS=…, CONTAINER_TOOL=…)
	@tool='$(CONTAINER_TOOL)'; \
	if [ -z "$$tool" ]; then \
		echo "Images are built by docker or podman, and neither works here: start one, or name it with CONTAINER_TOOL=…" >&2; \
		exit 1; \
	fi; \
	if [ -n '$(WHEELS)' ] && ! ls '$(WHEELS)'/*.whl >/dev/null 2>&1; then \
		echo "There are no wheels in $(WHEELS): fetch them with make wheels WHEELS=$(WHEELS)" >&2; \
		exit 1; \
	fi; \
	if $$tool --version | grep -q podman; then dated="--timestamp $$SOURCE_DATE_EPOCH"; fi; \
	for service in $(SERVICES); do \
		echo "Building $(IMAGE_PREFIX)$$service:$(TAG)"; \
		$$tool build --file services/$$service/Dockerfile --tag $(IMAGE_PREFIX)$$service:$(TAG) $$dated \
			--build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) \
			$(if $(BASE_IMAGE),--build-arg BASE_IMAGE=$(BASE_IMAGE)) $(if $(BUILD_IMAGE)$(BASE_IMAGE),--build-arg BUILD_IMAGE=$(or $(BUILD_IMAGE),$(BASE_IMAGE))) \
			$(if $(COMPILE),--build-arg COMPILE=$(COMPILE)) \
			$(if $(WHEELS),--build-context wheels=$(abspath $(WHEELS))) $(BUILDFLAGS) . || exit 1; \
	done

# Optional, and so is npm: without it the console says that it has no player of its own.
PLAYER := services/controller/understudy_controller/console/static/hls.mjs
player: ## Put hls.js beside the console's pages, where npm is there to fetch it
	@if [ -f $(PLAYER) ] && [ $(PLAYER) -nt tests/e2e/players/package-lock.json ]; then exit 0; fi; \
	if ! command -v npm >/dev/null; then echo "npm is not here: the console goes without hls.js"; exit 0; fi; \
	npm ci --prefix tests/e2e/players --ignore-scripts --no-audit --no-fund --silent && \
	cp tests/e2e/players/node_modules/hls.js/dist/hls.min.mjs $(PLAYER) && touch $(PLAYER) || \
	echo "hls.js could not be fetched: the console goes without it" >&2

wheels: ## Fetch what the images are built from into WHEELS=…, for builds without an index (PYTHON=… of their version)
	@test -n "$(WHEELS)" || { echo "Say where to: make wheels WHEELS=dist/wheels" >&2; exit 1; }
	@$(or $(PYTHON),python3) -m pip download --quiet --disable-pip-version-check --dest $(WHEELS) --no-deps --require-hashes \
		--only-binary=:all: --no-binary=nkeys $(foreach name,build compile $(SERVICES),--requirement requirements/$(name).txt)

test-images: install ## Build the images on a Debian base and run the main path on them (as root, with podman)
	UNDERSTUDY_REQUIRE_ALL=1 $(BIN)/pytest tests/images $(ARGS)

clean: ## Remove what was built, the environment and the local stack's data
	rm -rf $(VENV) .understudy .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist node_modules
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
