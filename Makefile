# The first call of any target sets everything up; a second call installs nothing.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# What the benchmarks compare with; it cannot live beside the versions that Ganjobs uses.
PEERS := .venv-peers
PEERS_INSTALLED := $(PEERS)/.installed
# The page, built of its sources with the machine's node, or with one from PyPI.
PAGE := api/dashboard/dist/index.html
PAGE_SOURCES := $(shell find api/dashboard/src api/dashboard/public examples -type f) \
	$(addprefix api/dashboard/, build index.html package.json package-lock.json tsconfig.json vite.config.ts)
# A process for each core (tests/conftest.py), each with servers of its own; a file's tests stay together and in order.
SIDE_BY_SIDE := --numprocesses auto --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo serve test test-browser test-gpu lint format setup peers lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(INSTALLED) $(PAGE) ## Train a GAN on real digits through the real stack, and show what came of it
	@$(BIN)/ganjobs demo

serve: $(INSTALLED) $(PAGE) ## Start the whole service on this machine (Ctrl-C stops it)
	@$(BIN)/ganjobs serve

test: $(INSTALLED) $(PEERS_INSTALLED) $(PAGE) ## Run all tests, with a real Redis, a real PostgreSQL and SQLite
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE)

test-browser: $(INSTALLED) $(PAGE) ## Run the tests of the page in a headless Chromium, with the real service
	@found=$$(tests/browser/find-chromium) && CHROMIUM=$$found $(BIN)/python -m pytest tests/browser

test-gpu: $(INSTALLED) ## Run the tests that need an NVIDIA GPU
	@$(BIN)/python -m pytest tests/gpu

lint: $(INSTALLED) $(PAGE) ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PYTHON=$(CURDIR)/$(BIN)/python api/dashboard/build check

format: $(INSTALLED) ## Put the code into shape
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@PYTHON=$(CURDIR)/$(BIN)/python api/dashboard/build format

setup: $(INSTALLED) $(PAGE) ## Make .venv, install the locked versions, and build the page

$(PAGE): $(PAGE_SOURCES) | $(INSTALLED)
	@echo "Building the page"
	@PYTHON=$(CURDIR)/$(BIN)/python api/dashboard/build >/dev/null

# torch stays out of the lock: a resolver would drag in the GPU build's packages for every machine.
$(INSTALLED): requirements/dev.lock requirements/torch.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) not found; name a Python 3.11 with PYTHON=..." >&2; exit 1; }
	@echo "Setting up $(VENV) (a few minutes, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/torch.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

peers: $(PEERS_INSTALLED) ## Make .venv-peers: MLflow and TensorBoard, for the benchmarks

$(PEERS_INSTALLED): requirements/peers.lock
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) not found; name a Python 3.11 with PYTHON=..." >&2; exit 1; }
	@echo "Setting up $(PEERS) (a minute, once)"
	@test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/peers.lock
	@touch $@

lock: ## Resolve the requirements again (needs uv)
	@for part in api worker dev peers; do \
		uv pip compile --quiet --no-emit-index-url --python-version 3.11 \
			requirements/$$part.in --output-file requirements/$$part.lock --upgrade || exit 1; \
	done

clean: ## Remove the virtual environments and caches; the data folder stays
	@rm -rf api/dashboard/dist api/dashboard/node_modules
	@rm -rf $(VENV) $(PEERS) .mypy_cache .pytest_cache .ruff_cache .hypothesis
