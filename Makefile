.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Two processes with a Spark of 1.5 GiB each; a file's tests share what they set up, so they stay together. In the order
# of pyproject.toml, slow files first: else the slowest, which have few tests, come last and one process waits for them.
PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder
GIVEN_JAVA_HOME := $(JAVA_HOME)
# Looked up for each command, since `setup` may have just put a Java into .jdk.
export JAVA_HOME = $(or $(patsubst %/bin/java,$(CURDIR)/%,$(firstword $(shell ls -d .jdk/bin/java .jdk/*/bin/java .jdk/*/Contents/Home/bin/java 2>/dev/null))),$(GIVEN_JAVA_HOME))

.PHONY: help setup demo test test-fast test-faults test-cluster package lint type format bench docs clean

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.ready ## Make .venv with everything in it, and see to Java 17
	@.ci/java

demo: setup ## Compute and check feature tables of 2,469 real households
	@$(BIN)/python jobs/demo.py

test: setup ## Run the tests, all but the longest of faults
	$(BIN)/pytest -q $(PARALLEL)

test-fast: setup ## Run the tests that need no JVM
	$(BIN)/pytest -q $(PARALLEL) $(wildcard tests/unit tests/golden)

test-faults: export FAULT_KILLS = 100
test-faults: setup ## Kill, pause and starve runs a hundred times: hours, as root
	$(BIN)/pytest -q -n 2 --dist load tests/faults/test_materialize_crashes.py
	$(BIN)/pytest -q -m "long or not long" tests/faults --ignore tests/faults/test_materialize_crashes.py

test-cluster: setup ## Run the tests of a standalone cluster and of Spark Connect
	$(BIN)/pytest -q tests/cluster

package: setup ## Pack the library into dist/headrace.zip, for spark-submit --py-files
	@$(BIN)/python jobs/package.py dist/headrace.zip

lint: setup ## Check style, format and layers
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

type: setup ## Check types
	$(BIN)/mypy

format: setup ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: setup ## Measure against DuckDB and plain Spark
	$(PIP) -c conf/constraints.txt --group bench
	$(BIN)/pytest -q -s tests/benchmarks

docs: setup ## Write the documents that are generated
	$(BIN)/headrace schema > .venv/schema && mv .venv/schema docs/headrace.schema.json
	$(BIN)/headrace schema --format markdown > .venv/schema && mv .venv/schema docs/yaml.md

clean: ## Remove caches and build output; keeps .venv, .jdk and the lake
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache spark-warehouse metastore_db derby.log
	find jobs tests -name __pycache__ -prune -exec rm -rf {} +

.venv/.ready: pyproject.toml conf/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Headrace needs Python 3.11 or newer: make setup PYTHON=python3.11")'
	@echo "Installing into .venv: a few minutes the first time"
	@$(PYTHON) -m venv .venv && $(PIP) "pip>=25.1"
	@$(PIP) -c conf/constraints.txt --editable . --group dev --group demo
	@touch $@
