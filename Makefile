# book      install what is needed into .venv and build the site into _build/html
# test      install what is needed and check everything
# chapters  re-execute the notebooks in place, on real data
# reference train the reference network, the staircase and the transfer with five seeds (an hour or
#           more); the first two go on where they stopped
# cards     measure the shipped networks and bring the cards' tables up to date
# live      export the network and the simulator's waves for the live figures
# bench     measure how fast things are (some ten minutes)
# scale     measure what more cores and a cluster are good for, and memory (some ten minutes; Linux only)
# fuzz      look for input that no reader is ready for (an hour, or make fuzz MINUTES=5; Linux only)
# pdf       print the course, and the pages for teachers, with Chromium
# colab     run every notebook from its first cell to its last as Colab would (about half an hour)
# links     ask every page that the book links to whether it is still there
# lock      choose exact versions, with the sums of their files; make lock NEWEST=1 takes the newest of all
# fork      make the book another repository's: make fork REPO=https://github.com/you/yours
# clean     remove what these made
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# one stamp a Python version, so that naming another one with PYTHON= builds anew
READY := $(VENV)/.ready-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)

.PHONY: book test chapters reference cards live bench scale fuzz pdf colab links lock fork clean

book: $(READY)
	$(VENV)/bin/jupyter-book build . -n -W --keep-going
	@echo "The site is at _build/html/index.html"

test: $(READY)
	$(PY) tests/run.py

chapters: $(READY)
	$(PY) tests/execute.py

reference: $(READY)
	$(PY) -m ecg_lessons.reference
	$(PY) -m ecg_lessons.staircase
	$(PY) -m ecg_lessons.transfer

cards: $(READY)
	$(PY) tests/cards.py

live: $(READY)
	$(PY) tests/live.py

bench: $(READY)
	$(PY) tests/bench.py

scale: $(READY)
	$(PY) tests/scale.py

fuzz: $(READY)
	$(PY) -m pip install --quiet atheris
	$(PY) tests/fuzz.py $(or $(MINUTES),60)

pdf: book
	$(PY) tests/pdf.py

colab: $(READY)
	COLAB=whole $(PY) -m pytest tests/test_colab.py

links: $(READY)
	$(VENV)/bin/jupyter-book build . --builder linkcheck

lock: $(READY)
	$(PY) -m pip install --quiet uv
	$(VENV)/bin/uv pip compile requirements.txt --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-header --quiet $(if $(NEWEST),--upgrade) --output-file requirements.lock

fork:
	@$(PYTHON) tests/fork.py "$(REPO)"

clean:
	rm -rf $(VENV) _build .pytest_cache .hypothesis *.egg-info
	find ecg_lessons tests -name __pycache__ -prune -exec rm -rf {} +

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed; name one with: make PYTHON=python3.12"; exit 1; }
	@echo "Installing into $(VENV): about 3.5 GB, a few minutes the first time"
	@# emptied for another Python only, so that a failed installation leaves the old one as it was
	@$(PY) -c 'import sys; sys.exit(sys.version_info[:2] != tuple(map(int, sys.argv[1:])))' \
	  $$($(PYTHON) -c 'import sys; print(*sys.version_info[:2])') 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	$(PY) -m pip install --quiet --no-deps -r requirements.lock
	$(PY) -m pip install --quiet --no-deps --editable .
	touch $@
