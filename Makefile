# Darkroom. `make` alone lists what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo up down test lint format lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

-include mk/*.mk

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Darkroom needs Python 3.11 or newer; name one with PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(READY) bake ## Make the virtual environment, fetch the models, warm the caches

demo: setup ## Play the main job on real photos: one, several, a ZIP
	$(BIN)/python -m local.demo

up: setup ## Run the whole service on this machine until Ctrl-C
	$(BIN)/python -m local up

down: ## Stop what `make up` left running
	@test ! -x $(BIN)/python || $(BIN)/python -m local down

test: setup lint ## Check everything: style, types, template, functions, the journey, faults
	$(BIN)/pytest
	@$(MAKE) --no-print-directory test-faults

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY) ## Put the code in its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## Pin every dependency anew
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --all-extras --no-emit-package darkroom pyproject.toml --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --python-version 3.13 --generate-hashes --no-emit-index-url --no-emit-find-links layer/requirements.in --output-file layer/requirements.txt

clean: ## Remove what was made, but not the virtual environment
	rm -rf out build .mypy_cache .pytest_cache .ruff_cache .hypothesis
