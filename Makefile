# photos-sync: make help
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
DESTDIR ?=
OPT := $(DESTDIR)/opt/photos-sync
ETC := $(DESTDIR)/etc/photos-sync
PARTS := photosync pyproject.toml setup.cfg README.md LICENSE
PIP = $(BIN)/pip install --quiet --disable-pip-version-check
PIP_INSTALL = $(OPT)/bin/pip install --quiet --disable-pip-version-check --upgrade --only-binary Pillow
NO_SIZES := Installed without sizes: there is no wheel of Pillow for this machine.
UNITS := $(DESTDIR)/etc/systemd/system
MINUTES ?= 10
SEED ?=

.PHONY: help demo run install uninstall test torture soak openapi slow bench bench-tools check

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

demo: .venv/installed ## run the service on the simulated NAS with its sample photos
	$(BIN)/photos-sync --demo $(ARGS)

run: .venv/installed ## run the service: make run ARGS="-U nas.local -u frame --password-file secret"
	$(BIN)/photos-sync $(ARGS)

install: ## install it for systemd, as root: sudo make install (again to upgrade)
	$(PYTHON) -m venv $(OPT)
	# From a copy: what root builds in here the user could not change any more, and what was built before would go along.
	copy=$$(mktemp -d) && trap 'rm -rf "$$copy"' EXIT && cp -r $(PARTS) "$$copy" && { \
	    $(PIP_INSTALL) "$$copy[images,json-logs]" || { \
	        $(PIP_INSTALL) "$$copy[json-logs]" && \
	        echo "$(NO_SIZES)"; }; }
	install -d $(ETC) $(UNITS)
	# The unit hands over what is in the files beside it, and commands by hand look where the service does.
	test -e $(ETC)/config.ini || { \
	    sed -e 's/^password-file =/#&/' -e 's|^#state-dir =.*|state-dir = /var/lib/photos-sync|' config.example.ini \
	        > $(ETC)/config.ini && chmod 644 $(ETC)/config.ini; }
	for name in password share-link share-password access-token; do \
	    test -e $(ETC)/$$name || install -m 600 /dev/null $(ETC)/$$name || exit 1; done
	install -m 644 systemd/photos-sync.service systemd/photos-sync.socket $(UNITS)/
	test ! -d /run/systemd/system || systemctl daemon-reload

uninstall: ## remove what install has made, but not what you have written into it
	test ! -d /run/systemd/system || systemctl disable --now photos-sync.socket photos-sync.service
	rm -f $(UNITS)/photos-sync.service $(UNITS)/photos-sync.socket
	rm -rf $(OPT)
	test ! -d /run/systemd/system || systemctl daemon-reload
	@echo "Left: $(ETC) and /var/lib/photos-sync (with /var/lib/private/photos-sync)."

test: .venv/installed-test ## run the tests, four at a time
	$(BIN)/pytest tests/ -n 4 --dist worksteal $(ARGS)

torture: .venv/installed-test ## make every call to the NAS fail in every way, and kill the service 200 times (10 minutes)
	$(BIN)/python tests/torture $(ARGS)

soak: .venv/installed-dev ## run the service for MINUTES=10 on a NAS that fails at random: SEED=n repeats it
	PYTHONPATH=tests $(BIN)/python -m soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(ARGS)

bench: .venv/installed ## measure it against nginx, Varnish, Flask and others (ten minutes; ARGS="start lag" for some)
	$(BIN)/python bench $(ARGS)

bench-tools: ## install what make bench measures against (Debian, and bench/.venv)
	$(if $(shell command -v sudo),sudo) apt-get install -y wrk nginx varnish
	$(PYTHON) -m venv bench/.venv
	bench/.venv/bin/pip install --quiet --disable-pip-version-check -r bench/requirements.txt

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
	$(PIP) --only-binary Pillow -e '.[images]' || { $(PIP) -e . && echo "$(NO_SIZES)"; }
	@touch $@

.venv/installed-test: setup.cfg pyproject.toml | .venv/bin/pip
	$(PIP) -e '.[test]'
	@touch $@ .venv/installed

.venv/installed-dev: setup.cfg pyproject.toml | .venv/bin/pip
	$(PIP) -e '.[dev]'
	@touch $@ .venv/installed .venv/installed-test
