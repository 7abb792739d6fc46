# What can be done here; `make help` prints the lines that begin with two hashes.
#
#   PYTHON   the interpreter that makes the virtual environment (3.11 or later)
#   VENV     where that environment lies
#   PEER     the interpreter of an environment with MLflow in it, for `make bench`
#   WORKERS  processes that run tests
#   ONLY     rows of `make matrix`: 'xgboost torch-oldest'

.POSIX:

PYTHON ?= python3
VENV ?= .venv
PEER ?=
ONLY ?=
WORKERS ?= 2

bin = $(VENV)/bin
step = .ci/step
sources = core integrations plugins tests examples

.PHONY: help demo test lint bench matrix clean

## help    these lines
help:
	@echo 'usage: make [target] [PYTHON=python3.12] [VENV=.venv]'
	@sed -n 's/^## /  make /p' Makefile

## demo    set up, train with autologging on real data, and show what was recorded
demo: $(VENV)/demo.stamp
	$(bin)/python examples/demo.py

## test    set up, then formatting, lint, types, import rules and all tests
test: lint
	@.ci/postgresql
	@$(bin)/python -m compileall -q core integrations plugins # hundreds of processes import them
	@echo 'the tests, and beside them those of the distributions in plugins/'
	@.ci/beside '$(bin)/python tests/distributions.py -n 1' $(bin)/python -m pytest -n $(WORKERS) --dist worksteal

## lint    formatting, lint, types and import rules alone
lint: $(VENV)/dev.stamp
	$(bin)/ruff format --check $(sources)
	$(bin)/ruff check $(sources)
	@$(step) 'types' $(bin)/mypy
	@$(step) 'import rules' $(bin)/lint-imports --no-cache

## bench   measure steno against its targets, and against MLflow where PEER names its interpreter
bench: $(VENV)/dev.stamp
	$(bin)/python tests/benchmarks/run.py --peer '$(PEER)'

## matrix  test each framework at its oldest and its newest version; ONLY='xgboost torch-oldest' chooses
matrix: $(VENV)/dev.stamp
	$(bin)/python tests/matrix/run.py --workers $(WORKERS) $(ONLY)

## clean   remove the environment, caches and what the demo recorded
clean:
	rm -rf $(VENV) build dist stenoruns .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find $(sources) -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/python.stamp:
	@.ci/check-python '$(PYTHON)'
	@$(step) 'making $(VENV)' $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/demo.stamp: $(VENV)/python.stamp pyproject.toml
	@$(step) 'installing steno with scikit-learn' $(bin)/python -m pip install --editable '.[sklearn]'
	@touch $@

$(VENV)/dev.stamp: $(VENV)/python.stamp pyproject.toml
	@$(step) 'installing steno with what its tests need' \
		$(bin)/python -m pip install --no-compile --constraint constraints.txt --editable '.[dev]'
	@# By all cores, where pip takes one; some packages hold templates that are no Python.
	@$(step) 'compiling what was installed' sh -c '$(bin)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null || true'
	@touch $@
