# Darkroom. `make` alone lists the targets.

PYTHON ?= python3
MODELS ?= u2net u2netp
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Where the engine finds its models and rembg's compiled functions.
ENGINE_ENV := PYTHONPATH=.:layer REMBG_HOME=$(CURDIR)/.cache/rembg NUMBA_CACHE_DIR=$(CURDIR)/.cache/numba

.DEFAULT_GOAL := help
.PHONY: help setup demo up down photos test test-web test-faults test-load lint format lock clean
.PHONY: openapi bake models selfcheck bench-engine bench-zip bench-quality bench-seed

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# -- Set up

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Darkroom needs Python 3.11 or newer. Choose one with PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(READY) bake ## Create the virtual environment, fetch the models, warm the caches

bake: $(READY)
	@$(ENGINE_ENV) $(BIN)/python -m functions.process.bake --models "$(MODELS)" --optional u2net

models: bake ## Fetch models: make models MODELS="silueta u2net isnet-general-use"

# -- Run

demo: setup ## Process real photos on a local stack: one, several, a ZIP
	$(BIN)/python -m local.demo

up: setup ## Run the whole service on this machine until Ctrl-C
	$(BIN)/python -m local up

down: ## Stop what `make up` left running
	@test ! -x $(BIN)/python || $(BIN)/python -m local down

photos: $(READY) ## Write sample photos to out/photos
	@$(BIN)/python -m local.samples

# -- Check

test: setup lint ## Check style, types, template, functions, and the journey of a photo
	$(BIN)/pytest

test-faults: setup ## Kill, repeat, throttle and restart the local stack while it works; nothing may be lost
	$(BIN)/pytest -m faults --session-timeout 3600 tests/faults

test-load: setup ## Send 200 jobs at once to the local stack, with a stand-in for the model
	$(BIN)/pytest -m load -s tests/load

test-web: setup ## Check the JavaScript client and the React component (needs Node 20 and npm)
	cd web && npm ci --silent --no-audit --no-fund
	cd web/react18 && npm ci --silent --no-audit --no-fund
	cd web && npm run --silent types
	cd web && npm run --silent format:check
	cd web && npm test --silent
	cd web && npm run --silent build
	$(BIN)/pytest -m react tests/react

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

selfcheck: bake ## Check this machine's engine: imports, models, faces, formats
	@$(ENGINE_ENV) $(BIN)/python -m functions.process.selfcheck

# -- Measure: each writes out/bench/NAME.json

bench-engine: bake ## Measure the engine against rembg.remove(), side by side
	@$(ENGINE_ENV) $(BIN)/python -m bench.engine

bench-zip: setup ## Measure ZIPs in and out against the usual way, on the local stack
	@PYTHONPATH=.:layer $(BIN)/python -m bench.zip

bench-quality: setup ## Measure the edges of cutouts where the truth is known
	@$(ENGINE_ENV) $(BIN)/python -m bench.quality

bench-seed: setup ## Measure the figures asked for: speed, 1,000 photos, memory, database
	@$(ENGINE_ENV) $(BIN)/python -m bench.seed

# -- Maintain

openapi: $(READY) ## Write the API's OpenAPI document and its reference from the routes
	@PYTHONPATH=.:layer $(BIN)/python -m tools.openapi

format: $(READY) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

PIN := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links

# The process image is pinned for the oldest Python that the tests run on, at the versions they ran
# with, so that the image has the very packages that were tested.
lock: $(READY) ## Renew every lock file: development, layer, process image
	$(PIN) --upgrade --universal --python-version 3.11 --all-extras --no-emit-package darkroom pyproject.toml --output-file requirements.txt
	$(PIN) --upgrade --python-version 3.13 layer/requirements.in --output-file layer/requirements.txt
	$(PIN) --python-version 3.11 --python-platform linux --constraints requirements.txt functions/process/requirements.in --output-file functions/process/requirements.txt

clean: ## Remove what was built, but not the virtual environment
	rm -rf out build .mypy_cache .pytest_cache .ruff_cache .hypothesis
