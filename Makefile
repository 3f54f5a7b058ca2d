# Every target with a line of what it does: make
PYTHON ?= python3
VENV := .venv
# What is given on the command line reaches the programs as it is written, by their environment: neither make
# nor the shell looks into it.
override REPO := $(value REPO)
override MINUTES := $(or $(value MINUTES),60)
override PART := $(or $(value PART),whole)
override TESTS := $(value TESTS)
export REPO MINUTES TESTS
PY := $(VENV)/bin/python
# Layers of requirements.lock, each on top of the one before; one stamp for each layer and Python version, so
# that naming another one with PYTHON= builds anew.
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
BOOK := $(VENV)/.book-$(VERSION)
CHAPTERS := $(VENV)/.chapters-$(VERSION)
CHECKS := $(VENV)/.checks-$(VERSION)
FUZZ := $(VENV)/.fuzz-$(VERSION)
LAYER = $(patsubst .%-$(VERSION),%,$(notdir $@))

.PHONY: help book test lint install install-checks lab chapters reference cards live bench scale fuzz pdf colab links lock fork clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile | expand -t 22

book: $(BOOK) ## build the site into _build/html
	$(VENV)/bin/jupyter-book build . -n -W --keep-going
	@echo "The site is at _build/html/index.html"

test: lint ## check everything (TESTS=recordings: only what depends on recordings)
	$(PY) -m tools.run

lint: $(CHECKS) ## check style and types: the first thing that test does
	@$(VENV)/bin/ruff check --quiet && $(VENV)/bin/ruff format --check --quiet && $(VENV)/bin/mypy

install: $(CHAPTERS) ## install what the chapters need, to work through them

install-checks: $(CHECKS) ## install what the tests need

lab: $(CHAPTERS) ## open the chapters in JupyterLab
	$(VENV)/bin/jupyter lab book

chapters: $(CHAPTERS) ## re-execute the notebooks in place, on real data
	$(PY) -m tools.execute

reference: $(CHAPTERS) ## train the shipped networks with five seeds (an hour or more); goes on where it stopped
	$(PY) -m studies.reference
	$(PY) -m studies.staircase
	$(PY) -m studies.transfer

cards: $(CHAPTERS) ## measure the shipped networks and bring the cards' tables up to date
	$(PY) -m tools.cards

live: $(CHAPTERS) ## export the network and the simulator's waves for the live figures
	$(PY) -m tools.live

bench: $(CHECKS) ## measure how fast things are (ten minutes)
	$(PY) -m tools.bench

scale: $(CHECKS) ## measure what more cores and a cluster are good for (ten minutes; Linux)
	$(PY) -m tools.scale

fuzz: $(FUZZ) ## look for input that no reader is ready for (MINUTES=60; Linux)
	$(PY) -m tools.fuzz

pdf: $(CHECKS) book ## print the course and the pages for teachers, with Chromium
	$(PY) -m tools.pdf

colab: export COLAB = $(PART)
colab: $(CHECKS) ## run every notebook with Colab's own versions (half an hour; PART=look: the beginnings)
	$(PY) -m pytest -n 2 --dist worksteal tests/test_colab.py

links: $(BOOK) ## ask every page that the book links to whether it is still there
	$(VENV)/bin/jupyter-book build . --builder linkcheck

lock: $(BOOK) ## choose exact versions, with the sums of their files (NEWEST=1: the newest of all)
	$(PY) -m tools.lock $(if $(NEWEST),--upgrade) $(if $(OLDEST),--resolution lowest-direct)

fork: ## make the book another repository's (REPO=https://github.com/you/yours)
	@$(PYTHON) tools/fork.py

clean: ## remove what these made
	rm -rf $(VENV) _build .pytest_cache .hypothesis *.egg-info
	find ecg_lessons studies tools tests -name __pycache__ -prune -exec rm -rf {} +

$(BOOK) $(CHAPTERS) $(CHECKS) $(FUZZ): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed; name one with: make PYTHON=python3.12"; exit 1; }
	@# emptied for another Python only, so that a failed installation leaves the old one as it was
	@$(PY) -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(VERSION)")' 2>/dev/null || \
	  $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing into $(VENV) what is needed: $(LAYER)"
	@awk -v last=$(LAYER) '/^# ---- / && found {exit} $$3 == last {found = 1} {print}' requirements.lock > $(VENV)/$(LAYER).lock
	@awk '/^[^ ]/ {mine = /^uv==/} mine {print}' requirements.lock > $(VENV)/uv.lock
	@# uv takes seconds; where it cannot be had or reach its packages, pip may know a mirror
	@$(PY) -m uv --version > /dev/null 2>&1 || \
	  $(PY) -m pip install --quiet --no-deps --require-hashes -r $(VENV)/uv.lock || true
	@$(PY) -m uv pip install --quiet --python $(PY) --no-deps --require-hashes -r $(VENV)/$(LAYER).lock || \
	  $(PY) -m pip install --quiet --no-deps --require-hashes -r $(VENV)/$(LAYER).lock
	@$(PY) -m pip install --quiet --no-deps --no-index --no-build-isolation --editable .
	touch $@
