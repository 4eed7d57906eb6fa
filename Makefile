# make run    train the article's model beside its rivals, print a table
# make test   every notebook, every check
# make lab    the course in JupyterLab
# make e2e    every chapter in a real JupyterLab, in headless Chromium
# Each sets up .venv when it is missing or older than what it is made from.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
ARGS ?=

# Importing TensorFlow takes 5 s with compiled bytecode and 24 s without, so compile when installing and keep what is compiled.
export UV_COMPILE_BYTECODE := 1
export UV_PYTHON_DOWNLOADS := never
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test lab e2e browser export outputs readme constraints
.DEFAULT_GOAL := run

run: .venv/ready
	@$(BIN)/interest-tutorial run $(ARGS)

test: .venv/ready
	@$(BIN)/python -m pytest $(ARGS)

lab: .venv/ready
	@cd nbs && ../$(BIN)/jupyter lab $(ARGS)

e2e: .venv/e2e
	@$(BIN)/python -m pytest e2e $(ARGS)

.venv/ready: settings.ini setup.py constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python from 3.11 to 3.13 found: install one, or name it with make PYTHON=/path/to/python" >&2; exit 2; }
	@echo "Setting up .venv with $$($(PYTHON) --version), once: one or two minutes." >&2
	@rm -rf .venv
	@$(PYTHON) -m venv .venv || { echo "$(PYTHON) cannot make virtual environments: on Debian and Ubuntu, apt install python3-venv" >&2; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	@$(BIN)/uv pip install --quiet --refresh-package interest_tutorial --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@touch $@

browser: .venv/e2e             # a Chromium for make e2e, where the system has none
	@$(BIN)/playwright install chromium

.venv/e2e: .venv/ready
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[e2e]'
	@touch $@

# For those who change the course:
export: .venv/ready            # notebooks -> package
	@$(BIN)/nbdev_export

outputs: .venv/ready           # run notebooks in place and clean them; NB=nbs/20_logistic.ipynb for one
	@$(BIN)/python tools/run_notebooks.py $(NB)

readme: .venv/ready            # nbs/index.ipynb -> README.md
	@$(BIN)/python tools/make_readme.py

constraints: .venv/ready       # what is tested, resolved anew
	@$(BIN)/uv pip compile --quiet --refresh-package interest_tutorial --upgrade --universal --python-version 3.11 --extra dev --extra e2e --output-file constraints.txt setup.py
