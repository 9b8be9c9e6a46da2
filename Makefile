# PyTrade. `make run` to see a market, `make test` to check everything.
# Needs Python >= 3.11 with venv, make, git and the package registries.

PYTHON ?= python3
BIN := .venv/bin
MANAGE := DEBUG=on $(BIN)/python manage.py
ADDRESS ?= 127.0.0.1:8000
WEB ?= 1
MINUTES ?= 3

.PHONY: help setup setup-dev run up lint check test test-long test-quick test-processes test-postgresql \
  test-browser bench faults clean

help: ## what there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/ -/'

.venv/runtime: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/development: .venv/runtime requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.env: | .venv/runtime
	@$(BIN)/python scripts/dotenv.py

setup: .venv/runtime .env ## Python and JavaScript packages, and a .env for development
	@$(BIN)/python scripts/javascript.py

setup-dev: setup .venv/development
	$(BIN)/python scripts/javascript.py --dev

run: setup ## the live market on http://127.0.0.1:8000, Ctrl-C stops it
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) seedinstruments > /dev/null
	@DEBUG=on exec $(BIN)/python manage.py runsim --serve $(ADDRESS) --backfill 12h

up: setup-dev ## the full stack: PostgreSQL, Redis, WEB=1 web processes, simulation, worker, beat
	@exec $(BIN)/python -m scripts.up --address $(ADDRESS) --web $(WEB)

lint: setup-dev ## style, types, layers, migrations, API schema, known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	DEBUG=on $(BIN)/mypy
	DEBUG=on $(BIN)/lint-imports
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) check
	$(MANAGE) spectacular --validate --fail-on-warn --file /dev/null
	$(BIN)/python scripts/vulnerabilities.py

check: setup-dev ## lint, and every test that starts no other process: a minute on two cores
	@$(MAKE) --no-print-directory --jobs 2 test-quick lint

test: lint ## everything; what depends on the database on SQLite and on PostgreSQL
	@$(MAKE) --no-print-directory --jobs 3 test-processes test-browser test-postgresql test-quick

test-long: ## make test with more kills and with a thousand examples of every property
	@PYTEST_ADDOPTS="--long $$PYTEST_ADDOPTS" $(MAKE) --no-print-directory test

test-processes: setup-dev
	DEBUG=on $(BIN)/pytest -m "processes and not browser"

# The output of these is shown when they end.
test-quick: TITLE = Tests within one process, on SQLite
test-quick: COMMAND = $(BIN)/pytest -m "not processes"
test-postgresql: TITLE = Tests that depend on the database, on PostgreSQL with Redis
test-postgresql: COMMAND = $(BIN)/python scripts/services.py $(BIN)/pytest -m "both_databases or postgresql"
test-browser: TITLE = Tests in Chromium
test-browser: COMMAND = $(BIN)/pytest -m browser
test-quick test-postgresql test-browser: setup-dev
	@report=$$(mktemp); DEBUG=on $(COMMAND) > $$report 2>&1; code=$$?; \
	echo; echo "$(TITLE):"; cat $$report; rm $$report; exit $$code

.venv/benchmarks: .venv/development requirements-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

bench: setup-dev .venv/benchmarks ## measure; writes benchmarks/results/*.json
	for name in backfill threads candles entropy pool coverage arrow selector hostile fanout live churn chart rest; do DEBUG=on $(BIN)/python -m benchmarks.$$name || exit 1; done

faults: setup-dev ## kill, stop and pause everything in turn for MINUTES=3, and prove that nothing is lost
	DEBUG=on $(BIN)/python -m benchmarks.faults --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

clean: ## delete everything that can be made again (not the database, not .env)
	rm -rf .venv node_modules static/vendor staticfiles .mypy_cache .ruff_cache .pytest_cache
