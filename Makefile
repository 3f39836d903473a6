PYTHON ?= python3
VENV := .venv
# The environment in use if there is one, so that CI and others can bring their own.
RUN := $(if $(VIRTUAL_ENV),$(VIRTUAL_ENV),$(VENV))/bin/python

.PHONY: setup check test bench

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

bench:
	$(RUN) -m bench
