# Needs Python 3.11 or newer and nothing else; everything goes into .venv.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PORT ?= 8700
KILLS ?= 200
SEEDS ?= 500
UV := uv==0.13.9
PIP := .venv/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo venv test check crash simulate model bench pictures requirements prove \
	security-docs sbom dast proxy

help:
	@echo "make demo       start everything on this machine and print where to click (PORT=, RESET=1)"
	@echo "make test       all tests, the browser's last"
	@echo "make check      format, lint, types, import rings, templates, migrations, scanners"
	@echo "make crash      kill the worker KILLS= times while money moves, then compare to the cent"
	@echo "make simulate   SEEDS= random histories against the twin"
	@echo "make model      check the model of the flow"
	@echo "make pictures   take docs/screens"
	@echo "make security-docs  write docs/SECURITY.md and docs/FIELDS.md from the marks of the tests"
	@echo "make sbom       write what the product is made of to build/sbom.json"
	@echo "make dast       wapiti and sqlmap against the demo"
	@echo "make proxy      nginx with the sample of docs/DEPLOY.md: slow clients, TLS"
	@echo "make prove      every kill of the crash matrix, every order of webhooks, mutants, restores"
	@echo "make requirements   write docs/REQUIREMENTS.md from the marks of the tests"
	@echo "make bench      measure pages against the bare minimum (QUICK=1: under a minute)"

demo: .venv/.installed
	@.venv/bin/amends demo --port $(PORT) $(if $(RESET),--reset)

venv: .venv/.installed-dev

test: .venv/.installed-dev
	@.ci/chromium
	@# Playwright's loop and the other tests' cannot share a process. The long proofs: make prove.
	@.venv/bin/python -m pytest -m "not browser and not slow" -n 2 --dist loadfile; rest=$$?; \
	.venv/bin/python -m pytest -m "browser and not slow"; browser=$$?; \
	[ $$rest -eq 0 ] && [ $$browser -eq 0 ]

check: .venv/.installed-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/djlint --lint --quiet templates sandbox
	PYTHONPATH=. .venv/bin/python .ci/migrations.py
	.venv/bin/python -m amends.rights | diff - docs/RIGHTS.md
	.venv/bin/python -m tests.security.tools
	.venv/bin/python -m tests.requirements --check

crash: .venv/.installed-dev
	.venv/bin/python -m tests.crash --kills $(KILLS) --minutes $(or $(MINUTES),60)

simulate: .venv/.installed-dev
	.venv/bin/python -m tests.simulate --seeds $(SEEDS)

model: .venv/.installed-dev
	bash model/check.sh

prove: .venv/.installed-dev
	.venv/bin/python -m tests.prove

requirements: .venv/.installed-dev
	.venv/bin/python -m tests.requirements

security-docs: .venv/.installed-dev
	.venv/bin/python -m tests.security

sbom: .venv/.installed-dev
	.venv/bin/python -m tests.security.tools --sbom

dast: .venv/.installed-dev
	.venv/bin/python -m tests.security.dast

proxy: .venv/.installed-dev
	.venv/bin/python -m tests.security.proxy

pictures: .venv/.installed-dev
	.venv/bin/python -m tests.browser.pictures

bench: .venv/.installed-dev
	.venv/bin/python -m bench $(if $(QUICK),--quick)

# A stamp per set of packages: installed once, and again when pyproject.toml changes.
.venv/.installed: pyproject.toml
	$(call install,.)
	@touch $@

.venv/.installed-dev: pyproject.toml
	$(call install,.[dev])
	@touch .venv/.installed $@

# uv takes seconds where pip takes a minute; without it pip does the same. Compiled, because
# PYTHONDONTWRITEBYTECODE would otherwise make every process compile every library again.
define install
	@test -n "$(PYTHON)" || { echo "Amends needs Python 3.11 or newer. Install it first."; exit 1; }
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "Python cannot make a virtual environment. On Debian: apt-get install python3-venv"; \
		exit 1; }
	@echo "Installing Amends into .venv"
	@$(PIP) $(UV) && .venv/bin/uv pip install --quiet --python .venv/bin/python \
		--compile-bytecode -e '$(1)' || $(PIP) -e '$(1)'
endef
