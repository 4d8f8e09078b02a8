# Rotascope's tasks. `make` lists them. Each does its own set-up, once.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

VENV := .venv/bin
PYTEST := $(VENV)/python -m pytest
KERNELS := $(VENV)/python -m deploy.local.kernels
BOOTSTRAP_SERVERS ?= 127.0.0.1:9092
KAFKA_DATA ?= .kafka

# Tests without a broker.
FAST_TESTS := tests/unit tests/contract tests/golden $(wildcard tests/test_*.py) tests/chaos/test_cluster.py tests/chaos/test_oracle.py tests/chaos/test_plan.py \
	tests/chaos/test_log_bound.py tests/chaos/test_health_watch.py tests/chaos/test_proxy.py tests/equality
# Of these, the tests that call kernels; they also run as plain Python, for the coverage.
CORE_TESTS := tests/unit/core tests/contract

.PHONY: help
help: ## list the tasks
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- set-up -----------------------------------------------------------------------------------------------------

.PHONY: setup
setup: .venv/.dev ## make .venv with the pinned packages for development

.venv/.runtime: pyproject.toml constraints.txt
	@deploy/local/setup.sh runtime

.venv/.dev: pyproject.toml constraints.txt
	@deploy/local/setup.sh dev

.PHONY: test-tools
test-tools: ## install Java 17, Maven, Prometheus, Alertmanager and Chromium with apt-get, if permitted
	@deploy/local/install-test-tools.sh

# --- run --------------------------------------------------------------------------------------------------------

.PHONY: demo
demo: .venv/.runtime ## the whole system on eight recorded days of July 2024
	@$(VENV)/rotascope demo $(ARGS)

.PHONY: kafka-start
kafka-start: test-tools ## Apache Kafka on this machine (127.0.0.1:9092, data in .kafka)
	@deploy/kafka/start.sh --data $(KAFKA_DATA)

.PHONY: kafka-stop
kafka-stop: ## stop it; its data is kept
	@deploy/kafka/stop.sh --data $(KAFKA_DATA)

.PHONY: topics
topics: .venv/.runtime ## create Rotascope's topics on BOOTSTRAP_SERVERS
	@$(VENV)/rotascope topics apply --bootstrap-servers $(BOOTSTRAP_SERVERS)

.PHONY: dashboards
dashboards: .venv/.dev ## write deploy/grafana/dashboards anew, after a panel or a metric has changed
	@$(VENV)/python -m deploy.grafana

.PHONY: demo-artefacts
demo-artefacts: .venv/.runtime ## make the demo's base rates and rarity anew, after a definition has changed (ARGS=--check compares)
	@$(VENV)/python -m deploy.demo.artefacts $(ARGS)

.PHONY: metrics-page
metrics-page: .venv/.dev ## write docs/metrics.md from the table of metrics
	@$(VENV)/python -m deploy.local.metrics_page

# --- check: fastest first --------------------------------------------------------------------------------------

.PHONY: test
test: ## everything: lint, types, unit, coverage, integration on Apache Kafka, faults
	@$(MAKE) --no-print-directory setup
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory test-tools
	@$(MAKE) --no-print-directory coverage
	@$(MAKE) --no-print-directory compiled
	@$(MAKE) --no-print-directory chaos-short

.PHONY: lint
lint: .venv/.dev ## ruff: rules and format
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .

.PHONY: types
types: .venv/.dev ## mypy --strict
	@$(VENV)/mypy

.PHONY: unit
unit: .venv/.dev ## unit, property and contract tests, kernels compiled; no broker
	@$(KERNELS)
	@$(PYTEST) -q -n 2 $(FAST_TESTS) $(ARGS)

# A compiled line counts as not covered, so coverage is measured with the kernels as plain Python.
.PHONY: coverage
coverage: .venv/.dev ## unit and contract tests of core in plain Python; branch coverage >= 95 %
	@echo "rotascope: tests of core in plain Python, with branch coverage ..."
	@NUMBA_DISABLE_JIT=1 $(PYTEST) -q -n 2 -m "not compiled" --cov --cov-report=term $(CORE_TESTS) $(ARGS)

# Distributed by file, so that each module is set up once and each half shares a broker.
.PHONY: compiled
compiled: .venv/.dev test-tools ## every test, kernels compiled with bounds checks, Apache Kafka included
	@echo "rotascope: all tests, kernels compiled with bounds checks, on Apache Kafka ..."
	@NUMBA_BOUNDSCHECK=1 $(KERNELS)
	@NUMBA_BOUNDSCHECK=1 $(PYTEST) -q -n 2 --dist loadfile $(FAST_TESTS) tests/integration $(ARGS)

.PHONY: integration
integration: .venv/.dev test-tools ## only the tests against real peers
	@$(KERNELS)
	@$(PYTEST) -q tests/integration $(ARGS)

# In addition to `make test`. A broker with TLS, SASL and an authorizer.
.PHONY: secured
secured: .venv/.dev test-tools ## every command, mechanism, client, refusal and right on a secured broker; half an hour
	@NUMBA_BOUNDSCHECK=1 $(KERNELS)
	@NUMBA_BOUNDSCHECK=1 $(PYTEST) -q -n 2 --dist loadfile tests/secured tests/integration/test_secured_*.py $(ARGS)

# Prints a table of faults: outcome, recovery, longest stall. ARGS="--list" names them.
.PHONY: chaos
chaos: .venv/.dev test-tools ## kill and freeze workers, brokers and producers; no event may be lost or duplicated
	@$(KERNELS)
	@$(VENV)/python -m tests.chaos $(ARGS)

.PHONY: chaos-outage
chaos-outage: .venv/.dev test-tools ## all brokers away for 2 and for 10 minutes; 17 minutes
	@$(KERNELS)
	@$(VENV)/python -m tests.chaos --outage $(ARGS)

# With bounds checks, as the tests before it: the kernels are compiled already.
.PHONY: chaos-short
chaos-short: .venv/.dev test-tools ## the same in three minutes: one round
	@echo "rotascope: workers, brokers and records under faults, on three Apache Kafka brokers ..."
	@NUMBA_BOUNDSCHECK=1 $(VENV)/python -m tests.chaos --short $(ARGS)

.PHONY: bench
bench: .venv/.dev test-tools ## print the figures of speed and memory (ARGS=soak: twenty minutes of load)
	@$(VENV)/python -m tests.bench $(ARGS)

# Each in its own worktree; HEAD defaults to the commit that is checked out. ARGS="--only study" for one part.
HEAD ?= HEAD
.PHONY: equal
equal: .venv/.dev ## compare two commits on recorded history (BASE=commit, HEAD=commit)
	@$(if $(BASE),,echo "rotascope: BASE is missing. Operator action: make equal BASE=commit" >&2; exit 2)
	@$(VENV)/python -m tests.equality $(BASE) $(HEAD) $(ARGS)

# --- clean ------------------------------------------------------------------------------------------------------

.PHONY: clean
clean: kafka-stop ## remove what make has made in the checkout
	@rm -rf .venv .kafka .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov build *.egg-info
	@find core producers consumers deploy tests -name __pycache__ -type d -prune -exec rm -rf {} +
