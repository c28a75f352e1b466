# Every command a person needs. `make` alone lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
CODE := src dags tests scripts examples $(wildcard benchmarks)
# Set up anew when what it installs has changed; otherwise at once.
STAMP := .venv/.setup-done

.PHONY: help setup demo test test-unit test-spark test-dags test-browser test-wheel lint format docs site airflow \
	stack-env stack stack-down stack-test bench fuzz clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## install everything a run needs into this folder (needs Python >= 3.11, Java >= 17)

$(STAMP): scripts/setup pyproject.toml uv.lock src/lossledger/jobs/spark/jars.lock
	@PYTHON=$(PYTHON) scripts/setup
	@touch $@

demo: setup ## a crash day from raw files to published tables, and what it says
	$(BIN)/lossledger demo

test: setup lint ## everything: linters, unit, Spark and Airflow tests
	$(BIN)/pytest -n 3 --dist loadgroup --no-loadscope-reorder

test-unit: setup ## the tests that start no Java, in seconds
	$(BIN)/pytest -m "not spark and not dags"

test-spark: setup ## the tests that start Spark
	$(BIN)/pytest -m spark

test-dags: setup ## the Airflow tests
	$(BIN)/pytest -m dags tests/dags

test-browser: setup ## the explorer in a real Chromium (Debian: apt install chromium); SHOTS=DIR keeps screenshots
	@UV_PYTHON_DOWNLOADS=never .uv/bin/uv sync --frozen --inexact --quiet --group browser
	$(BIN)/pytest tests/browser $(if $(SHOTS),--shots $(SHOTS))

test-wheel: setup ## the wheel, installed in an environment of its own outside the checkout
	$(BIN)/pytest tests/wheel

lint: setup ## style, types, and the direction of imports
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## put the code into the one format
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

docs: setup ## write the generated pages anew
	$(BIN)/python -m scripts.dictionary

site: setup ## the documentation as a site, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "site/index.html; with a search: $(BIN)/python -m http.server -b 127.0.0.1 -d site, and http://127.0.0.1:8000"

airflow: setup ## Airflow on this machine, with the nightly DAG and the demo's data
	@scripts/airflow

stack-env: ## secrets for the stack, random ones, into .env
	@$(PYTHON) scripts/stack_env.py

stack: ## Airflow on PostgreSQL, a Spark cluster and an object store, in containers
	@scripts/stack up

stack-down: ## take the stack away; its volumes stay (VOLUMES=yes: they go too)
	@scripts/stack down $(if $(VOLUMES),volumes)

stack-test: setup ## nights on the running stack, with faults, to the numbers of this machine
	$(BIN)/python -m scripts.stack_test

bench: setup ## measure beside other tools, 15 minutes (SIZES=1,10,30,100 million rows for hours, MARKETS=DIR keeps them)
	@UV_PYTHON_DOWNLOADS=never .uv/bin/uv sync --frozen --inexact --quiet --group bench
	$(BIN)/python -m benchmarks.run --sizes $(or $(SIZES),0.3) $(if $(MARKETS),--folder $(MARKETS)) $(ARGS)

fuzz: setup ## the property tests with new examples, 10000 of each for hours (EXAMPLES=500 for minutes)
	HYPOTHESIS_PROFILE=fuzz FUZZ_EXAMPLES=$(or $(EXAMPLES),10000) $(BIN)/pytest --hypothesis-show-statistics \
		$(addprefix tests/properties/test_,amounts.py invariance.py scaling.py numbers.py)

clean: ## remove what setup, tests and the demo made
	rm -rf .venv .uv .jars .airflow demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache \
		spark-warehouse metastore_db derby.log build dist site
