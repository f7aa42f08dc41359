# `make demo` and `make test` are all a newcomer needs: each sets up .venv on first use.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
WORKERS ?= 2
PYPROJECTS := $(wildcard pyproject.toml */pyproject.toml */*/pyproject.toml)

.DEFAULT_GOAL := help
.PHONY: help env demo test lint bench clean update

help: ## Show this list.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

env: .venv/ready ## Set up .venv with everything a contributor needs.

demo: .venv/ready ## Shrink a small network on a real data set.
	$(BIN)/espalier demo

test: .venv/ready ## Run all tests and every example of the documentation.
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope

lint: .venv/ready ## Check style, types and the import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready ## List the benchmarks; each is run by its own name.
	@ls benchmarks/*.py 2>/dev/null || echo "There are no benchmarks yet."

clean: ## Remove .venv and everything else that was generated.
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -type d -name __pycache__ -prune -exec rm -rf {} +

# torch stays where constraints.txt says.
update: ## Move every pinned version forward, except torch's.
	rm -rf .venv
	sed -i '/^torch==/!{/^#/!d}' requirements/constraints.txt
	$(MAKE) env
	sed -i '/^#/!d' requirements/constraints.txt
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' >> requirements/constraints.txt

# Rebuilt when a pyproject or a requirement changes, so a new entry point is never stale.
# torch comes first and by its exact version: nothing else may choose another build of it.
.venv/ready: $(PYPROJECTS) $(wildcard requirements/*.txt)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install "$$(grep '^torch==' requirements/constraints.txt)" --constraint requirements/constraints.txt
	$(BIN)/python -m pip install hatchling editables --constraint requirements/constraints.txt
	$(BIN)/python -m pip install --no-build-isolation --requirement requirements/dev.txt
	touch $@
