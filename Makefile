# Metier: `make demo` shows it, `make test` proves it, `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# What a clone does stays in the clone; an installed Metier uses ~/.metier.
export METIER_HOME ?= $(CURDIR)/.metier

# The first Python on PATH that is new enough; or say `make PYTHON=/path/to/python3.12 setup`.
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python,\
	$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))

BIN := .venv/bin
LOCKS := requirements/run.txt requirements/dev.txt
DIST := src/metier/web/static/dist/manifest.json
FRONTEND := frontend/package.json frontend/package-lock.json frontend/tsconfig.json frontend/build.mjs \
	$(shell find frontend/src src/metier/web/static/css 2>/dev/null)
# `loadscope` keeps a module's tests on one worker, so its expensive fixtures are made once; `tests/conftest.py` orders them.
PYTEST := $(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder

.PHONY: help setup demo test check fmt proof bench lock clean

help: ## list the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 16

setup: .venv/.ok $(DIST) ## make or renew the environment and the browser bundles
	@:

demo: setup ## start Metier with a sample workspace
	@$(BIN)/metier demo

test: setup tests/mocks/node_modules/.package-lock.json ## run the tests; ARGS='tests/runs -k lease' narrows them
	@$(PYTEST) $(ARGS)

check: setup ## format, lint, types and the house rules, without changing a file
	@failed=""; \
	$(BIN)/ruff format --check --quiet . || failed+=" format (cure: make fmt)"; \
	$(BIN)/ruff check --quiet . || failed+=" lint (make fmt mends what can be mended)"; \
	$(BIN)/basedpyright || failed+=" types"; \
	$(BIN)/python hatch_build.py check || failed+=" typescript"; \
	$(BIN)/pytest -q tests/house || failed+=" house"; \
	test -z "$$failed" || { echo "Not yet right:$$failed"; exit 1; }

fmt: setup ## format, and mend what the linter can mend
	@$(BIN)/ruff check --fix-only --quiet . || true
	@$(BIN)/ruff format .

proof: setup ## run the long suites and write dated results
	@test -e bench/proof.py -o -d bench/proof || { echo "There is no bench/proof yet: nothing to prove."; exit 1; }
	@$(BIN)/python -m bench.proof $(ARGS)

bench: setup ## print speed as ratios to the floors of the same run
	@test -d bench || { echo "There is no bench/ yet: nothing to measure."; exit 1; }
	@$(BIN)/python -m bench $(ARGS)

# Pins and hashes only: no index, no host, no path. ARGS=--upgrade moves to the newest versions.
lock: .venv/bin/uv ## remake requirements/*.txt and the npm locks; ARGS=--upgrade for newer versions
	@test -x $(BIN)/uv || { echo "Locks are made by uv. Cure: get on line, or put uv into .venv/bin, then make lock again."; exit 1; }
	@for set in run dev; do \
	  $(BIN)/uv pip compile pyproject.toml $$([ $$set = run ] || echo "--group dev -c requirements/run.txt") \
	    --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet \
	    -o requirements/$$set.txt $(ARGS) \
	    || { echo "The lock was not remade. Cure: read which two requirements clash above, mend pyproject.toml."; exit 1; }; \
	done
	@if [ -e .venv/.ok ]; then for folder in frontend tests/mocks; do $(BIN)/python hatch_build.py lock $$folder; done; fi
	@! grep -nE '^--|://|@ ' requirements/*.txt || { echo "A lock names a place. Cure: unset UV_INDEX_URL and the like."; exit 1; }

clean: ## remove all that make made, but not your data in $METIER_HOME
	rm -rf .venv dist src/metier/web/static/dist frontend/node_modules tests/mocks/node_modules \
	  .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- files -----------------------------------------------------------------------------------------------------------

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Metier needs Python 3.11 or newer, and there is none on PATH."; \
	  echo "Cure: install it (Debian: apt-get install python3 python3-venv), or say: make PYTHON=/path/to/python3.12 setup"; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "$(PYTHON) could not make a virtual environment."; \
	  echo "Cure: install its venv module (Debian: apt-get install python3-venv), then make again."; exit 1; }

# uv installs the same locked files five times as fast; without it pip does.
.venv/bin/uv: | .venv/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv \
	  || echo "uv could not be installed: going on with pip, which takes longer."

.venv/.ok: pyproject.toml hatch_build.py $(LOCKS) | .venv/bin/python .venv/bin/uv
	@echo "Installing what requirements/dev.txt pins ..."
	@if [ -x $(BIN)/uv ]; then \
	  install="env VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --compile-bytecode"; \
	else \
	  install="$(BIN)/python -m pip install --quiet --disable-pip-version-check"; \
	fi; \
	$$install --require-hashes -r requirements/dev.txt && \
	METIER_SKIP_FRONTEND=1 $$install --no-deps --no-build-isolation -e . || \
	{ echo "The packages could not be installed; the reason is above."; \
	  echo "Cure: the first set-up needs the package index. If a half-made environment is the cause: make clean setup"; exit 1; }
	@touch $@

$(DIST): .venv/.ok $(FRONTEND)
	@$(BIN)/python hatch_build.py
	@touch $@

tests/mocks/node_modules/.package-lock.json: .venv/.ok tests/mocks/package-lock.json
	@$(BIN)/python hatch_build.py install tests/mocks
	@touch $@
