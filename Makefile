# `make demo` and `make test` set up what they need; nothing else has to be installed but Python 3.11.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# test files that run at once; many wait, so one more than there are cores
JOBS ?= 3
STAMP := $(VENV)/.installed

.PHONY: setup demo types test check docs clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python .ci/install.py --dev
	touch $(STAMP)

demo: setup
	$(BIN)/seatrial demo

types: setup
	$(BIN)/mypy

test: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

# the types are checked beside the tests, many of which wait
check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(MAKE) --jobs=2 --no-print-directory types test

docs: setup
	$(BIN)/python docs/pictures/make.py

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
