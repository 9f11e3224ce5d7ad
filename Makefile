# photos-sync: make help
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
MINUTES ?= 10
SEED ?=

.PHONY: help demo run test torture soak openapi slow check

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

demo: .venv/installed ## run the service on the simulated NAS with its sample photos
	$(BIN)/photos-sync --demo $(ARGS)

run: .venv/installed ## run the service: make run ARGS="-U nas.local -u frame --password-file secret"
	$(BIN)/photos-sync $(ARGS)

test: .venv/installed-test ## run the tests, four at a time
	$(BIN)/pytest tests/ -n 4 --dist worksteal $(ARGS)

torture: .venv/installed-test ## make every call to the NAS fail in every way, and kill the service 200 times (10 minutes)
	$(BIN)/python tests/torture $(ARGS)

soak: .venv/installed-dev ## run the service for MINUTES=10 on a NAS that fails at random: SEED=n repeats it
	PYTHONPATH=tests $(BIN)/python -m soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(ARGS)

openapi: .venv/installed-dev ## ask the service whatever docs/openapi.yaml allows and forbids (schemathesis)
	PYTHONPATH=tests $(BIN)/python tests/openapi.py

slow: .venv/installed-test ## let four kinds of slow clients loose on the service (slowhttptest)
	PYTHONPATH=tests $(BIN)/python tests/slow.py

check: .venv/installed-dev ## run the linters and the type checker, also on workflows and compose.yaml
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/yamllint --strict .
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/actionlint
	$(BIN)/zizmor --offline --no-progress --quiet .

.venv/bin/pip:
	$(PYTHON) -m venv .venv

.venv/installed: setup.cfg pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/installed-test: setup.cfg pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@ .venv/installed

.venv/installed-dev: setup.cfg pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ .venv/installed .venv/installed-test
