# The JavaScript client and the React component: installed, type-checked, tested, built and used.

.PHONY: test-web

test-web: setup ## Check the React component: types, tests on React 18 and 19, in a browser
	cd web && npm ci --silent --no-audit --no-fund
	cd web/react18 && npm ci --silent --no-audit --no-fund
	cd web && npm run --silent types
	cd web && npm run --silent format:check
	cd web && npm test --silent
	cd web && npm run --silent build
	$(BIN)/pytest -m react tests/react
