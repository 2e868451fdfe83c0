# Sample photos, for `make demo` and to try things on.

.PHONY: photos

photos: $(READY) ## Write sample photos to out/photos
	@$(BIN)/python -m local.samples
