# PreviewCloud. `make` explains the targets; variables go behind them: `make up CLUSTER=kind`.
SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed

# Settings of the platform that may stand on the command line.
export CLUSTER INSTALLATION_ID PREVIEW_DOMAIN PREVIEWCLOUD_STATE PREVIEWCLOUD_CACHE KUBEBUILDER_ASSETS

.DEFAULT_GOAL := help
.PHONY: help venv up down clean status

help: ## Explain the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  CLUSTER=local|kind|current   where the Kubernetes API comes from (local)"
	@echo "  PLATFORM_ONLY=1              up without the operator and the sample"

venv: $(STAMP) ## Make the Python environment from the pinned requirements

$(STAMP): requirements-dev.txt dev/venv.sh
	@sh dev/venv.sh $(VENV) requirements-dev.txt && touch $@

up: $(STAMP) ## Bring the whole platform up, with a sample Preview that answers
	@$(PY) -m dev up $(if $(PLATFORM_ONLY),--no-operator --no-sample)

down: $(STAMP) ## Stop and remove everything that up started; logs and caches stay
	@$(PY) -m dev down

clean: $(STAMP) ## Do what down does, and remove logs, caches and the Python environment
	@$(PY) -m dev clean
	@rm -rf $(VENV)

status: $(STAMP) ## Show what of the platform runs
	@$(PY) -m dev status
