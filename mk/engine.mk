# The image engine: models, compiled caches, benchmarks.

MODELS ?= u2netp
ENGINE_ENV := PYTHONPATH=.:layer REMBG_HOME=$(CURDIR)/.cache/rembg NUMBA_CACHE_DIR=$(CURDIR)/.cache/numba

.PHONY: bake models selfcheck bench-engine lock-engine

bake: $(READY)
	@$(ENGINE_ENV) $(BIN)/python -m functions.process.bake --models "$(MODELS)"

models: bake ## Fetch models: make models MODELS="silueta u2net isnet-general-use"

selfcheck: bake ## Show that the engine works here: imports, models, faces, formats
	@$(ENGINE_ENV) $(BIN)/python -m functions.process.selfcheck

bench-engine: bake ## Measure the engine against rembg.remove, side by side
	@$(ENGINE_ENV) $(BIN)/python -m bench.engine

lock-engine: ## Pin what the process image installs: for 3.11, at the versions the tests run with
	$(BIN)/uv pip compile --quiet --python-version 3.11 --python-platform linux --generate-hashes --no-emit-index-url --no-emit-find-links --constraints requirements.txt functions/process/requirements.in --output-file functions/process/requirements.txt
