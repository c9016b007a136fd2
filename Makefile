# SPDX-License-Identifier: MIT
# Thin targets: each calls a script in tools/ or the command line that `make setup` installs.
#
#   make run BENCH=slstr_cloud IMPL=tf NP=2 SCALE=small ARGS="--max-epochs 3"
#
# VENV, PYTHON, TORCH, TORCH_INDEX, JOBS and SCIML_BENCH_CACHE are explained at the top of tools/setup.

VENV ?= .venv
BENCH ?=
MODEL ?=
IMPL ?=
NP ?=
SCALE ?=
ARGS ?=
PATHS ?= runs
TESTS ?= tests
WORKERS ?= 2
RUNS ?= runs/*/*/*

export VENV PYTHON TORCH TORCH_INDEX JOBS FUZZ_SECONDS
BIN := $(abspath $(VENV))/bin
# The environment's own mpirun and linters come first; nothing has to be activated.
export PATH := $(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup run test faults check report fuzz lint format bench oracles convergence lock containers clean

help: ## Say what can be made
	@grep -E '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z]+):.*## /  \1\t/' | expand -t 16

setup: ## Make the environment: pinned packages, Horovod, this checkout (again: under two seconds)
	@tools/setup

run: setup ## Run a benchmark to its target and judge it: BENCH=…|all MODEL= IMPL=pt|tf NP= SCALE=tiny|small|full ARGS=
	@$(BIN)/sciml-bench run $(BENCH) $(if $(MODEL),--model $(MODEL)) $(if $(IMPL),-i $(IMPL)) $(if $(NP),--np $(NP)) \
		$(if $(SCALE),--scale $(SCALE)) $(ARGS)

test: setup ## Run every test but the heavy ones, on WORKERS (2) cores: TESTS=tests/unit ARGS="-x -k shards"
	@$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile -m "not heavy" $(TESTS) $(ARGS)

faults: setup ## Break runs and downloads on purpose: killed ranks, Ctrl-C, missing data, a full disk
	@$(BIN)/pytest tests/faults $(ARGS)

check: setup ## Judge the logs of runs by the rules: PATHS=runs
	@$(BIN)/sciml-bench check $(PATHS) $(ARGS)

report: setup ## Show runs as a Markdown table: RUNS=runs/*/*/*
	@$(BIN)/python -m harness.report.table $(RUNS)

fuzz: setup ## Attack the checker with mutations, structures and bytes for FUZZ_SECONDS (600): ARGS="--seed 2 --write"
	@$(BIN)/python tests/fuzz/fuzz.py $(ARGS)

lint: setup ## Check style, types, imports between rooms, scripts, schemas and container recipes
	@tools/lint

format: setup ## Put the Python sources into the house's form
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

bench: setup ## Measure reading, checking and the overhead of the loop, each as a ratio within one run
	@for script in tests/performance/*.py; do echo "$$script"; $(BIN)/python "$$script" || exit 1; done

oracles: ## Hold simulators and converter against independent codes, in an environment of their own
	@tools/oracles $(ARGS)

convergence: setup ## Train with many seeds, keep the logs, make tables: BENCH= IMPL= NP= SCALE= ARGS="--max-hours 8"
	@$(BIN)/python -m tools.convergence $(BENCH) $(if $(IMPL),--impl $(IMPL)) $(if $(NP),--np $(NP)) \
		$(if $(SCALE),--scale $(SCALE)) $(ARGS)

lock: ## Resolve requirements/*.in anew into requirements/*.lock, with hashes
	@$(or $(PYTHON),python3.11) tools/lock.py

containers: ## Build the image with buildah and try it (root, twenty minutes, 15 GB of scratch space)
	@containers/build-test $(ARGS)

clean: ## Remove the environment and every tool's cache; runs/ and data/ stay
	rm -rf $(VENV) $(VENV).lock build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
