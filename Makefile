# make run: set up and open the window. make test: set up and run every test. make help: the rest.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY := $(BIN)/python

.PHONY: help run test test-fast check lock check-lock bluemarble clean
help:
	@echo "make run         set up if needed and open the window"
	@echo "make test        set up if needed and run every test"
	@echo "make test-fast   the tests that take seconds"
	@echo "make check       lint, types, stale locks"
	@echo "make lock        write requirements*.txt anew from requirements*.in"
	@echo "make bluemarble  rebuild the embedded model from NASA's image (about half an hour on 2 cores)"
	@echo "make clean       remove the environment"

run: $(VENV)/.run
	@$(PY) app.py

test: $(VENV)/.dev
	$(PY) -m pytest

test-fast: $(VENV)/.dev
	$(PY) -m pytest -m "not slow"

check: $(VENV)/.dev check-lock
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

lock: $(VENV)/.dev
	$(PY) tools/lock.py

check-lock: $(VENV)/.dev
	$(PY) tools/lock.py --check

bluemarble: $(VENV)/.run
	$(PY) -m geotool.demo.build

clean:
	rm -rf $(VENV)

$(PY):
	@echo "geotool: making a Python environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "geotool needs Python 3.11 or newer. Give one: make run PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python's venv module is missing. On Debian and Ubuntu: apt install python3-venv"; exit 2; }

$(VENV)/.run: requirements.txt | $(PY)
	@echo "geotool: installing what it needs. The first time this fetches gigabytes (torch) and takes minutes."
	$(PY) -m pip install --disable-pip-version-check --progress-bar on -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(PY)
	@echo "geotool: installing what it and its tests need. The first time this fetches gigabytes (torch)."
	$(PY) -m pip install --disable-pip-version-check --progress-bar on -r requirements-dev.txt
	@touch $@ $(VENV)/.run
