# Terakoya: `make` lists the verbs.
#
# NOTES        what `make chat` reads; the sample notes by default
# PYTHON       the Python for .venv (3.11 to 3.13); found on PATH by default
# TORCH_INDEX  a package index to take torch from, see "A smaller torch" in README.md

SHELL := /bin/sh
PYTHON ?=
NOTES ?=
TORCH_INDEX ?=
export NOTES TORCH_INDEX

BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --no-input --disable-pip-version-check --root-user-action=ignore -c constraints.txt
MANIFEST := pyproject.toml constraints.txt
SUITES := $(addprefix evals/suites/,sample-notes.yaml sample-notes-cut.yaml held-back.yaml planted.yaml)
BASELINE := evals/baselines/own.jsonl

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help chat test eval baseline langfuse langfuse-down bench bench-search bench-engine soak install dev engine lint types imports pytest clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-13s  %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

chat: install  ## ask your notes in the browser (NOTES=folder)
	@$(BIN)/python -m app.models.build --constraints constraints.txt || echo "Everything else works without it."
	@# A home that has notes keeps them as they are unless NOTES says what to read.
	@case "$$NOTES" in "~/"*) NOTES="$$HOME/$${NOTES#??}";; esac; \
	if [ -z "$$NOTES" ] && [ -z "$$($(BIN)/terakoya --json notes 2>/dev/null)" ]; then NOTES=examples/notes; fi; \
	[ -z "$$NOTES" ] || $(BIN)/terakoya ingest -- "$$NOTES"
	@exec $(BIN)/terakoya up

test: dev engine lint types imports pytest  ## everything that must hold before a change goes in

eval: install  ## ask the suites' questions, and hold the answers against gates and the accepted baseline
	@mkdir -p reports
	@$(BIN)/terakoya eval run $(SUITES) --baseline $(BASELINE) --junit reports/evals.xml --html reports/evals.html

baseline: install  ## accept the suites' answers as they are now
	@$(BIN)/terakoya eval run $(SUITES) > /dev/null || [ $$? -eq 1 ]
	@$(BIN)/terakoya eval accept $(notdir $(basename $(SUITES))) --baseline $(BASELINE)

langfuse: install  ## start Langfuse on this machine (Docker), and send traces there
	@$(BIN)/python -m app.langfuse_server deploy/langfuse

langfuse-down: install  ## stop Langfuse; its data stays
	@$(BIN)/python -m app.langfuse_server deploy/langfuse --down

bench: dev  ## tracing, workflow, ingest and sync, as docs/benchmarks.md shows them (half an hour)
	@echo "== tracing"
	@$(BIN)/python -m benchmarks.tracing
	@$(BIN)/python -m benchmarks.tracing_questions
	@$(BIN)/python -m benchmarks.workflow
	@echo "== sync"
	@$(BIN)/python -m benchmarks.sync
	@echo "== ingest"
	@$(BIN)/python -m benchmarks.ingest

bench-search: dev  ## search beside FAISS, LanceDB, tantivy and others, with up to a million passages (an hour)
	@mkdir -p reports
	@$(BIN)/python -m benchmarks.search --plot reports/search.svg --json reports/search.json

bench-engine: dev engine  ## the local model beside the bare loop and llama-cpp-python's server (ten minutes)
	@$(PIP) 'llama-cpp-python[server]'
	@for kind in Q4_K_M Q8_0; do $(BIN)/python -m benchmarks.engine --kind $$kind --server; done

soak: dev  ## half an hour of kills (of the local model too), full disks and 100,000 inputs made to break the parsers (docs/soak.md)
	@$(PIP) atheris 2>/dev/null || echo "atheris has no build for this machine: hypothesis makes all inputs."
	@rm -rf reports/soak
	@TERAKOYA_SOAK=1 $(BIN)/python -m pytest tests/soak tests/ingest/test_sync_crash.py tests/app/models/test_faults.py tests/app/models/test_remote_faults.py --durations=0 --durations-min=5

lint: dev  ## ruff: rules and format
	@echo "== ruff"
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: dev  ## mypy --strict
	@echo "== mypy"
	@$(BIN)/mypy

imports: dev  ## who may import whom
	@echo "== import-linter"
	@$(BIN)/lint-imports --no-logo

pytest: dev  ## the tests alone
	@echo "== pytest"
	@$(BIN)/python -m pytest

install: .venv/installed  ## .venv with the product in it

dev: .venv/installed-dev  ## .venv with what the tests need, too

engine: install  ## compile the engine for local models, and wait for it
	@$(BIN)/python -m app.models.build --foreground --constraints constraints.txt || [ -z "$$CI" ]

.venv/installed: $(MANIFEST) | .venv/made
	@echo "Installing torch, the largest part (a minute or more) ..."
	@$(PIP) torch $${TORCH_INDEX:+--extra-index-url "$$TORCH_INDEX"}
	@echo "Installing Terakoya and the libraries that it stands on (a minute or two) ..."
	@$(PIP) -e '.[embed]'
	@touch $@

.venv/installed-dev: $(MANIFEST) .venv/installed
	@echo "Installing what lint, types and tests need ..."
	@$(PIP) -e '.[embed,dev]'
	@$(BIN)/python -m tests.app.mcp.npm_servers
	@touch $@

.venv/made:
	@! $(BIN)/python -m pip --version >/dev/null 2>&1 || touch $@
	@[ ! -e $@ ] || exit 0; \
	for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
	  version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
	  case $$version in 3.11|3.12|3.13) ;; *) old="$$old $$python ($$version)"; continue;; esac; \
	  $$python -c 'import ensurepip, venv' 2>/dev/null || { bare="$$bare $$python"; continue; }; \
	  echo "Making .venv with Python $$version ..."; \
	  $$python -m venv --clear .venv && touch $@; exit; \
	done; \
	if [ -n "$$bare" ]; then echo "Missing: the venv module of$$bare. Get it with: sudo apt-get install python3-venv g++ make" >&2; \
	else echo "Missing: Python 3.11, 3.12 or 3.13$${old:+; found only$$old}. Get it with: sudo apt-get install python3-venv g++ make" >&2; \
	fi; exit 3

clean:  ## remove .venv, .venv-bench and caches; notes and ~/.terakoya stay
	@rm -rf .venv .venv-bench build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
