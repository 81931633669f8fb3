# Everything that a developer or an operator types. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# Three test processes on two cores: much of the time they wait. A file stays in one, for its fixtures, and files begin in
# the order in which they are collected: those marked `early` first.
PARALLEL := -n 3 --dist loadfile --no-loadscope-reorder
.DEFAULT_GOAL := help

# Compiled modules are kept, also where the environment says otherwise and beside no file of ours: every process of the
# product, and every one that a test starts, would compile all that it imports again, which takes it three times as long.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/pycache

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22
	@printf '\n  ARGS=… is passed on: make run ARGS=--once, make test ARGS="-k review"\n'

.PHONY: run
run: $(VENV)/.installed ## start the whole product on this machine and play the sample company through it
	@exec $(BIN)/csagent sample $(ARGS)

.PHONY: test
test: $(VENV)/.installed-dev browser ## every test but long chaos and benches
	@$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

.PHONY: check
check: $(VENV)/.installed-dev browser ## lint, format, types, import contracts, licences, audit, secrets, then the tests
	@BIN=$(BIN) PARALLEL="$(PARALLEL)" sh infra/check.sh $(ARGS)

.PHONY: chaos
chaos: $(VENV)/.installed-dev ## long runs under faults; ends with one line of JSON
	@$(BIN)/python -m tests.chaos $(ARGS)

.PHONY: mutation
mutation: $(VENV)/.installed-dev ## change the core on purpose and see that a test notices; ends with one line of JSON
	@$(BIN)/python -m tests.mutation $(ARGS)

.PHONY: fuzz
fuzz: $(VENV)/.installed-dev ## any bytes into every parser, led by coverage; says how to get atheris
	@$(BIN)/python -m tests.fuzz $(ARGS)

.PHONY: bench
bench: $(VENV)/.installed-dev ## measure the pipeline against the bare graph, and the search; ends with one line of JSON
	@$(BIN)/python -m tests.bench $(ARGS)

.PHONY: eval
eval: $(VENV)/.installed-dev ## measure the agent's judgement; ends with one line of JSON
	@$(BIN)/python -m evals $(ARGS)

.PHONY: docs
docs: $(VENV)/.installed-dev ## draw the graph, write schema.sql and openapi.json again
	@$(BIN)/python -m tests.architecture.generated --write

.PHONY: lock
lock: $(VENV)/.installed-dev ## compile the lock files again (needs uv)
	@sh infra/lock.sh

.PHONY: clean
clean: ## remove what was installed and what the embedded servers kept
	@rm -rf $(VENV) .csagent .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage

$(VENV)/bin/python:
	@$(PYTHON) infra/bootstrap.py
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing what csagent needs (about a minute) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-cache-dir --no-compile --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing what developing csagent needs (a minute or two) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-cache-dir --no-compile --no-deps --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.installed

.PHONY: browser
browser:
	@sh infra/browser.sh
