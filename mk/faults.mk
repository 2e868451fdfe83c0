# Break the local stack while it works. SEED=… repeats a run, as far as chance goes.

.PHONY: test-faults

test-faults: setup ## Break the service in every way while it works, and look at what is left
	$(BIN)/pytest -m faults --session-timeout 600 tests/faults
