# Needs Python 3.11 or newer and nothing else; everything lands in .venv.
PYTHON ?= python3
# The newer line of CCF's own tools asks for Python 3.12: the first found is used.
NEWER_PYTHON ?= $(shell for p in python3.13 python3.14 python3.12 $$HOME/.pyenv/versions/3.13*/bin/python; do \
	command -v $$p && break; done)

BIN := .venv/bin
SOURCES := $(wildcard ccfpy apps tests benchmarks deploy)
# Fastest first: a mistake shows in seconds, not after the whole run.
QUICK_TESTS := $(wildcard $(addprefix tests/,unit vectors governance scenarios fuzz))
TESTS := tests/house $(QUICK_TESTS)
WITH_PROCESSES := $(wildcard $(addprefix tests/,apps e2e deploy interop))

.PHONY: help .venv wheel newcomer wheels test-wheels compiled test-compiled sandbox apps console typescript quick quick-tests test test-units test-processes test-alone lint format coverage simulate fuzz-review mutants scenarios faults attacks documents reference site engine engine-check image-check bench bench-compiled profile lock interop workflows clean

# Made of this file: each target that has a line there ends its own with `## what it does`.
help: ## show these lines
	@awk -F ':.*## ' '/^[.a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# Checks and tests are many processes: Python keeps what it compiles for the next of them,
# also where the environment forbids that.
lint quick quick-tests test test-units test-processes test-alone test-compiled coverage simulate fuzz-review mutants scenarios faults attacks documents: \
	export PYTHONDONTWRITEBYTECODE =

# One environment, filled in two steps, so that `.venv/bin` is the one place to look: first
# what a service runs on, then what checks and tests need besides. The second lock repeats
# the versions of the first, so the second step only adds packages.
.venv: .venv/installed ## make the environment of all checks and tests

# Python compiles what it imports, so nothing is compiled beforehand: most of it is never
# imported.
INSTALL := -m pip install --quiet --disable-pip-version-check --no-compile
PIP_INSTALL := $(BIN)/python $(INSTALL)

# What a service runs on, in little time and space: each lock is complete, so nothing is
# resolved (--no-deps). Removed again: the setuptools that Python 3.11 puts into each
# environment, the build backend, and pip's own compiled files.
.venv/runtime: requirements.lock deploy/image/build.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ccfpy needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip --disable-pip-version-check uninstall --quiet --yes setuptools; }
	$(PIP_INSTALL) --no-deps --require-hashes -r requirements.lock
	@rm -rf .venv/backend
	@$(PIP_INSTALL) --no-deps --require-hashes -r deploy/image/build.lock --target .venv/backend
	PYTHONPATH=.venv/backend $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@rm -rf .venv/backend && find .venv/lib/*/site-packages/pip -name __pycache__ -prune -exec rm -rf {} +
	@touch $@

.venv/installed: .venv/runtime requirements-dev.lock
	$(PIP_INSTALL) --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

sandbox: .venv/runtime ## start a service on https://127.0.0.1:8000
	$(BIN)/ccfpy sandbox

# npm is the machine's own, or else that of a wheel, in an environment of its own.
NPM := $(shell command -v npm || echo $(CURDIR)/.venv-node/bin/npm)
BANKING := apps/banking

apps: $(BANKING)/dist/app.json ## build the sample apps that are in TypeScript

$(BANKING)/dist/app.json: $(wildcard $(BANKING)/*.js* $(BANKING)/src/*.ts) | $(filter $(CURDIR)/%,$(NPM))
	cd $(BANKING) && PATH=$(dir $(NPM)):$$PATH && npm ci --silent --no-audit --no-fund && npm run --silent build

# The page of `ccfpy console`, within the package.
PAGE := ccfpy/console/static/index.html

console: $(PAGE) ## build the page of the console

$(PAGE): $(wildcard console/*.js* console/src/*) | $(filter $(CURDIR)/%,$(NPM))
	cd console && PATH=$(dir $(NPM)):$$PATH && npm ci --ignore-scripts --silent --no-audit --no-fund && npm run --silent build

# The client in TypeScript, and what it is made and tested with.
CLIENT := clients/typescript

typescript: $(CLIENT)/node_modules/installed ## install what the client in TypeScript needs

$(CLIENT)/node_modules/installed: $(CLIENT)/package-lock.json | $(filter $(CURDIR)/%,$(NPM))
	cd $(CLIENT) && PATH=$(dir $(NPM)):$$PATH && npm ci --silent --no-audit --no-fund
	@touch $@

$(CURDIR)/.venv-node/bin/npm: tests/apps/node.lock
	@test -x .venv-node/bin/python || $(PYTHON) -m venv .venv-node
	.venv-node/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@

lint: .venv ## check format, style, layers and types
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/lint-imports
	$(BIN)/mypy $(SOURCES)

# What one runs again and again, in minutes on two processors. SINCE=main, or another
# commit, leaves out tests that nothing changed since then can break.
quick: .venv ## check what is quickly checked; SINCE=main for what changed
	@$(MAKE) --no-print-directory --jobs 2 lint quick-tests

quick-tests: .venv ## run the quick tests of all, or of what changed with SINCE=main
	tests="$(if $(SINCE),$$($(BIN)/python -m tests.house.since $(SINCE)),$(QUICK_TESTS))" && \
		$(BIN)/python -m pytest --quiet -m "not slow" --numprocesses 2 --dist loadfile --max-worker-restart 0 tests/house $$tests

# Those that start processes mostly wait, so AT_ONCE=2 runs the others beside them, which
# give way. Those that measure how fast such a process is come last of the first kind: no
# process that is as urgent as theirs runs beside them.
AT_ONCE ?= 1

test: lint interop apps console typescript .venv-kubernetes/installed ## check and test everything
	@$(MAKE) --no-print-directory $(if $(filter-out 1,$(AT_ONCE)),--jobs $(AT_ONCE) --output-sync=target) test-units test-alone

test-units: .venv ## run the tests that start no process of a node, two at a time
	nice -n 15 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --max-worker-restart 0 $(TESTS)

test-processes: .venv interop apps console typescript .venv-kubernetes/installed ## run the tests that start processes, two at a time
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --max-worker-restart 0 -m "not alone" $(WITH_PROCESSES)

test-alone: test-processes ## run the tests that start processes, and last those that measure them
	$(BIN)/python -m pytest -m alone $(WITH_PROCESSES)

# What a release publishes. PYTHONS names the Pythons to compile for, if not each version
# that is here; PROCESSORS=x86_64 compiles for one processor only.
wheels: .venv-release/installed console ## make the files of a release, into dist
	deploy/wheel/build $(PYTHONS)

test-wheels: .venv-release/installed console ## install each wheel of dist that runs here, and use it
	.venv-release/bin/twine check --strict dist/*.whl dist/*.tar.gz
	deploy/wheel/check

.venv-release/installed: deploy/wheel/tools.lock
	@test -x .venv-release/bin/python || $(PYTHON) -m venv .venv-release
	.venv-release/bin/python $(INSTALL) --no-deps --require-hashes -r $<
	@touch $@

# A wheel for this machine, with its hot modules compiled, and the tests that run in one
# process with what is in it instead of the checkout's sources. COMPILER may be another
# environment of ours, on another Python; each has a folder of its own.
COMPILER ?= $(BIN)
COMPILED ?= build/compiled

$(COMPILED)/installed: $(shell find ccfpy -name '*.py' -o -name '*.wasm') pyproject.toml deploy/wheel/compiled.py | .venv
	rm -rf $(COMPILED)
	HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 $(COMPILER)/python -m hatchling build -t wheel -d $(COMPILED)/wheel
	$(COMPILER)/python $(INSTALL) --no-deps --no-index --target $(COMPILED)/site $(COMPILED)/wheel/*.whl
	touch $@

compiled: $(COMPILED)/installed ## make a wheel with the hot modules compiled

# The same as docs/compiled.md says it for those without the Makefile: pip gathers what the
# build asks for in an environment of its own. Two distributions are made of that wheel.
wheel: .venv console ## make the wheels of ccfpy-client and ccfpy in isolation, compiled, into dist
	rm -rf build/wheel
	HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 $(BIN)/python -m pip wheel --no-deps --wheel-dir build/wheel .
	$(BIN)/python deploy/wheel/split.py build/wheel/*.whl dist

# With the wheel that `make wheel` made of the same sources; downloads all it installs.
newcomer: .venv ## do what the tutorial says, from an empty folder, and print how long it takes
	$(BIN)/python -m tests.newcomer

# Mistakes are put into consensus by changing Python's functions: not into what is compiled.
# Here are two folders of samples, of which one test would have the other. What mypyc
# makes of an `await` throws as Python 3.12 and newer would have it said otherwise. QUICK=1
# leaves out slow tests, but those marked newest, and tries few examples.
COMPILED_TESTS ?= $(wildcard $(addprefix tests/,unit vectors scenarios fuzz))
COMPILED_AT_ONCE ?= 2
test-compiled: $(COMPILED)/installed ## run the tests in one process with that wheel; QUICK=1 for the quick ones
	PYTHONPATH=$(CURDIR)/$(COMPILED)/site:$(CURDIR) $(COMPILER)/python -P -m pytest --quiet \
		--override-ini pythonpath= --ignore tests/unit/lab/cluster --ignore tests/scenarios/test_mutants.py \
		--deselect tests/unit/testing/apps/test_loading.py::test_a_python_app_is_itself_its_path_or_a_samples_name \
		-W "ignore:the (type, exc, tb) signature of throw:DeprecationWarning" $(if $(QUICK),-m "not slow or newest") \
		--numprocesses $(COMPILED_AT_ONCE) --dist loadfile --max-worker-restart 0 $(COMPILED_TESTS)

format: .venv ## rewrite the sources in the house format
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

# A report, not a gate: what no test reaches is a question to ask of the code.
coverage: .venv apps ## show what the tests do not reach in the packages without I/O
	$(BIN)/coverage run -m pytest --quiet $(wildcard $(addprefix tests/,unit vectors governance apps scenarios))
	$(BIN)/coverage report

# Fresh seeds every time, unless SEED says where to begin; a failure leaves the story of
# it. Five ninths of the time go to consensus alone, the rest to whole nodes.
SECONDS ?= 180
SEED ?= $(shell date +%s)

simulate: .venv ## look for a schedule that breaks consensus or nodes, for SECONDS of a processor
	$(BIN)/python -m tests.lab.cluster --seed $(SEED)00 --seconds $$(($(SECONDS) * 5 / 9))
	$(BIN)/python -m tests.lab.cluster --nodes --seed $(SEED) --seconds $$(($(SECONDS) * 4 / 9))

# The page's own functions are asked, too: after `make console`.
fuzz-review: .venv ## look for SECONDS for what members would be shown as something else
	$(BIN)/python -m tests.fuzz.review --seed $(SEED) --seconds $(SECONDS)

mutants: .venv ## look for what finds each mistake put into consensus, nodes and hosts
	$(BIN)/python -m tests.lab.cluster.mutants

# Some by path: FILES=tests/scenarios/consensus/a_service_begins.txt.
FILES ?= $(wildcard tests/scenarios/consensus/*.txt)
scenarios: .venv ## run stories about consensus; FILES='…' for some
	$(BIN)/python -m tests.lab.scenario $(FILES)

# Some by name: FAULTS=kill,stop; the same ones again: SEED=7; of etcd's keys: SERVICE=etcd.
faults: .venv ## break a service of real nodes for SECONDS, and check what its clients saw
	$(BIN)/python -m tests.lab.faults --seconds $(SECONDS) --seed $(SEED) $(if $(FAULTS),--faults $(FAULTS)) $(if $(SERVICE),--service $(SERVICE))

# Some by name or family: ATTACKS='chains joining'.
attacks: .venv ## attack a service of real nodes, and judge what that costs; QUICK=1 in two minutes
	$(BIN)/python -m tests.lab.attacks $(if $(QUICK),--quick) $(ATTACKS)

reference: .venv ## write the pages of docs/reference that are made of the code
	$(BIN)/python -m tests.house.reference
	$(BIN)/python -m tests.house.console_answers

# REPOSITORY=https://… is where links lead that leave the documentation, at the commit REF.
REPOSITORY ?=
REF ?= main
site: .venv-docs/installed ## make the site of the documentation: build/site/public/index.html
	.venv-docs/bin/python -m deploy.site.build --repository '$(REPOSITORY)' --ref '$(REF)'

.venv-docs/installed: deploy/site/build.lock
	@test -x .venv-docs/bin/python || $(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@

bench: .venv .venv-peers/installed ## measure speed and write docs/benchmarks.md; QUICK=1 in minutes
	$(BIN)/python -m benchmarks --keep $(if $(QUICK),--quick)

# The same questions, asked of the compiled modules.
bench-compiled: $(COMPILED)/installed .venv-peers/installed ## measure the same with the hot modules compiled
	PYTHONSAFEPATH=1 PYTHONPATH=$(CURDIR)/$(COMPILED)/site $(BIN)/python -m benchmarks --keep $(if $(QUICK),--quick)

# A peer that benchmarks/peers.py asks; others come from Debian: etcd-server nghttp2-client.
.venv-peers/installed: benchmarks/servers/peers.lock
	@test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@

# Flame graphs and tables in build/profile, from samples of running nodes: needs root, or
# a user who may look into its own processes.
profile: .venv ## sample nodes under load; SUBJECTS='write-100 read' for some
	$(BIN)/python -m benchmarks.profiling $(SUBJECTS)

# CCF's own tools, both lines, each in an environment of its own: they read what we
# write, and their dependencies are not ours.
interop: .venv-ccf6/installed .venv-maa/installed .venv-acl1/installed .venv-acl2/installed .venv-documents/installed .venv-etcd/installed .venv-etcd3/installed .venv-fastapi/installed .venv-client/installed $(if $(NEWER_PYTHON),.venv-ccf7/installed .venv-scitt/installed) ## make the environments of other people's tools that tests use

# Azure's client of its attestation service, which must take our stand-in for it, and
# another reader of quotes.
.venv-maa/installed: tests/interop/maa.lock
	@test -x .venv-maa/bin/python || $(PYTHON) -m venv .venv-maa
	.venv-maa/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@

# Clients of SCITT transparency services, which must take ours.
.venv-scitt/installed: tests/interop/scitt.lock
	@test -x .venv-scitt/bin/python || $(NEWER_PYTHON) -m venv .venv-scitt
	.venv-scitt/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@

# Azure's client of its confidential ledger, released and in preview, which must take ours.
.venv-acl%/installed: tests/interop/acl-%.lock
	@test -x .venv-acl$*/bin/python || $(PYTHON) -m venv .venv-acl$*
	.venv-acl$*/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@

# Python clients of etcd, which must take the sample app for it. The oldest needs older
# libraries than the other clients.
.venv-etcd/installed .venv-etcd3/installed: .venv-%/installed: tests/interop/%.lock
	@test -x .venv-$*/bin/python || $(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@

# What ccfpy-client needs, and nothing that only nodes need.
.venv-client/installed: requirements-client.lock
	@test -x .venv-client/bin/python || $(PYTHON) -m venv .venv-client
	.venv-client/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@

# FastAPI, in which a how-to shows an app beside ours.
.venv-fastapi/installed: tests/interop/fastapi.lock
	@test -x .venv-fastapi/bin/python || $(PYTHON) -m venv .venv-fastapi
	.venv-fastapi/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@

# What judges whether nodes answer as their OpenAPI documents say, and what makes clients
# of the documents.
.venv-documents/installed: tests/interop/documents.lock
	@test -x .venv-documents/bin/python || $(PYTHON) -m venv .venv-documents
	.venv-documents/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@

# The same questions as among the tests, for SECONDS for each document and caller, and
# with fresh seeds unless SEED says where to begin.
documents: .venv .venv-documents/installed ## ask for SECONDS whether nodes answer as their documents say
	SCHEMATHESIS_SECONDS=$(SECONDS) SCHEMATHESIS_EXAMPLES=200 SCHEMATHESIS_SEED=$(SEED) \
		$(BIN)/python -m pytest tests/interop/test_documents.py

.venv-ccf6/installed: tests/interop/ccf-6.lock
	@test -x .venv-ccf6/bin/python || $(PYTHON) -m venv .venv-ccf6
	.venv-ccf6/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@

.venv-ccf7/installed: tests/interop/ccf-7.lock
	@test -x .venv-ccf7/bin/python || $(NEWER_PYTHON) -m venv .venv-ccf7
	.venv-ccf7/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@

# What judges the code host's files: their form, and what an attacker could do with them.
WORKFLOWS := $(wildcard .github/workflows/*.yml)
workflows: .venv-workflows/installed ## check the files that the code host runs and shows
	.venv-workflows/bin/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS)
	.venv-workflows/bin/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	.venv-workflows/bin/check-jsonschema --builtin-schema vendor.github-issue-forms \
		$(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	.venv-workflows/bin/zizmor --offline --quiet --persona auditor --min-severity medium .github/workflows

.venv-workflows/installed: tests/house/workflows.lock
	@test -x .venv-workflows/bin/python || $(PYTHON) -m venv .venv-workflows
	.venv-workflows/bin/python $(INSTALL) --no-deps --require-hashes -r $<
	@touch $@

# The image of a node, made twice of Debian's packages and locked wheels: needs root, or
# a user who may make user namespaces, and mmdebstrap, buildah and podman. VARIANT=inference
# makes the image with inference instead, twice on one base.
VARIANT ?=
image-check: .venv .venv-kubernetes/installed ## make the image of a node twice, and compare the bytes
	$(BIN)/python -m tests.deploy.image_check $(VARIANT)

# What judges Kubernetes' manifests; its dependencies are not ours.
.venv-kubernetes/installed: tests/deploy/kubernetes.lock
	@test -x .venv-kubernetes/bin/python || $(PYTHON) -m venv .venv-kubernetes
	.venv-kubernetes/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@

COMPILE = .venv-lock/bin/python -m piptools compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options --no-header

# JavaScript's engine from its sources; the compiler comes from PyPI, by its hash.
engine: .venv-engine/installed ## compile JavaScript's engine from its sources
	.venv-engine/bin/python -m tests.house.engine write

engine-check: .venv-engine/installed ## compile the engine and compare it with the one kept here
	.venv-engine/bin/python -m tests.house.engine check

.venv-engine/installed: tests/house/engine.lock
	@test -x .venv-engine/bin/python || $(PYTHON) -m venv .venv-engine
	.venv-engine/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@

lock: ## resolve the dependencies again
	@test -x .venv-lock/bin/python || $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python $(INSTALL) 'pip-tools==7.6.2'
	$(COMPILE) --output-file requirements.lock pyproject.toml
	@mkdir -p build && .venv-lock/bin/python deploy/wheel/split.py --requires >build/client.in
	$(COMPILE) --no-annotate --constraint requirements.lock --output-file requirements-client.lock build/client.in
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	$(COMPILE) --extra inference --constraint requirements-dev.lock --output-file requirements-inference.lock pyproject.toml
	$(COMPILE) --no-annotate --constraint requirements-dev.lock --output-file deploy/image/build.lock deploy/image/build.in
	$(COMPILE) --no-annotate --output-file deploy/site/build.lock deploy/site/build.in
	$(COMPILE) --no-annotate --constraint requirements-dev.lock --output-file deploy/wheel/build.lock deploy/wheel/build.in
	$(COMPILE) --no-annotate --output-file deploy/wheel/tools.lock deploy/wheel/tools.in

clean: ## remove what make made
	rm -rf .venv .venv-* build dist workspace $(BANKING)/dist $(BANKING)/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find $(SOURCES) -name __pycache__ -prune -exec rm -rf {} +
