# PreviewCloud. `make` explains the targets; variables go behind them: `make up CLUSTER=kind`.
SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
PIN := $(VENV)/bin/pip-compile -q --generate-hashes --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

# Settings of the platform that may stand on the command line.
export CLUSTER INSTALLATION_ID PREVIEW_DOMAIN PREVIEWCLOUD_STATE PREVIEWCLOUD_CACHE KUBEBUILDER_ASSETS
export ACME_EMAIL ACME_SERVER ACME_CA_FILE

FILE ?= previewcloud-backup.tar

.DEFAULT_GOAL := help
.PHONY: image release release-check release-notes version requirements help venv up down clean status backup restore test lint test-unit test-integration test-crash bench crd docs reference

help: ## Explain the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  CLUSTER=local|kind|current   where the Kubernetes API comes from (local)"
	@echo "  NODE=1                       a real kubelet too, with the chart installed on it (needs root)"
	@echo "  PLATFORM_ONLY=1              up without the operator and the sample"

venv: $(STAMP) ## Make the Python environment from the pinned requirements

$(STAMP): requirements-dev.txt dev/venv.sh
	@sh dev/venv.sh $(VENV) requirements-dev.txt && touch $@

requirements: $(STAMP) ## Pin the dependencies of pyproject.toml anew: versions and hashes, never an address
	@CUSTOM_COMPILE_COMMAND="make requirements" $(PIN) -o requirements.txt pyproject.toml
	@CUSTOM_COMPILE_COMMAND="make requirements" $(PIN) --extra dev --allow-unsafe -o requirements-dev.txt pyproject.toml
	@CUSTOM_COMPILE_COMMAND="make requirements" $(PIN) --allow-unsafe --build-deps-for wheel --only-build-deps \
		-o requirements-build.txt pyproject.toml

up: $(STAMP) ## Bring the whole platform up, with a sample Preview that answers
	@$(PY) -m dev up $(if $(PLATFORM_ONLY),--no-operator --no-sample) $(if $(NODE),--node)

down: $(STAMP) ## Stop and remove everything that up started; logs and caches stay
	@$(PY) -m dev down

clean: $(STAMP) ## Do what down does, and remove logs, caches and the Python environment
	@$(PY) -m dev clean
	@rm -rf $(VENV)

image: $(STAMP) ## Build the product's image, previewcloud/previewcloud:<version>, on the engine
	@$(PY) -m dev.product_image

version: $(STAMP) ## Write VERSION into the files that hold it, and the changelog's section for it
	@$(PY) -m dev.release prepare "$(VERSION)"

release-check: $(STAMP) ## Say whether this checkout can be released as VERSION
	@$(PY) -m dev.release check "$(VERSION)"

release-notes: $(STAMP) ## Print what the changelog says of VERSION
	@$(PY) -m dev.release notes "$(VERSION)"

release: $(STAMP) ## Make wheel, source, image and chart of VERSION into dist/; with REPOSITORY=<registry>/<owner> push them
	@$(PY) -m dev.release build "$(VERSION)" $(if $(REPOSITORY),--repository "$(REPOSITORY)") \
		$(if $(PLATFORMS),--platforms "$(PLATFORMS)")

status: $(STAMP) ## Show what of the platform runs
	@$(PY) -m dev status

backup: $(STAMP) ## Write previews, databases, logins and logs into FILE; what runs goes on
	@$(PY) -m dev backup $(FILE)

restore: $(STAMP) ## Make the platform what FILE says (REPLACE=1: previews that it does not hold go)
	@$(PY) -m dev restore $(FILE) $(if $(REPLACE),--replace)

test: lint test-unit test-integration ## Linters, types, import contracts, unit tests, then everything on real parts

lint: $(STAMP) ## Linters, types, import contracts, and no drift in what is generated
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(PY) -m controller.api.crd | cmp - crds/previews.yaml || { echo "crds/ is behind the models: make crd"; exit 1; }
	@$(PY) -m dev.chart check
	@$(PY) -m dev.settings_page | cmp - docs/settings.md || { echo "docs/settings.md is behind the settings: make reference"; exit 1; }

crd: $(STAMP) ## Write crds/, and the chart's copy of it, anew from the models
	@$(PY) -m controller.api.crd > crds/previews.yaml
	@$(PY) -m dev.chart

docs: $(STAMP) ## Build the site of the documentation into build/site; fails on a link that leads nowhere
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict && echo "build/site/index.html"

reference: $(STAMP) ## Write the references in docs/ anew: settings, keys of preview file and resource, the chart's values
	@$(PY) -m dev.settings_page > docs/settings.md
	@$(PY) -m dev.preview_file_page
	@$(PY) -m dev.chart

test-unit: $(STAMP) ## The rules on the in-memory twins; about a minute
	@$(PY) -m pytest -q -n 2 tests/unit

test-integration: $(STAMP) ## The real parts, on a platform of the test run's own
	@$(PY) -m dev.within $(PY) -m pytest -q tests/integration

test-crash: $(STAMP) ## SIGKILL before and after every action of a create, an update and a delete, on the real parts
	@CRASH_POINTS=all $(PY) -m dev.within $(PY) -m pytest -q tests/integration/crash

bench: $(STAMP) ## The benchmarks, each a ratio with min, median and max
	@$(PY) -m dev.within $(PY) -m bench
