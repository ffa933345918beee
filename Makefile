# make run            start the portal on this machine (installs what it needs into .venv first)
# make run TORCH=cpu  ... with that build for the trainer's environment: auto, cpu, cuda or skip
# make service        the same as a service of this user, which outlives the terminal
# make test           portal's tests in .venv, trainer's tests in .venv-trainer
# make check          format, lint, layers, types, migrations, deployment, templates, catalogues
# make bench          every claim with a number; ONLY=pattern for some of them
# make messages       collect texts into dcportal/locale (needs gettext)
# make gpu            the tests that need a real GPU
# make clean          remove both environments, caches and built front-end files; var/ (your data) stays

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run service test test-portal test-trainer environments tools check bench messages gpu clean

# The first Python that fits and can make environments; else any, so that it can say what is missing.
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	2>/dev/null && echo $$p && exit; done; command -v python3 || true)
endif
PORTAL := .venv/bin/python
TRAINER := .venv-trainer/bin/python
RESULTS := test-results
export TORCH ?= auto

ifeq ($(PYTHON),)
$(info Python 3.11 or newer is missing:)
$(info     sudo apt-get install -y git python3 python3-venv)
$(error install it, then call make again)
endif

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

run:
	@exec $(PYTHON) -m dcportal.setup run

service:
	@exec $(PYTHON) -m dcportal.setup service

environments:
	@$(PYTHON) -m dcportal.setup test-environments
	@$(PORTAL) -m dcportal.common.vendor

tools:
	@$(PYTHON) -m dcportal.setup test-tools

test: environments test-portal test-trainer
	@echo "make test: portal and trainer passed."

test-portal:
	@mkdir -p $(RESULTS)
	@env -u DCP_DATA_DIR -u DCP_RUNS_DIR -u DCP_SECRET_KEY -u DCP_BIND \
		$(PORTAL) -m pytest tests -q -n 2 --dist loadfile --junitxml=$(RESULTS)/portal.xml \
		&& echo "portal tests: passed" || { echo "portal tests: FAILED"; exit 1; }

test-trainer:
	@mkdir -p $(RESULTS)
	@$(TRAINER) -m pytest -c tests/trainer/pytest.ini tests/trainer -q --junitxml=$(RESULTS)/trainer.xml \
		&& echo "trainer tests: passed" || { echo "trainer tests: FAILED"; exit 1; }

check: tools
	@$(PORTAL) -m dcportal.operations.checks

bench: tools
	@$(PORTAL) -m tests.bench $(ONLY)

messages: tools
	@for domain in django djangojs; do $(PORTAL) manage.py makemessages -d $$domain -l en -l zh_Hans \
		--no-location --no-wrap --no-obsolete -i node_modules -i static/vendor -i tests -i var; done

gpu: tools
	@$(PORTAL) -m pytest tests -q -m gpu -rs

clean:
	rm -rf .venv .venv-trainer .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis \
		static/vendor node_modules $(RESULTS)
	find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +
	@echo "var/ holds your data and stays; remove it yourself to start from nothing."
