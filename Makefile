# `make help` lists the targets. Nothing but Python 3.11-3.13 and make is needed beforehand.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo up down test properties faults check house format generate goldens bench fuzz lock audit
.PHONY: sbom clean

# Who uses the program gets what it needs to run; who works on it gets the tools, too. VENV names another folder.
USER_VENV := $(or $(VENV),.venv)
DEV_VENV := $(or $(VENV),.venv-dev)

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## .venv, what the program needs, from the hashed lock file (PYTHON=… names the interpreter, VENV=… the folder)
	@VENV="$(USER_VENV)" sh scripts/setup.sh

setup-dev:  ## .venv-dev, the same with the tools of those who work on it
	@VENV="$(DEV_VENV)" sh scripts/setup.sh dev

demo: setup  ## a night of three fictional districts through Airflow
	@$(USER_VENV)/bin/python -m rostersync.local.demo

up: setup  ## start the database and Airflow here; prints address and login
	@$(USER_VENV)/bin/python -m rostersync.local.airflow up

down: setup  ## stop what `make up` started
	@$(USER_VENV)/bin/python -m rostersync.local.airflow down

WORKERS = -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
test: setup-dev  ## all tests (ARGS='-k word' for some), a file at a time on each core; WORKERS= runs them in one process
	@$(DEV_VENV)/bin/python -m pytest $(WORKERS) $(ARGS)

PROPERTIES = tests/integration/oracle
properties: setup-dev  ## generated nights against the model of the roster: 10,000 steps (EXAMPLES=… nights in a row, of 220)
	@ROSTER_MODEL_EXAMPLES=$(or $(EXAMPLES),220) $(DEV_VENV)/bin/python -m pytest --timeout=0 -s -m "chance or not long" $(PROPERTIES) $(ARGS)

FAULTS = tests
faults: setup-dev  ## every numbered fault and hundreds of kills, on two cores; prints the table (ARGS='-k f12' for some)
	@$(DEV_VENV)/bin/python -m pytest -p tests.faults.table -m "fault or long" -n 2 --dist worksteal $(FAULTS) $(ARGS)

check: setup-dev  ## format, lint, types, import layers, sizes, generated files
	@$(DEV_VENV)/bin/python -m ruff format --check .
	@$(DEV_VENV)/bin/python -m ruff check .
	@$(DEV_VENV)/bin/python -m mypy
	@$(DEV_VENV)/bin/lint-imports
	@$(DEV_VENV)/bin/python scripts/house.py
	@$(DEV_VENV)/bin/rostersync generate --check

house: setup-dev  ## sizes, import cycles, shared names and lost pages; fails above a limit
	@$(DEV_VENV)/bin/python scripts/house.py

format: setup-dev  ## format and fix what can be fixed
	@$(DEV_VENV)/bin/python -m ruff format .
	@$(DEV_VENV)/bin/python -m ruff check --fix .

generate: setup-dev  ## suite, documentation, template and conformance pack anew from dictionary and samples
	@$(DEV_VENV)/bin/python -m tests.support.write.conformance
	@$(DEV_VENV)/bin/rostersync generate

goldens: setup-dev  ## rendered mails anew; look at the difference before committing it
	@$(DEV_VENV)/bin/python -m tests.support.write.goldens

bench: setup-dev  ## our stages beside the floor; prints a table, writes JSON
	@$(DEV_VENV)/bin/python -m benchmarks.bench $(ARGS)

fuzz: setup-dev  ## hostile bytes for the reader and the screening, 10 minutes (ARGS='--minutes 1'; Linux on x86-64)
	@$(DEV_VENV)/bin/python -m tests.fuzz.run $(ARGS)

COMPILE = $(DEV_VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-annotate --no-header --no-emit-index-url
lock: setup-dev  ## lock files anew from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(COMPILE) $(ARGS) pyproject.toml --output-file requirements.txt
	@$(COMPILE) $(ARGS) pyproject.toml --extra dev --constraint requirements.txt --output-file requirements-dev.txt
	@printf 'setuptools\nuv\n' | $(COMPILE) $(ARGS) - --constraint requirements-dev.txt --output-file requirements-setup.txt

audit: setup-dev  ## known vulnerabilities of the locked packages; a package that cannot be judged fails too (needs the network)
	@$(DEV_VENV)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.txt

sbom: setup-dev  ## what a release consists of, as CycloneDX JSON in build/ (needs the network, or the cache of make setup-dev)
	@VENV="$(DEV_VENV)" sh scripts/sbom.sh

clean:  ## remove caches; data in .rostersync and the environments stay
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
