# Multi-Tenant Database. `make up` runs it, `make test` proves it; `make` lists the rest.

PORT ?= 8000
POSTGRES_PORT ?= 54320
export PORT POSTGRES_PORT

# What the shell has set for other programs of Python's.
unexport PYTHONHOME PYTHONPATH PYTHONSAFEPATH PYTHONSTARTUP PYTHONOPTIMIZE PYTHONWARNINGS PYTHONDONTWRITEBYTECODE

# Any Python that runs will do to begin with; a pyenv shim whose version is missing does not run.
PYTHON := $(shell for p in python3 python3.13 python3.14 /usr/bin/python3; do $$p -E -c '' 2>/dev/null && echo $$p && break; done)
VENV := .venv/bin
# A file of tests stays in one process, each process has a PostgreSQL of its own.
PARALLEL := --numprocesses=3 --dist=loadfile --no-loadscope-reorder
# What tries harder when it has the time: generated requests, hidden ids by the thousand, storms, the model.
LONG := tests/integration/test_many_callers.py tests/bad_input/test_schemathesis.py tests/security/model tests/security/test_http_hidden_ids.py \
        $(wildcard tests/security/test_time_*)
# Whose cases `make test` tries in part, where they are about isolation or bad input.
ATTACKS := tests/security tests/bad_input tests/lint
DEVELOPMENT := $(VENV)/python scripts/development.py

.DEFAULT_GOAL := help
.PHONY: help up down logs reset seed token migrate check test test-long attack mutants reliability bench bench-long docs test-floor lock fmt environment

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Variables: PORT=$(PORT) POSTGRES_PORT=$(POSTGRES_PORT) POSTGRES_VERSION=17.10|17.5"
	@echo "           MTDB_DATABASE_URL=postgresql://admin:password@host/name, for a server of your own"

up: environment ## Install, start, migrate and seed everything; print the URL and a curl with a token
	@$(DEVELOPMENT) up

down: environment ## Stop everything; the data stays
	@$(DEVELOPMENT) down

logs: environment ## Follow the API's log
	@$(DEVELOPMENT) logs

reset: environment ## Delete the development data and start over
	@$(DEVELOPMENT) reset

seed: environment ## Add what is missing of the bank story; ARGS="--tenants 10000" also adds made-up ones
	@$(DEVELOPMENT) seed $(ARGS)

token: environment ## Print a token for a tenant: make token TENANT="HSBC London"
	@$(DEVELOPMENT) token "$(or $(TENANT),HSBC)"

migrate: environment ## Bring the database to the newest schema
	@$(DEVELOPMENT) migrate

check: environment ## Format, lint, types, layering, dependencies, migrations, isolation, container files
	@$(VENV)/python scripts/check.py

test: environment ## Run the tests with coverage; ARGS="tests/cli -x" runs some, without; EXHAUSTIVE=1 tries every case; NO_SKIPS=1 fails on a skip
	@$(if $(EXHAUSTIVE),MTDB_EXHAUSTIVE=1) $(VENV)/python -m pytest $(or $(ARGS),--cov $(PARALLEL)) $(if $(NO_SKIPS),--no-skips)

test-long: environment ## Run at length what `make test` runs shortly; the figures go into docs/security/audit.md; ARGS="tests/security/model" runs some
	@MTDB_ATTACK_PROFILE=long MTDB_LONG=1 $(VENV)/python -m pytest --verbose -p tests.security.long_report \
	    --long-report=docs/security/audit.md $(or $(ARGS),$(LONG))

attack: environment ## Attack the isolation, exhaustively; the results go into docs/security/audit.md; ARGS="tests/security -k hijacking" tries some
	@MTDB_EXHAUSTIVE=1 $(VENV)/python -m pytest -q -p tests.security.attack_report $(or $(ARGS),--attack-report $(PARALLEL) $(ATTACKS))

mutants: environment ## Break the schema and the code on purpose; the results go there too; ARGS="everybody" tries some
	@$(VENV)/python -m tests.mutants.run $(ARGS)

reliability: environment ## Faults and load at length, with progress; writes docs/reliability.md; ARGS="--minutes 0.1" is short
	@$(VENV)/python -m tests.reliability.long $(ARGS)

bench: ## Measure the service beside its peers, in a few minutes; ARGS="--only growth" measures a part
	@$(PYTHON) scripts/bootstrap.py bench
	@.local/bench-venv/bin/python -m benchmarks $(ARGS)

bench-long: ## Measure everything, in about 35 minutes; writes docs/performance.md
	@$(PYTHON) scripts/bootstrap.py bench
	@.local/bench-venv/bin/python -m benchmarks --long $(ARGS)

docs: environment ## Write anew what the documents show of code and service, and build their site in .local/site
	@$(VENV)/python -m tests.documents.write
	@$(PYTHON) scripts/bootstrap.py docs
	@.local/docs-venv/bin/zensical build

test-floor: environment ## Run the tests, exhaustively, with the oldest dependencies that pyproject.toml allows
	@$(PYTHON) scripts/bootstrap.py floor
	@MTDB_EXHAUSTIVE=1 .local/floor-venv/bin/python -m pytest $(or $(ARGS),$(PARALLEL)) $(if $(NO_SKIPS),--no-skips)

lock: ## Make the lock files anew from pyproject.toml; ARGS=--upgrade takes the newest of everything
	@$(PYTHON) scripts/bootstrap.py lock $(ARGS)

fmt: environment ## Format the code and mend what the linter can
	@$(VENV)/ruff check --fix --quiet . ; $(VENV)/ruff format .

environment:
	@$(or $(PYTHON),$(error No Python 3 runs here: install python3)) scripts/bootstrap.py
