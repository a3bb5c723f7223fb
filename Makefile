# hillfront: `make demo` and `make test` are all that a fresh machine needs; `make help` lists the rest.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# On the command line only, as in `make PYTHON=/path/to/python3.13 setup`: the Python that .venv is made from.
PYTHON :=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# The environment is the checkout's own: nothing from outside leaks in, and nothing is installed elsewhere.
unexport PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER
export MPLBACKEND := Agg

# A virtual environment works only where it was made, so the stamp says where that was. A checkout that was
# moved or copied, or whose Python has gone, gets a new environment.
INSTALLED_AT := $(shell $(BIN)/python -I -c "" 2>/dev/null && cat $(STAMP) 2>/dev/null)
ifneq ($(INSTALLED_AT),$(CURDIR))
REBUILD := FORCE
endif

.PHONY: help setup demo test reproduction model-choice study study-quick bench docs notebooks lint types clean FORCE

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP)  ## make .venv and install hillfront with its development tools

demo: $(STAMP)  ## run the demonstration; its results go to demo-output/
	$(BIN)/hillfront demo --out demo-output --force

# pyproject.toml turns every warning into an error; `-W error` here would override its commented exceptions.
test: lint types  ## lint, types, then all tests and docstring examples
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

reproduction: $(STAMP)  ## write docs/reproduction.md from the packaged data (about two minutes)
	$(BIN)/hillfront study reproduction --out docs

# The tables of SAEBench are not packaged; name them as in `make model-choice SAEBENCH=/path/to/table.csv`.
SAEBENCH :=
model-choice: $(STAMP)  ## write docs/model-choice.md (about an hour on 2 cores)
	$(BIN)/hillfront study model-choice --out docs $(if $(SAEBENCH),--saebench "$(SAEBENCH)")

# Finished fits stay in study-work/, so a study that was stopped goes on where it was.
study: $(STAMP)  ## write docs/calibration.md: simulated sets of known truth (two hours or more on 2 cores)
	$(BIN)/hillfront study trust --out docs --work study-work --workers 2

study-quick: $(STAMP)  ## the same with a handful of sets, into study-quick/, to see that it runs (under 5 minutes)
	mkdir -p study-quick
	$(BIN)/hillfront study trust --out study-quick --work study-quick/work --workers 2 --quick

# Measurements stay in bench-work/, so that one that was stopped goes on; remove it to measure anew. All that is
# measured is installed as users have it. NumPyro is apart, as SciPy and ArviZ import JAX wherever they find it.
BENCH_WORK := bench-work
BENCH_PYTHON := .venv-bench/bin/python
NUMPYRO_PYTHON := .venv-numpyro/bin/python
CONTEST = --work $(BENCH_WORK) --numpyro-python $(CURDIR)/$(NUMPYRO_PYTHON)
bench: $(STAMP)  ## write docs/benchmarks.md: speed against rivals, on an idle machine (40 minutes on 2 cores)
	$(BIN)/python -I -m venv --clear .venv-bench
	$(BENCH_PYTHON) -m pip install --quiet --disable-pip-version-check --editable .
	$(BENCH_PYTHON) scripts/warm-up
	$(BIN)/python -I -m venv --clear .venv-numpyro
	$(NUMPYRO_PYTHON) -m pip install --quiet --disable-pip-version-check --editable ".[bench]"
	$(BENCH_PYTHON) -m benchmarks.cold_start $(CONTEST)
	$(BENCH_PYTHON) -m benchmarks.cold_start $(CONTEST) --cache empty --rivals hillfront pymc-nutpie
	$(BENCH_PYTHON) -m benchmarks.startup --work $(BENCH_WORK)
	$(BENCH_PYTHON) -m benchmarks.refit --work $(BENCH_WORK)
	$(BENCH_PYTHON) -m benchmarks.scale $(CONTEST)
	$(BENCH_PYTHON) -m benchmarks.same_posterior --work $(BENCH_WORK)
	$(BENCH_PYTHON) -m benchmarks.sampling --work $(BENCH_WORK)
	$(BENCH_PYTHON) -m benchmarks.write_page --work $(BENCH_WORK) --out docs/benchmarks.md

# Not installed with the development tools, so that `make test` needs less.
DOCS_STAMP := $(VENV)/.installed-docs
$(DOCS_STAMP): $(STAMP) pyproject.toml
	@echo "Installing what builds the pages into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev,docs]"
	@touch $(DOCS_STAMP)

docs: $(DOCS_STAMP)  ## draw the gallery and build the pages into docs/_build/html; every warning is an error
	$(BIN)/python -W "ignore::DeprecationWarning" docs/gallery/run_all.py
	rm -rf docs/api docs/notebooks && mkdir docs/notebooks
	for notebook in notebooks/*.ipynb; do sed 's#\.\./docs/#../#g' "$$notebook" > "docs/$$notebook"; done
	$(BIN)/python -m sphinx -E -W --keep-going -q -b html docs docs/_build/html
	$(BIN)/python -m pytest -q tests/project/test_docs.py

notebooks: $(DOCS_STAMP)  ## run every notebook from scratch (about two minutes on 2 cores)
	$(BIN)/python scripts/run_notebooks

lint: $(STAMP)  ## ruff: rules and formatting; import-linter: the order of the folders
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(STAMP)  ## mypy, strict
	$(BIN)/python -m mypy

clean:  ## remove results, builds and caches (.venv stays)
	rm -rf docs/api docs/notebooks demo-output study-quick build dist docs/_build docs/gallery/figures .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests -type d -name __pycache__ -prune -exec rm -rf {} +

# Installed once, and again when pyproject.toml changes.
$(STAMP): pyproject.toml $(REBUILD)
	@if [ -n "$(REBUILD)" ]; then \
		python=$$(sh scripts/find-python "$(PYTHON)") || exit 1; \
		echo "Making $(VENV) with $$python"; \
		"$$python" -I -m venv --clear $(VENV) || exit 1; \
	fi
	@echo "Installing hillfront into $(VENV) (about a minute or two)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@echo "Compiling the model once (10 seconds); Numba keeps it on disk"
	@$(BIN)/python scripts/warm-up
	@printf '%s\n' "$(CURDIR)" > $(STAMP)

FORCE:
