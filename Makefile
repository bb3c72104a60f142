# `make help` lists the targets. On a fresh machine each does all its own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
TIER ?= all

# The environment lives outside the repository, keyed by what goes into it.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/plumbline
VENV := $(CACHE)/venv-$(shell cat requirements/dev.txt scripts/setup 2>/dev/null | sha256sum | cut -c1-16)
BIN := $(VENV)/bin
export PYTHONPATH := $(CURDIR)
export PYTHONDONTWRITEBYTECODE ?=

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: setup
setup: ## make the locked environment (the other targets call it)
	@PYTHON=$(PYTHON) scripts/setup $(VENV) requirements/dev.txt

.PHONY: lint
lint: setup ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: test
test: setup ## all tests; TIER=unit for the quick ones
	@BIN=$(BIN) scripts/test $(TIER)

.PHONY: cluster
cluster: setup ## a real Kubernetes on this machine, until Ctrl-C: prints its KUBECONFIG
	@scripts/cluster-setup >/dev/null && exec $(BIN)/python -m tests.cluster

.PHONY: test-cluster
test-cluster: setup ## the tests on a real Kubernetes: one of this machine, or KUBECONFIG=... yours
	@BIN=$(BIN) PLUMBLINE_TEST_KUBECONFIG="$(KUBECONFIG)" scripts/test-cluster $(ARGS)

.PHONY: sieve
sieve: setup ## daemons whose API server fails and lies, on a real Kubernetes of this machine: ARGS='--points 300 --seed 1'
	@scripts/cluster-setup >/dev/null && $(BIN)/python -m tests.cluster.faults $(ARGS)

.PHONY: demo
demo: setup ## a repository, the daemon, pushes, plans, runs and statuses, in one terminal
	@$(BIN)/python -m reconciler.cli demo $(ARGS)

.PHONY: sim
sim: setup ## more seeds of the simulation: SEEDS=0:20000
	$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),0:20000)
	$(if $(SEEDS),,$(BIN)/python -m tests.simulation --days --seeds 0:40)

.PHONY: forges
forges: setup ## everything about forges: contracts, faults, requests held against GitHub's own description, a daemon, previews in a browser
	@scripts/forges-setup >/dev/null
	$(BIN)/pytest -q -n auto --dist loadfile tests/contracts/test_forges*.py tests/contracts/test_pulls*.py \
	  tests/contracts/test_merge_queues.py tests/contracts/test_remarks.py tests/reconciler/forges tests/reconciler/pulls \
	  tests/reconciler/remarks tests/reconciler/webhooks tests/reconciler/test_publish.py tests/reconciler/test_marking.py \
	  tests/reconciler/test_settings_forge.py tests/e2e/test_github*.py tests/e2e/test_forges_others.py \
	  tests/e2e/test_merge_queue.py tests/e2e/test_previews.py tests/e2e/test_preview_browser.py tests/e2e/test_commands_in_comments.py tests/e2e/test_webhooks.py $(ARGS)

.PHONY: sim-sweeps
sim-sweeps: setup ## more histories of sweeps, and more kills of the daemon while one goes on: SEEDS=0:2000
	$(BIN)/python -m tests.simulation --sweeps --seeds $(or $(SEEDS),0:2000)
	PLUMBLINE_RESTART_SEEDS=$(or $(SEEDS),0:20) $(BIN)/python -m pytest -q tests/simulation/test_sweep_restarts.py

.PHONY: sim-forge
sim-forge: setup ## more scripts of what goes wrong with a forge: SEEDS=0:1000
	@$(BIN)/python -m tests.forges --seeds $(or $(SEEDS),0:1000)

.PHONY: dst
dst: setup ## cron expressions in every time zone where clocks change, against a walk through all minutes: YEAR=2026
	$(BIN)/python -m tests.dst --year $(or $(YEAR),2026)

.PHONY: fuzz
fuzz: setup ## look at generated and torn documents on all cores: COUNT=200000 SEED=abc
	@$(BIN)/python -m tests.fuzz --count $(or $(COUNT),200000) $(if $(SEED),--series $(SEED))

.PHONY: peers
peers: setup ## compare what is taken and how it merges with Polyaxon; its environment makes itself
	@BIN=$(BIN) scripts/test peers

.PHONY: search-quality
search-quality: setup ## how good searches are beside optuna's; hours, kept as it goes: ARGS='--kinds tpe --seeds 0:5'
	@$(BIN)/python -m benchmarks.quality $(ARGS)

.PHONY: prove
prove: test fuzz ## all tests, those on a real Kubernetes that take minutes, many more documents and scripts, figures of the language
	$(BIN)/python -m benchmarks language
	$(BIN)/python -m tests.forges
	@BIN=$(BIN) scripts/test-cluster --prove $(ARGS)

.PHONY: sizes
sizes: setup ## sizes of modules and functions
	@$(BIN)/python scripts/sizes.py

.PHONY: bench
bench: setup ## figures as ratios within one run
	@scripts/postgres-setup
	@$(BIN)/python -m benchmarks

.PHONY: docs
docs: setup ## remake the pages that are made from the models
	@$(BIN)/python scripts/docs.py && $(BIN)/python scripts/docs_codes.py

.PHONY: lock
lock: ## remake the hash-locked requirements from pyproject.toml
	@scripts/lock
