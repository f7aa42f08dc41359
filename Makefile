# `make demo` and `make test` are all a newcomer needs: each sets up .venv on first use.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
WORKERS ?= 2
N ?= 5000
PYPROJECTS := $(wildcard pyproject.toml */pyproject.toml */*/pyproject.toml)

.DEFAULT_GOAL := help
.PHONY: help env demo test long fuzz lint bench coverage clean update

help: ## Show this list.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

env: .venv/ready ## Set up .venv with everything a contributor needs.

demo: .venv/ready ## Shrink a small network on a real data set.
	$(BIN)/espalier demo

test: .venv/ready ## Run all tests and every example of the documentation.
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder

long: .venv/ready ## Kill searches at many more moments, convert further models; takes twenty minutes.
	$(BIN)/python -m pytest -m long -n $(WORKERS) --dist loadscope tests plugins contrib

fuzz: .venv/ready ## Check N random networks and 5 N configurations, other ones each time (N=5000).
	ESPALIER_FUZZ=$(N) $(BIN)/python -m pytest tests/test_random_networks.py tests/test_configuration_fuzz.py -n $(WORKERS) --dist loadscope --no-loadscope-reorder

lint: .venv/ready ## Check style, types and the import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready ## List the benchmarks; each is run by its own name.
	@ls benchmarks/*.py 2>/dev/null || echo "There are no benchmarks yet."

coverage: .venv-coverage/libraries ## Measure what of many models can be pruned; takes hours.
	.venv-coverage/bin/python benchmarks/coverage.py --jobs $(WORKERS) --write

clean: ## Remove .venv and everything else that was generated.
	rm -rf .venv .venv-coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
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
.venv/ready .venv-coverage/ready: $(PYPROJECTS) requirements/constraints.txt requirements/dev.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install "$$(grep '^torch==' requirements/constraints.txt)" --constraint requirements/constraints.txt
	$(@D)/bin/python -m pip install hatchling editables --constraint requirements/constraints.txt
	$(@D)/bin/python -m pip install --no-build-isolation --requirement requirements/dev.txt
	touch $@

# Apart from .venv, so that no test can come to need what is only measured.
.venv-coverage/libraries: .venv-coverage/ready requirements/coverage.txt
	.venv-coverage/bin/python -m pip install --no-deps --requirement requirements/coverage.txt
	touch $@
