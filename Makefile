# book      install what a book needs and build the site into _build/html
# test      install what is needed and check everything; make test TESTS=recordings leaves out what would be
#           the same without recordings
# install   install what the chapters need, to work through them
# install-checks  install what the tests need
# lab       the same as install, and open the chapters in JupyterLab
# chapters  re-execute the notebooks in place, on real data
# reference train the reference network, the staircase and the transfer with five seeds (an hour or
#           more); the first two go on where they stopped
# cards     measure the shipped networks and bring the cards' tables up to date
# live      export the network and the simulator's waves for the live figures
# bench     measure how fast things are (some ten minutes)
# scale     measure what more cores and a cluster are good for, and memory (some ten minutes; Linux only)
# fuzz      look for input that no reader is ready for (an hour, or make fuzz MINUTES=5; Linux only)
# pdf       print the course, and the pages for teachers, with Chromium
# colab     run every notebook from its first cell to its last with Colab's own versions (about half an hour);
#           make colab PART=look stops after the section Look of each, as CI does at every push
# links     ask every page that the book links to whether it is still there
# lock      choose exact versions, with the sums of their files; make lock NEWEST=1 takes the newest of all
# fork      make the book another repository's: make fork REPO=https://github.com/you/yours
# clean     remove what these made
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

.PHONY: book test install install-checks lab chapters reference cards live bench scale fuzz pdf colab links lock fork clean

book: $(BOOK)
	$(VENV)/bin/jupyter-book build . -n -W --keep-going
	@echo "The site is at _build/html/index.html"

test: $(CHECKS)
	$(PY) -m tools.run

install: $(CHAPTERS)

install-checks: $(CHECKS)

lab: $(CHAPTERS)
	$(VENV)/bin/jupyter lab book

chapters: $(CHAPTERS)
	$(PY) -m tools.execute

reference: $(CHAPTERS)
	$(PY) -m studies.reference
	$(PY) -m studies.staircase
	$(PY) -m studies.transfer

cards: $(CHAPTERS)
	$(PY) -m tools.cards

live: $(CHAPTERS)
	$(PY) -m tools.live

bench: $(CHECKS)
	$(PY) -m tools.bench

scale: $(CHECKS)
	$(PY) -m tools.scale

fuzz: $(FUZZ)
	$(PY) -m tools.fuzz

pdf: $(CHECKS) book
	$(PY) -m tools.pdf

colab: export COLAB = $(PART)
colab: $(CHECKS)
	$(PY) -m pytest -n 2 --dist worksteal tests/test_colab.py

links: $(BOOK)
	$(VENV)/bin/jupyter-book build . --builder linkcheck

lock: $(BOOK)
	$(PY) -m tools.lock $(if $(NEWEST),--upgrade) $(if $(OLDEST),--resolution lowest-direct)

fork:
	@$(PYTHON) tools/fork.py

clean:
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
