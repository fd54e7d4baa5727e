# Each target does its own set-up: `make demo` on a fresh machine needs only CPython 3.11 to 3.13 (with pip and venv) and make.

PYTHON ?= python3
WORKERS ?= 2

VENV := .venv
READY := $(VENV)/.ready
RUN := $(VENV)/bin
# Compiled modules are kept: tests start hundreds of Pythons, each of which would compile them anew.
PYTEST := OMP_NUM_THREADS=1 WDDKIT_FAST=1 PYTHONDONTWRITEBYTECODE= $(RUN)/python -m pytest -q -rfEs -n $(WORKERS) --dist worksteal
TABLE := echo "Comparing (stop and go on as you like) ..."; OMP_NUM_THREADS=1 $(RUN)/python tests/bench/tables.py
PINNED := $(RUN)/python -m pip freeze --disable-pip-version-check --exclude-editable

.DEFAULT_GOAL := help
.PHONY: help demo lab notebooks site release check test bench bench-ot bench-views bench-gpu table-digits \
  table-tuned table-networks table-fashion table-imagenette table-cifar question relation \
  defaults sweeps coverage lint constraints clean again

help:  ## this list
	@echo "wddkit: dataset distillation via the Wasserstein metric. What make can do:"
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*##  *\(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-23s %s\n", $$1, $$2 }'
	@echo
	@echo "Each of them sets up .venv first, once: about 3 GB to download and 7 GB on the disk on Linux."
	@echo "  another Python        make PYTHON=python3.12 demo   (after 'make clean' if .venv is already there)"
	@echo "  torch without CUDA    PIP_EXTRA_INDEX_URL=<address of PyTorch's CPU wheels> make demo   (under 3 GB on the disk)"

demo: $(READY)  ## distil the digits and show what happened
	@$(RUN)/wddkit demo

lab: $(READY)  ## open the notebooks in JupyterLab
	@$(RUN)/wddkit lab

notebooks: $(READY)  ## make the notebooks from notebooks/source, and run the solved ones
	@$(RUN)/python notebooks/build.py --run

site: $(READY)  ## make the course as pages to read offline, in site/ (the first time six minutes)
	@$(RUN)/python notebooks/website.py

release: $(READY)  ## pack the course for students, without solutions (OPTIONS="--students FILE --out FOLDER")
	@$(RUN)/python notebooks/release.py $(OPTIONS)

check: lint  ## style, types, floors and quick tests (4 minutes)
	@echo "Running the quick tests (up to 3 minutes) ..."
	@$(PYTEST) -p no:nbmake -m "not slow and not browser"

test: lint  ## everything: check, slow and browser tests, notebooks (half an hour)
	@echo "Running all tests and notebooks on $(WORKERS) cores (up to half an hour) ..."
	@$(PYTEST) --nbmake --nbmake-timeout=600 tests notebooks/index.ipynb notebooks/findings.ipynb notebooks/solved

bench: $(READY)  ## measure time and memory of the main parts
	@echo "Measuring (a few minutes; leave the machine alone meanwhile) ..."
	@$(RUN)/python tests/bench/run.py

bench-ot: $(READY)  ## measure the solvers of wddkit.ot beside POT and scikit-learn, on one core
	@echo "Measuring (several minutes; leave the machine alone meanwhile) ..."
	@OMP_NUM_THREADS=1 $(RUN)/python tests/bench/transport.py

bench-views: $(READY)  ## measure the views in a real browser, and live sessions
	@echo "Measuring (a quarter of an hour; leave the machine alone meanwhile) ..."
	@OMP_NUM_THREADS=1 $(RUN)/python tests/bench/views.py
	@$(RUN)/python tests/bench/session.py

bench-gpu: $(READY)  ## what needs a GPU: ResNet-18 on Imagenette, DM beside its paper (25 minutes a call; goes on)
	@$(RUN)/python tests/bench/gpu.py

table-digits: $(READY)  ## compare all methods on digits (stop and go on as you like, as with all tables)
	@$(TABLE) digits

table-tuned: $(READY)  ## the same after four trials of each method on validation images
	@$(TABLE) tuned

table-networks: $(READY)  ## do students of another network like the same images? nine sets of digits
	@$(TABLE) networks

table-fashion: $(READY)  ## compare seven methods on Fashion-MNIST (WDDKIT_DATA names the data folder)
	@$(TABLE) fashion

table-imagenette: $(READY)  ## compare five methods on Imagenette at 32 px
	@$(TABLE) imagenette

table-cifar: $(READY)  ## compare five methods on the JPEG copy of CIFAR-10
	@$(TABLE) cifar

question: $(READY)  ## does WMDD beat its controls? gain against label bits, part by part of the method
	@echo "Asking (long; stop and go on as you like) ..."
	@OMP_NUM_THREADS=1 $(RUN)/python tests/bench/question.py

relation: $(READY)  ## do nearer sets make better students? over the runs of the question and the tables
	@OMP_NUM_THREADS=1 $(RUN)/python tests/bench/relation.py

defaults: $(READY)  ## which values of WMDD win on validation images? one field at a time
	@echo "Trying (long; stop and go on as you like) ..."
	@OMP_NUM_THREADS=1 $(RUN)/python tests/bench/defaults.py

sweeps: $(READY)  ## make the recorded sweeps of the notebooks anew
	@echo "Sweeping (long; stop and go on as you like) ..."
	@OMP_NUM_THREADS=1 $(RUN)/python notebooks/recorded/sweeps.py

coverage: $(READY)  ## which branches no test has seen (25 minutes)
	@echo "Running all tests with coverage (up to 25 minutes) ..."
	@$(PYTEST) --cov --cov-report=term-missing:skip-covered

lint: $(READY)
	@echo "Checking style, types and floors (up to 1 minute) ..."
	@$(RUN)/ruff check
	@$(RUN)/ruff format --check
	@$(RUN)/mypy
	@$(RUN)/lint-imports --no-logo --no-cache

constraints: $(READY)  ## write constraints.txt anew from what .venv holds
	@{ echo "# Exact versions of all that a set-up installs, for CPython 3.11 to 3.13; CUDA parts follow torch's own pins."; \
	   echo "# Made by 'make constraints' from .venv: to move a pin, pip install the other version there first."; \
	   $(PINNED) | grep '==' | grep -v -i -E '^(nvidia-|cuda-|triton)| @ ' | sed 's/+.*//'; } > $(VENV)/constraints.txt
	@mv $(VENV)/constraints.txt constraints.txt
	@touch $(READY)
	@echo "constraints.txt: `grep -c '==' constraints.txt` pins."

clean:  ## remove .venv and caches; runs/ and sweeps/ stay
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
	find wddkit tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last and holds this folder's name: a broken set-up is done again, and so is one that was moved,
# because a virtual environment does not survive a move.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
$(READY): again
endif

$(READY): pyproject.toml constraints.txt
	@rm -f $@
	@command -v $(PYTHON) >/dev/null || { \
	  echo "No $(PYTHON) here. wddkit needs CPython 3.11, 3.12 or 3.13; name yours: make PYTHON=/path/to/python $(MAKECMDGOALS)"; \
	  exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "wddkit needs CPython 3.11, 3.12 or 3.13, but $(PYTHON) is `$(PYTHON) --version 2>&1`."; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv module. On Debian and Ubuntu: apt-get install python3-venv"; \
	  exit 1; }
	@$(RUN)/pip --version 2>/dev/null | grep -q -F "from $(CURDIR)/$(VENV)/" || { \
	  echo "Set-up 1/2: making the Python environment $(VENV) (about 10 seconds) ..."; \
	  $(PYTHON) -m venv --clear $(VENV); }
	@echo "Set-up 2/2: installing wddkit with torch and JupyterLab into $(VENV)."
	@echo "            The first time: 2 to 15 minutes; on Linux about 3 GB to download and 7 GB on the disk ..."
	@$(RUN)/python -m pip install --disable-pip-version-check $$(test -t 1 || echo -q) -c constraints.txt -e '.[dev]' \
	  || { echo "The installation stopped; what pip says above tells why. Run the same command again: it goes on where it was."; exit 1; }
# Learners' JupyterLab stays as it is: nbgrader's buttons are of no use to them. To have them: jupyter labextension enable
	@$(RUN)/jupyter labextension disable --level=sys_prefix @jupyter/nbgrader @jupyter-notebook/lab-extension >/dev/null 2>&1 \
	  || echo "Buttons of nbgrader stay in JupyterLab; they do no harm."
	@echo "$(CURDIR)" > $@
	@echo "Set-up is done and will not be needed again."
