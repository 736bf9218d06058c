# make demo    the portal with demo data at http://localhost:8000 (PORT=8010 make demo for another port)
# make test    the whole suite: on SQLite, then what touches database or broker on real servers
# make lint    format, lint, import contracts, types, missing migrations
# make lock    the newest versions that pyproject.toml allows, into requirements.lock
# make bench   the table of tests/bench/README.md

# Some machines forbid Python to keep what it compiled; every command would then take three times as long.
unexport PYTHONDONTWRITEBYTECODE

UV := $(shell uv --version > /dev/null 2>&1 && command -v uv || echo .venv/uv/bin/uv)
PY := .venv/bin/python
# Files side by side, each process with a database of its own: as many as there are processors, four at most.
# In the order of tests/servers.py: the dear ones first.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: demo test lint format lock bench

demo: .venv/ready
	@$(PY) manage.py demo

test: .venv/ready
	$(PY) -m pytest $(SIDE_BY_SIDE)
	PORTAL_TEST_SERVICES=1 $(PY) -m pytest $(SIDE_BY_SIDE) -m "services and not alone"
	PORTAL_TEST_SERVICES=1 $(PY) -m pytest -m alone

lint: .venv/ready
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/lint-imports --no-logo
	.venv/bin/mypy
	$(PY) manage.py makemigrations --check --dry-run

format: .venv/ready
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

bench: .venv/ready
	PORTAL_TEST_SERVICES=1 $(PY) -m tests.bench

lock: | $(UV)
	$(UV) pip compile --quiet --universal --generate-hashes --no-header --group dev --upgrade \
	  pyproject.toml -o requirements.lock

# The version of .python-version, fetched if need be; else any that will do; else one sentence.
.venv/ready: requirements.lock .python-version | $(UV)
	@echo "Making the environment (once, about a minute) ..."
	@$(UV) venv --quiet --allow-existing .venv 2> /dev/null \
	  || $(UV) venv --quiet --allow-existing --no-python-downloads --python ">=3.12" .venv 2> /dev/null \
	  || { echo "Cairn needs Python 3.12 or newer: install Python 3.13, then run make again." >&2; exit 1; }
	@$(UV) pip sync --quiet --python .venv requirements.lock
	@touch $@

.venv/uv/bin/uv:
	@command -v python3 > /dev/null 2>&1 \
	  || { echo "Cairn needs Python: install Python 3.13, then run make again." >&2; exit 1; }
	@python3 -c "import ensurepip, venv" 2> /dev/null \
	  || { echo "Python lacks its venv module: install it (apt-get install python3-venv), then run make again." >&2; exit 1; }
	@python3 -m venv .venv/uv
	@.venv/uv/bin/python -m pip install --quiet --disable-pip-version-check uv
