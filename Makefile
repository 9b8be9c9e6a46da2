# PyTrade. `make run` starts a market, `make test` runs all checks.
# Requires Python >= 3.11 with venv, make, git and access to the package registries.

PYTHON ?= python3
BIN := .venv/bin
MANAGE := DEBUG=on $(BIN)/python manage.py
ADDRESS ?= 127.0.0.1:8000
WEB ?= 1
MINUTES ?= 3
KILLS ?= 50
ORDERS ?= 10000
VENUE ?= bybit

# A busy machine may starve one of their processes: a failed test runs once more, and its failure is shown.
AGAIN := --reruns 1 -rR
QUICK := not processes

# Most targets start many processes, which would all compile what they import.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup setup-dev run up lint check test test-long test-quick test-processes test-postgresql \
  test-browser bench faults orderfaults tradingfaults conformance clean

help: ## list all targets
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

setup: .venv/runtime .env ## install packages, compile the kernels and write a development .env
	@$(BIN)/python scripts/javascript.py
	@$(BIN)/python -m scripts.kernels

# The first check of types takes ten times as long as later ones, so it is done here, too.
setup-dev: .venv/development .env
	@$(BIN)/python scripts/javascript.py --dev
	@$(BIN)/python -m scripts.kernels & test -d .mypy_cache || DEBUG=on $(BIN)/mypy > /dev/null; wait $$!

run: setup ## run a live market on http://127.0.0.1:8000; stop it with Ctrl-C
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) seedinstruments > /dev/null
	@DEBUG=on exec $(BIN)/python manage.py runsim --serve $(ADDRESS) --backfill 12h

up: setup-dev ## run the full stack: PostgreSQL, Redis, WEB=1 web processes, simulation, worker, beat
	@exec $(BIN)/python -m scripts.up --address $(ADDRESS) --web $(WEB)

lint: setup-dev ## check style, types, layers, migrations, API schema and known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python scripts/vulnerabilities.py & DEBUG=on $(BIN)/mypy; code=$$?; wait $$! && exit $$code
	DEBUG=on $(BIN)/lint-imports
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) spectacular --validate --fail-on-warn --file /dev/null

check: setup-dev ## lint, and run the tests that need neither other processes nor a certain database
	@$(MAKE) --no-print-directory --jobs 2 test-quick lint QUICK="not processes and not both_databases"

# Two at a time: live markets work for as long as their tests last, which more would slow down.
test: setup-dev ## lint and run all tests; database tests run on SQLite and PostgreSQL
	@$(MAKE) --no-print-directory --keep-going --jobs 2 test-processes test-browser test-postgresql test-quick lint

test-long: ## make test with more injected faults and a thousand examples per property
	@PYTEST_ADDOPTS="--long $$PYTEST_ADDOPTS" $(MAKE) --no-print-directory test

test-processes: setup-dev
	DEBUG=on $(BIN)/pytest $(AGAIN) -m "processes and not browser" -n 2 --dist loadfile

# These run in parallel; each prints its output when it ends.
test-quick: TITLE = Tests that start no other process, on SQLite
test-quick: COMMAND = $(BIN)/pytest -m "$(QUICK)" -n 2 --dist worksteal
test-postgresql: TITLE = Tests that depend on the database, on PostgreSQL with Redis
test-postgresql: COMMAND = $(BIN)/python scripts/services.py $(BIN)/pytest $(AGAIN) -m "both_databases or postgresql"
test-browser: TITLE = Tests in Chromium
test-browser: COMMAND = $(BIN)/pytest $(AGAIN) -m browser
test-quick test-postgresql test-browser: setup-dev
	@report=$$(mktemp); DEBUG=on $(COMMAND) > $$report 2>&1; code=$$?; \
	echo; echo "$(TITLE):"; cat $$report; rm $$report; exit $$code

.venv/benchmarks: .venv/development requirements-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

bench: setup-dev .venv/benchmarks ## run all benchmarks; writes benchmarks/results/*.json
	for name in backfill threads candles entropy pool coverage matching flow flowcoverage flowpeers arrow selector hostile fanout live churn chart footprintpage rest books clusters orders bybit bybitbook gateway trading paper bots; do DEBUG=on $(BIN)/python -m benchmarks.$$name || exit 1; done

faults: setup-dev ## kill, stop and pause every service in turn for MINUTES=3 and check that no tick is lost
	DEBUG=on $(BIN)/python -m benchmarks.faults --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

orderfaults: setup-dev ## kill driver, web processes and database KILLS=50 times under orders and check that none is lost
	DEBUG=on $(BIN)/python -m benchmarks.orderfaults --kills $(KILLS) $(if $(SEED),--seed $(SEED))

tradingfaults: setup-dev ## kill every process under bots that send ORDERS=10000 orders through a faulty Bybit door
	DEBUG=on $(BIN)/python -m benchmarks.tradingfaults --orders $(ORDERS) $(if $(SEED),--seed $(SEED))

conformance: setup-dev ## run unmodified clients of VENUE=bybit|deribit and ccxt's own tests against its door; print a matrix
	DEBUG=on $(BIN)/python -m scripts.conformance $(VENUE)

clean: ## delete all generated files (but not the database and .env)
	rm -rf .venv node_modules static/vendor staticfiles .mypy_cache .ruff_cache .pytest_cache
