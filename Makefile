# `make help` explains the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
RUN_DIR ?= .run/up
# Of pytest. A test waits for Kafka and MongoDB half of the time: three processes keep two cores busy.
PROCESSES ?= 3
# Debian's packages that are unpacked instead of installed, beside Kafka's jars.
UNPACKED := $(or $(USO_CACHE_DIR),$(HOME)/.cache/uso)/debian
export PATH := $(PATH):$(UNPACKED)/usr/bin

.PHONY: help
help: ## show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup ## tell one season's story on real Kafka, MongoDB and mail, and exit
	@$(BIN)/uso demo

.PHONY: up
up: setup ## leave the whole system running with the demo's data (stop with Ctrl-C)
	@$(BIN)/uso up --run-dir $(RUN_DIR) --seed-demo

.PHONY: test
test: setup chromium prometheus ## every check, and every test that needs no stack of its own to kill
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -n $(PROCESSES) -m "not long"

.PHONY: test-long
test-long: setup ## the other tests: whole stacks are killed, replaced, operated and subscribed to
	@$(BIN)/pytest -m long

.PHONY: chromium
chromium: ## install the browser that the tests of the pages run in, where there is none (Debian, as root)
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then echo "Installing Chromium ..."; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium \
	  fonts-liberation2 >/dev/null; fi; } || echo "Chromium could not be installed: the tests of the pages are skipped."

.PHONY: prometheus
prometheus: ## fetch Prometheus with promtool where there is none (Debian; unpacked, so that no service starts)
	@command -v promtool >/dev/null || { command -v apt-get >/dev/null && mkdir -p $(UNPACKED) && cd $(UNPACKED) && { \
	  apt-get download -qq prometheus 2>/dev/null || { apt-get update -qq && apt-get download -qq prometheus; } ; } && \
	  dpkg-deb --extract prometheus_*.deb . && rm prometheus_*.deb; } || \
	  echo "Prometheus could not be fetched: the tests of the alerts are skipped."

.PHONY: pages
pages: setup chromium ## take pictures of every page in every language and state, into .run/pages
	@USO_SCREENSHOTS=.run/pages $(BIN)/pytest -q tests/pages/test_every_page.py

.PHONY: images
images: setup ## build the services' images with podman or docker (IMAGES=--stand-in where nothing can be pulled)
	@$(BIN)/python -m deploy.images $(IMAGES)

.PHONY: podman
podman: ## install what images are built and run with, where there is none (Debian, as root)
	@command -v podman >/dev/null && command -v podman-compose >/dev/null && command -v mmdebstrap >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "Installing podman ..." && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends podman buildah runc netavark \
	  aardvark-dns iptables mmdebstrap uidmap catatonit podman-compose >/dev/null; } || \
	  echo "podman could not be installed: the tests of the images are skipped."

.PHONY: test-images
test-images: setup podman ## build the images and run a service from each, as it runs elsewhere (needs podman)
	@$(BIN)/pytest -q --timeout=1800 tests/images

.PHONY: test-secure
test-secure: setup ## tell the demo on locked Kafka and MongoDB, and try each principal's rights
	@$(BIN)/pytest -q tests/secure

.PHONY: test-watch
test-watch: setup prometheus ## watch a stack with a real Prometheus: each panel, an alert that rises and falls, one trace
	@$(BIN)/pytest -q tests/watching

.PHONY: test-keep
test-keep: setup ## set databases back to a backup while the rest goes on: nothing is sent twice, nothing lost silently
	@$(BIN)/pytest -q --timeout=1800 tests/keeping

AUDIT ?= .run/audit
.PHONY: audit
audit: setup ## licences, bill of materials (CycloneDX) and known faults of what the images have, into .run/audit
	@mkdir -p $(AUDIT)
	@$(BIN)/python -m deploy.licences > $(AUDIT)/licences.tsv
	@$(BIN)/uv tool run --quiet --from cyclonedx-bom==7.1.0 cyclonedx-py requirements requirements/run.txt \
	  --output-reproducible -o $(AUDIT)/sbom.json
	@$(BIN)/uv tool run --quiet pip-audit@2.10.0 --requirement requirements/run.txt --require-hashes --disable-pip --strict

KUBERNETES ?= 1.33
.PHONY: kubernetes
kubernetes: setup ## build the Kubernetes manifests and check them against the API's own schemas (needs kubectl)
	@mkdir -p .run/kubernetes
	@for overlay in single-node cluster; do \
	  kubectl kustomize deploy/kubernetes/overlays/$$overlay > .run/kubernetes/$$overlay.yaml || exit 1; done
	@$(BIN)/uv tool run --quiet kubernetes-validate@1.37.0 --strict --quiet --kubernetes-version $(KUBERNETES) \
	  .run/kubernetes/*.yaml

.PHONY: test-kubernetes
test-kubernetes: setup ## apply the manifests to a real API server, whose nodes kwok plays (needs go, kubectl; builds 10 min once)
	@$(BIN)/pytest -q --timeout=3600 tests/kubernetes

.PHONY: mutants
mutants: setup ## put faults into a copy of the code, one at a time: each must turn a test red (MUTANTS="name name")
	@$(BIN)/python -m tests.mutants $(MUTANTS)

.PHONY: faults
faults: setup ## kill, suspend and cut off processes under load, and check that nothing is lost (FAULTS="--seed 7 --minutes 5")
	@$(BIN)/python -m tests.faults $(FAULTS)

.PHONY: bench
bench: setup ## how fast, beside the same work done by hand in the same run (BENCH="--only relay")
	@$(BIN)/python -m bench $(BENCH)

.PHONY: messages
messages: setup ## write the messages' schemas, examples, AsyncAPI document and catalogue again
	@$(BIN)/python -m contracts write

.PHONY: lint
lint: setup ## format, then ruff, mypy and the import rules
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# A release that was taken over or is broken is usually found within days: none younger than a week is taken.
COOLDOWN_DAYS ?= 7
UPGRADE ?= --upgrade --exclude-newer $$($(BIN)/python -c 'import datetime as d; \
  print((d.datetime.now(d.UTC) - d.timedelta(days=$(COOLDOWN_DAYS))).date())')
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-annotate --no-header --no-emit-index-url --no-emit-find-links pyproject.toml

.PHONY: lock
lock: setup ## lock the Python dependencies again, with hashes (UPGRADE= keeps the versions that are locked)
	@$(COMPILE) --all-extras $(UPGRADE) -o requirements.txt
	@$(COMPILE) --constraints requirements.txt -o requirements/run.txt
	@$(COMPILE) --constraints requirements.txt --extra local -o requirements/local.txt

.PHONY: clean
clean: ## remove the environment and what runs left behind
	@rm -rf .venv .run build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: setup
setup: .venv/.complete ## install what everything else needs, into .venv

.venv/.complete: requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found: install Python 3.11 or newer, or name it: make PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: name a newer one, make PYTHON=..."; exit 1; }
	@echo "Installing the locked Python packages into .venv ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
