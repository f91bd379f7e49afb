# What can be made here; `make help` prints it.

PYTHON = $(shell scripts/find-python)
BIN = .venv/bin
CODE = klearctl scripts bench tests
ARGS =

.DEFAULT_GOAL := check
.NOTPARALLEL:
.PHONY: help check test setup demo format lint types layers tests fix bench real gpu-check lock clean need-venv

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

check: format lint types layers tests  ## (default) all that a change must pass, except the set-up

test: setup check  ## the set-up, then everything that a change must pass

setup:  ## .venv/ with every dependency and this tree; quick where nothing changed
	@$(PYTHON) -B -m scripts.setup

demo:  ## the whole pipeline on this machine: curate, sft, rl, eval; ARGS go to `klearctl run`
	@$(PYTHON) -B -m scripts.preflight
	@$(PYTHON) -B -m scripts.setup
	@exec $(BIN)/klearctl run workflows/smoke $(ARGS)

format: need-venv  ## looks whether `make fix` would format something
	@$(BIN)/ruff format --check --quiet --diff $(CODE) || { echo "  try: make fix" >&2; exit 1; }

lint: need-venv  ## ruff
	@$(BIN)/ruff check $(CODE)

types: need-venv  ## mypy, strict
	@$(BIN)/mypy

layers: need-venv  ## import-linter: the two halves never meet
	@$(BIN)/lint-imports --no-logo

tests: need-venv  ## pytest; ARGS="-k word" runs some
	@$(BIN)/python -m pytest $(ARGS)

fix: need-venv  ## formats, and mends what ruff can mend
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)

bench: need-venv  ## the quick measurements; the long ones are run by name, see bench/
	@$(BIN)/python -m bench.help

real: need-venv  ## SmolLM2-135M on GSM8K through all stages; takes hours
	@$(BIN)/python -m bench.real $(ARGS)

gpu-check:  ## what the trainer does on this machine's GPU, against its CPU; BIN names the folder of python
	@nvidia-smi --list-gpus || { echo "error: no NVIDIA GPU is found here" >&2; \
	  echo "  try: a machine where nvidia-smi lists one" >&2; exit 1; }
	@$(BIN)/python -m bench.gpu $(ARGS)

lock:  ## requirements/*.txt from pyproject.toml; LOCK_ARGS=--upgrade takes newer versions
	@scripts/lock $(LOCK_ARGS)

clean:  ## removes all that was made in this tree
	rm -rf .venv .venv.partial .venv.old build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

need-venv:
	@test -x $(BIN)/python || { echo "error: there is no environment" >&2; echo "  try: make setup" >&2; exit 1; }
