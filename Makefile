# Makes the environment; Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
# Runs everything else: that environment, or else the one in use.
RUN ?= $(shell test -x $(VENV)/bin/python && echo $(VENV)/bin/python || echo python)

.PHONY: setup check test test-fast bench docs gpu-check

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet -e ".[dev]"
	touch $@

check:
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

test:
	$(RUN) -m pytest

test-fast:
	$(RUN) -m pytest -m "not slow" -n auto

bench:
	$(RUN) -m benchmarks

# The documentation as a site, in site/; needs the extra docs.
docs:
	$(RUN) -m mkdocs build --strict

# Draws with the real models, which it downloads; for a machine with a GPU.
gpu-check:
	$(RUN) -m benchmarks.gpu_check
