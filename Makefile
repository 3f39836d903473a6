# Makes the environment; Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
# Runs everything else: that environment, or else the one in use.
RUN ?= $(shell test -x $(VENV)/bin/python && echo $(VENV)/bin/python || echo python)

.PHONY: setup check floors test test-fast bench torture fuzz audit docs gpu-check lock

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet -e ".[dev]"
	touch $@

check: floors
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m vulture
	$(RUN) -m mypy

# The command lint-imports, of whichever environment: its package can't be run with -m.
floors:
	$(RUN) -c "from importlinter.cli import lint_imports_command; lint_imports_command()" --no-cache --no-logo

# All tests. In parallel, a file at a time, so that what a file builds once is built once. There are as many workers as
# cores: with more than one thread each they would take the cores from one another.
test:
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n auto --dist loadfile

# Those that need no model, no other process and no whole run: something of every module, in less than two minutes.
test-fast:
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n auto --dist loadfile -m "not slow"

bench:
	$(RUN) -m benchmarks

# The versions that were tested together, in constraints.txt, as pip resolves them now with every extra.
lock:
	$(RUN) -m pip install --quiet --dry-run --ignore-installed --report .lock.json \
	  -e ".[bench,browser,c2pa,cut,dev,diffusion,docs,mcp,providers,ray,serve,studio,train,vlm]"
	$(RUN) -m docs.locked_versions .lock.json > constraints.txt
	rm .lock.json

# Kills, full disks, damaged files and servers that hang; goes on where it was ended. About an hour.
torture:
	$(RUN) -m benchmarks.torture

# Each parser and door with inputs that nobody would send, a few of each, with schemathesis and atheris: in an environment
# of its own, since LangGraph's server wants another jsonschema-rs. An hour of it: python -m benchmarks.fuzz
FUZZ_VENV := .venv-fuzz
fuzz: $(FUZZ_VENV)/.ready
	OMP_NUM_THREADS=1 $(FUZZ_VENV)/bin/python -m pytest -m fuzz

$(FUZZ_VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(FUZZ_VENV)
	$(FUZZ_VENV)/bin/python -m pip install --quiet -e ".[dev,fuzz]"
	touch $@

# Known faults of the locked versions; says so where their database can't be asked. Needs pip-audit.
audit:
	$(RUN) -m docs.known_faults constraints.txt

# The documentation as a site, in site/; needs the extra docs.
docs:
	$(RUN) -m mkdocs build --strict

# Draws with the real models, which it downloads; for a machine with a GPU.
gpu-check:
	$(RUN) -m benchmarks.gpu_check $(ARGS)
