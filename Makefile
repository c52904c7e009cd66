# `make help` lists the targets. Nothing but Python 3.11-3.13 and make is needed beforehand.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo up down test properties faults check house format generate goldens bench fuzz lock audit sbom clean

export VENV ?= .venv
RUN := $(VENV)/bin/python

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## virtual environment from the hashed lock files (PYTHON=… names the interpreter)
	@sh scripts/setup.sh

demo: setup  ## a night of three fictional districts through Airflow
	@$(RUN) -m rostersync.local.demo

up: setup  ## start the database and Airflow here; prints address and login
	@$(RUN) -m rostersync.local.airflow up

down: setup  ## stop what `make up` started
	@$(RUN) -m rostersync.local.airflow down

WORKERS = -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
test: setup  ## all tests (ARGS='-k word' for some), a file at a time on each core; WORKERS= runs them in one process
	@$(RUN) -m pytest $(WORKERS) $(ARGS)

PROPERTIES = tests/integration/oracle
properties: setup  ## generated nights against the model of the roster: 10,000 steps (EXAMPLES=… nights in a row, of 220)
	@ROSTER_MODEL_EXAMPLES=$(or $(EXAMPLES),220) $(RUN) -m pytest --timeout=0 -s $(PROPERTIES) $(ARGS)

FAULTS = tests
faults: setup  ## every numbered fault and hundreds of kills, on two cores; prints the table (ARGS='-k f12' for some)
	@$(RUN) -m pytest -p tests.faults.table -m "fault or long" -n 2 --dist worksteal $(FAULTS) $(ARGS)

check: setup  ## format, lint, types, import layers, sizes, generated files
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy
	@$(VENV)/bin/lint-imports
	@$(RUN) scripts/house.py
	@$(VENV)/bin/rostersync generate --check

house: setup  ## size of folders, modules and functions, and import cycles; fails above a limit
	@$(RUN) scripts/house.py

format: setup  ## format and fix what can be fixed
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

generate: setup  ## suite, documentation, template and conformance pack anew from dictionary and samples
	@$(RUN) -m tests.support.write.conformance
	@$(VENV)/bin/rostersync generate

goldens: setup  ## rendered mails anew; look at the difference before committing it
	@$(RUN) -m tests.support.write.goldens

bench: setup  ## our stages beside the floor; prints a table, writes JSON
	@$(RUN) -m benchmarks.bench $(ARGS)

fuzz: setup  ## hostile bytes for the reader and the screening, 10 minutes (ARGS='--minutes 1'; Linux on x86-64)
	@$(RUN) -m tests.fuzz.run $(ARGS)

COMPILE = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-annotate --no-header --no-emit-index-url
lock: setup  ## lock files anew from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(COMPILE) $(ARGS) pyproject.toml --output-file requirements.txt
	@$(COMPILE) $(ARGS) pyproject.toml --extra dev --constraint requirements.txt --output-file requirements-dev.txt
	@printf 'setuptools\nuv\n' | $(COMPILE) $(ARGS) - --constraint requirements-dev.txt --output-file requirements-setup.txt

audit: setup  ## known vulnerabilities of the locked packages; a package that cannot be judged fails too (needs the network)
	@$(VENV)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.txt

sbom: setup  ## what a release consists of, as CycloneDX JSON in build/ (needs the network, or the cache of make setup)
	@sh scripts/sbom.sh

clean:  ## remove caches; data in .rostersync and the environment stay
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
