# Two commands matter to a stranger: `make demo` and `make test`. Each sets up all it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Half again as many as processors: a test waits for its sockets about half of the time.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(max(2, (os.cpu_count() or 2) * 3 // 2))')

.PHONY: install native demo test check bench stress run clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("listener needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 $(MAKECMDGOALS)") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing listener and its pinned dependencies into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

# Once, about a minute, where there is a C compiler: half the time a post. Without one plain Python runs, and verdicts are the same.
# What is edited afterwards is read as Python again, until the next time.
native: install
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[native]'
	@$(BIN)/python -m tools.native || true

demo: install
	@$(BIN)/listener demo

run: native
	@$(BIN)/listener run

check: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: check
	@$(BIN)/pytest -n $(WORKERS)

stress: install
	@$(BIN)/pytest -m stress --stress-full tests/stress

bench: native
	@$(BIN)/python -m bench

clean:
	rm -rf $(VENV) rules/_compiled .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache demo-output
