# Multi-Tenant Database. `make up` runs it, `make test` tests it; `make` lists the targets.

PORT ?= 8000
POSTGRES_PORT ?= 54320
SERVERS ?=
export PORT POSTGRES_PORT SERVERS

# Variables that the shell may set for other Python programs.
unexport PYTHONHOME PYTHONPATH PYTHONSAFEPATH PYTHONSTARTUP PYTHONOPTIMIZE PYTHONWARNINGS PYTHONDONTWRITEBYTECODE

# Any Python that runs is enough to start; a pyenv shim whose version is missing does not run.
PYTHON := $(shell for p in python3 python3.13 python3.14 /usr/bin/python3; do $$p -E -c '' 2>/dev/null && echo $$p && break; done)
VENV := .venv/bin
# A test file runs in one process, each process has a PostgreSQL of its own.
PARALLEL := --numprocesses=4 --dist=loadfile --no-loadscope-reorder
# Tests with a long profile: generated requests, hidden ids, storms, the model.
LONG := tests/integration/test_many_callers.py tests/servers/test_storm_over_two_servers.py tests/bad_input/test_schemathesis.py \
        tests/security/model tests/security/test_http_hidden_ids.py tests/protecting/test_under_load.py \
        $(wildcard tests/security/test_time_*)
# Tests of the isolation and of bad input; `make test` runs a representative part of their cases.
ATTACKS := tests/security tests/servers tests/bad_input tests/integration/test_hidden_is_absent.py tests/integration/test_policies_over_http.py \
           tests/moving/test_attack_moves.py tests/moving/test_attack_pause.py tests/protecting/test_attack_unfinished.py
DEVELOPMENT := $(VENV)/python scripts/development.py

.DEFAULT_GOAL := help
.PHONY: help up down logs reset seed token migrate check test test-long attack mutants reliability bench bench-long placement partitions docs test-floor lock fmt environment

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Variables: PORT=$(PORT) POSTGRES_PORT=$(POSTGRES_PORT) POSTGRES_VERSION=17.10|17.5|18.4"
	@echo "           SERVERS=2, up to 4 embedded servers; kept until make reset SERVERS=1"
	@echo "           MTDB_DATABASE_URL=postgresql://admin:password@host/name, for a server of your own"

up: environment ## Install, start, migrate and seed everything; print the URL and a curl with a token
	@$(DEVELOPMENT) up

down: environment ## Stop everything; the data is kept
	@$(DEVELOPMENT) down

logs: environment ## Follow the API's log
	@$(DEVELOPMENT) logs

reset: environment ## Delete the development data and start again
	@$(DEVELOPMENT) reset

seed: environment ## Add the missing sample data; ARGS="--tenants 10000" also adds generated tenants
	@$(DEVELOPMENT) seed $(ARGS)

token: ## Print an access token of HSBC, or of another tenant: make token TENANT="HSBC London"
	@$(MAKE) --silent environment >&2
	@$(DEVELOPMENT) token "$(or $(TENANT),HSBC)"

migrate: environment ## Upgrade the database to the newest schema
	@$(DEVELOPMENT) migrate

check: environment ## Format, lint, types, layering, dependencies, migrations, isolation, container files
	@$(VENV)/python scripts/check.py

test: environment ## Run the tests with coverage; ARGS="tests/cli -x" runs some, without coverage; EXHAUSTIVE=1 runs every case; NO_SKIPS=1 fails on a skip
	@$(if $(EXHAUSTIVE),MTDB_EXHAUSTIVE=1) $(VENV)/python -m pytest $(or $(ARGS),--cov $(PARALLEL)) $(if $(NO_SKIPS),--no-skips)

test-long: environment ## Run the long profile; writes docs/reports/security-audit.md; ARGS="tests/security/model" runs some
	@MTDB_ATTACK_PROFILE=long MTDB_LONG=1 $(VENV)/python -m pytest --verbose -p tests.security.long_report \
	    --long-report=docs/reports/security-audit.md $(or $(ARGS),$(LONG))

attack: environment ## Attack the isolation, with every case; writes docs/reports/security-audit.md; ARGS="-k hijacking" runs some
	@MTDB_EXHAUSTIVE=1 $(VENV)/python -m pytest -q -p tests.security.attack_report $(ATTACKS) $(or $(ARGS),--attack-report $(PARALLEL))

mutants: environment ## Test the tests with deliberate defects; writes the same report; ARGS="policy" runs some
	@$(VENV)/python -m tests.mutants.run $(ARGS)

reliability: environment ## Faults and load at length; writes docs/reports/reliability.md; ARGS="--minutes 0.1" is short
	@$(VENV)/python -m tests.reliability.long $(ARGS)

bench: ## Measure the service and its peers, in a few minutes; ARGS="--only growth" measures a part
	@$(PYTHON) scripts/bootstrap.py bench
	@.local/bench-venv/bin/python -m benchmarks $(ARGS)

bench-long: ## Measure everything, in about 35 minutes; writes docs/reports/performance.md
	@$(PYTHON) scripts/bootstrap.py bench
	@.local/bench-venv/bin/python -m benchmarks --long $(ARGS)

placement: environment ## Simulate 10 million organisations on 100 servers, in two minutes; writes docs/reports/placement.md
	@$(VENV)/python -m benchmarks.placement $(ARGS)

partitions: environment ## Measure hash partitions under the policies, in a minute; writes docs/reports/partitions.md
	@$(VENV)/python -m benchmarks.partitions $(ARGS)

docs: environment ## Update the generated parts of the documents, and build their site in .local/site
	@$(VENV)/python -m tests.documents.write
	@$(VENV)/python scripts/build_site.py

test-floor: environment ## Run the tests, exhaustively, with the oldest dependencies that pyproject.toml allows
	@$(PYTHON) scripts/bootstrap.py floor
	@MTDB_EXHAUSTIVE=1 .local/floor-venv/bin/python -m pytest $(or $(ARGS),$(PARALLEL)) $(if $(NO_SKIPS),--no-skips)

lock: ## Make the lock files from pyproject.toml; ARGS=--upgrade takes the newest versions
	@$(PYTHON) scripts/bootstrap.py lock $(ARGS)

fmt: environment ## Format the code and apply the linter's fixes
	@$(VENV)/ruff check --fix --quiet . ; $(VENV)/ruff format .

environment:
	@$(or $(PYTHON),$(error No Python 3 runs here: install python3)) scripts/bootstrap.py
