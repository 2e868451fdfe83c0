.PHONY: test-load

test-load: setup ## Send 200 jobs at once to the local stack, a stand-in for the model in it
	$(BIN)/pytest -m load -s tests/load
