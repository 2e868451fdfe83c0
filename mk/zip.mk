.PHONY: bench-zip

bench-zip: setup ## Measure ZIPs in and out against the common way, on the local stack
	@PYTHONPATH=.:layer $(BIN)/python -m bench.zip
