# Assay. `make help` lists what there is; every target sets the environment up first when it has to.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Seconds of `make demo`; empty means: until Ctrl-C on a terminal, 60 seconds without one.
DEMO_SECONDS ?=
# Which tests, e.g. `make test TESTS="tests/unit -k lexicon"`. Benchmarks have a target of their own.
TESTS ?= -m "not bench"
# Test processes; 0 runs all in one (for a debugger). One more than cores: tests that wait for a Kafka leave a core to others.
WORKERS ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))

.PHONY: help setup system demo test lint format bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: system $(INSTALLED) ## Create .venv from the hashed lock file; repeated only when the lock changes
	@deploy/setup-console.sh

system:
	@deploy/setup-debian.sh

$(INSTALLED): requirements.lock pyproject.toml deploy/setup-python.sh
	@deploy/setup-python.sh $(VENV)
	@touch $@

demo: setup ## Local Kafka, a worker, a simulated feed, alerts on screen (DEMO_SECONDS=60 ends with a report)
	@seconds="$(DEMO_SECONDS)"; \
	if [ -z "$$seconds" ] && ! { [ -t 0 ] && [ -t 1 ]; }; then seconds=60; fi; \
	exec $(BIN)/assay demo $${seconds:+--seconds $$seconds}

test: setup ## Lint, types, then every test: unit, contracts, scenarios, integration on real Kafka, chaos
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@$(BIN)/python deploy/fetch_kafka.py
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

lint: setup ## Lint and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## Rewrite the code in the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## The benchmarks of the README
	$(BIN)/assay bench

clean: ## Remove the environment and caches (not the downloaded Kafka)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
