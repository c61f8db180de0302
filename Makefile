# Everything here needs Python 3.11 or later, pip and make; scripts/workspace.py brings the rest from PyPI.
#
#   PYTHON=...                   the interpreter (default: python3.14t, else the best that is there)
#   UV_PROJECT_ENVIRONMENT=...   the folder of the environment (default: .venv)

# The script itself runs on any Python from 3.11 on; the first that answers is taken.
BOOTSTRAP := $(shell for p in python3 python3.14t python3.14 python3.13 python3.12 python3.11 python $(PYTHON); do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
WORKSPACE = $(if $(BOOTSTRAP),$(BOOTSTRAP),$(error No Python from 3.11 on is on PATH)) scripts/workspace.py
RUN = @$(WORKSPACE) run
# These need the standard library alone.
SCRIPT = @$(if $(BOOTSTRAP),$(BOOTSTRAP),$(error No Python from 3.11 on is on PATH)) -m scripts.

# Where it is set, as images for containers do, every process that a test starts compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

# Neighbouring tests share a server: each process takes a stretch of them, and when it is done a part of another's.
TESTS = pytest -n auto --dist worksteal

HOST ?= 127.0.0.1
PORT ?= 8000

.DEFAULT_GOAL := help
.PHONY: help serve test check format lint types types-newest bench bench-packages docs docs-serve pictures sync \
	changelog release-check dist package-check sbom audit

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 26

serve: sync ## Serve examples/hello.py on 127.0.0.1:8000
	@echo "Try it:  curl -i http://$(HOST):$(PORT)/   (Ctrl-C stops the server)"
	$(RUN) pounce examples.hello:app --host $(HOST) --port $(PORT)

check: lint types ## The quick loop, below a minute: lint, types, tests that start no server, process or thread
	$(RUN) $(TESTS) --quick packages

test: lint types types-newest ## Everything: lint, types, import directions, unit and end-to-end tests
	$(RUN) $(TESTS) packages tests

format: sync ## Format the code and mend what ruff can mend
	$(RUN) ruff check --fix-only --quiet .
	$(RUN) ruff format .

lint: sync
	$(RUN) ruff format --check .
	$(RUN) ruff check .

# Each folder of tests by itself: files of the same name in two of them would be the same module to mypy.
# A test may well ask for what the types say cannot be, so there that is no error.
types: sync
	$(RUN) mypy
	@for folder in $(sort $(dir $(wildcard packages/*/tests/*.py tests/*.py))); do \
		$(WORKSPACE) run mypy --no-error-summary --no-warn-unreachable $$folder || exit 1; done

# What is for older Pythons alone is unreachable there.
types-newest: sync
	$(RUN) mypy --python-version 3.14 --no-warn-unreachable

bench: sync ## Compare with other servers, about an hour; options: make bench BENCH="--rounds 1 ..."
	$(RUN) python -m benchmarks.compare $(BENCH)

bench-packages: sync ## Measure each package by itself; options: make bench-packages BENCH="--check ..."
	$(RUN) python -m benchmarks.packages $(BENCH)

changelog: sync ## Write a release into CHANGELOG.md: make changelog PACKAGE=pounce-h2 [DRAFT=1]
	$(RUN) python -m scripts.changelog $(PACKAGE) $(if $(DRAFT),--draft)

release-check: ## See that versions fit together; before a tag is pushed: make release-check TAG=pounce-h2-v0.1.0
	$(SCRIPT)release_check $(TAG)

dist: ## Build all wheels and sdists into dist/, twice, and compare them
	$(SCRIPT)dist --twice

package-check: dist ## Test every package alone, from its wheel, with the lowest versions it allows
	$(SCRIPT)package_check $(shell $(WORKSPACE) interpreter) dist

audit: sync ## Ask PyPI whether what the packages bring along has known weaknesses
	$(SCRIPT)audit

sbom: sync ## Write into sbom/ what each package brings along, as CycloneDX
	$(RUN) python -m scripts.sbom

# Beside the tools of the tests, in an environment of its own: nothing of it is needed to run or test the server.
SITE = @NO_MKDOCS_2_WARNING=1 UV_PROJECT_ENVIRONMENT=.venv-docs $(WORKSPACE) uv run --quiet --only-group docs mkdocs

docs: ## Build the documentation into site/, with every link checked
	$(SITE) build --strict

docs-serve: ## Show the documentation on 127.0.0.1:8001, and again after each change
	$(SITE) serve --dev-addr $(HOST):8001

pictures: sync ## Draw the pictures of the documentation and its tables of figures again
	$(RUN) python -m scripts.draw_stages
	$(RUN) python -m scripts.bench_figures
	$(RUN) python -m scripts.draw_pictures

sync:
	@$(WORKSPACE) sync
