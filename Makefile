# Run `make` to see what there is. Everything happens in .venv; nothing is installed outside it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Side by side what keeps to itself; then, one after the other, whole nodes, whose deadlines are those of a site.
ifdef ARGS
TESTS = $(BIN)/python -m pytest $(ARGS)
else
TESTS = $(BIN)/python -m pytest -n 2 --dist loadfile --ignore tests/e2e && $(BIN)/python -m pytest tests/e2e
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo cycle test check soak bench format clean venv

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.product ## Send a chest radiograph through a node and see what comes back (CXR=path.dcm for your own)
	@$(BIN)/cxr demo $(if $(CXR),"$(CXR)")

cycle: $(VENV)/.everything ## Learn from a synthetic department: 500 studies, train, promote (STUDIES=500; minutes)
	@rm -rf rehearsal
	@$(BIN)/cxr rehearse $(if $(STUDIES),--studies $(STUDIES))

test: $(VENV)/.everything ## Run the tests (ARGS="-k phantom" to choose)
	$(TESTS)

check: $(VENV)/.everything ## Run everything that must pass: format, lint, types, imports, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(TESTS)

soak: $(VENV)/.everything ## Kill every process, again and again, at full size: 2,000 instances, 24 kills (20 minutes)
	CXR_SOAK=1 CXR_REQUIRE_PEERS=1 $(BIN)/python -m pytest tests/e2e/test_soak.py tests/e2e/test_faults.py -v

bench: $(VENV)/.everything ## Measure against peers on this machine (ONLY=reception to choose); prints, never fails on a figure
	@for script in $(if $(ONLY),tests/bench/$(ONLY).py,$$(grep -l '__main__' tests/bench/*.py)); do \
		module=$${script%.py}; echo "== $$module"; $(BIN)/python -m "$$(echo $$module | tr / .)" || exit 1; \
	done

format: $(VENV)/.everything ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

venv: $(VENV)/.everything ## Make .venv with every extra

clean: ## Remove .venv, caches and the demo's output
	rm -rf $(VENV) .venv-medspacy demo-out rehearsal dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps say what .venv holds; they are older than what they were made from only after a change.

$(VENV)/.made:
	@deploy/venv "$(PYTHON)" $(VENV)
	@touch $@

$(VENV)/.product: $(VENV)/.made pyproject.toml constraints.txt
	@echo "Installing cxr-node into $(VENV) (once; about half a minute)"
	@$(PIP) install --quiet -c constraints.txt -e .
	@touch $@

$(VENV)/.everything: $(VENV)/.made pyproject.toml constraints.txt
	@echo "Installing cxr-node with every extra into $(VENV) (once; torch is large, so some minutes)"
	@$(PIP) install --quiet -c constraints.txt -e '.[cluster,training,dev]'
	@touch $@ $(VENV)/.product
