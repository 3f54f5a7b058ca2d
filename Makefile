# book      install what is needed into .venv and build the site into _build/html
# test      install what is needed and check everything
# chapters  re-execute the notebooks in place, on real data
# clean     remove what these made
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready

.PHONY: book test chapters clean

book: $(READY)
	$(VENV)/bin/jupyter-book build . -n -W --keep-going
	@echo "The site is at _build/html/index.html"

test: $(READY)
	$(PY) tests/run.py

chapters: $(READY)
	$(PY) tests/execute.py

clean:
	rm -rf $(VENV) _build .pytest_cache *.egg-info

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --no-deps -r requirements.lock
	$(PY) -m pip install --quiet --no-deps --editable .
	touch $@
