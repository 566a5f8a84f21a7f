# `make test` is what CI runs. The other targets are its parts, for work on
# the project; the last three groups of tests want root and a Docker Engine.

PYTEST = .venv/bin/python -m pytest -q
# Ruff does not know them by their names.
BENCHES = bench/startup bench/deploy bench/services bench/storage \
	bench/hotswap bench/backup bench/restore

.PHONY: test environment lint format types layers lock bench \
	unit integration startup e2e crash

test:
	./.ci/run

environment:
	@./.ci/environment

lint: environment
	.venv/bin/ruff check . $(BENCHES)
	.venv/bin/ruff format --check . $(BENCHES)

format: environment
	.venv/bin/ruff check --fix . $(BENCHES)
	.venv/bin/ruff format . $(BENCHES)

types: environment
	.venv/bin/mypy

layers: environment
	.venv/bin/lint-imports

unit integration startup e2e crash: environment
	$(PYTEST) tests/$@

bench: environment
	.venv/bin/python bench/startup
	.venv/bin/python bench/deploy
	.venv/bin/python bench/services --scale
	.venv/bin/python bench/storage
	.venv/bin/python bench/hotswap
	.venv/bin/python bench/backup
	.venv/bin/python bench/backup --writer
	.venv/bin/python bench/restore

# Needs uv. --upgrade takes newer versions than those already pinned.
lock:
	uv pip compile -q --universal --python-version 3.11 --no-header \
		--no-annotate pyproject.toml -o requirements.lock $(UPGRADE)
	uv pip compile -q --universal --python-version 3.11 --no-header \
		--no-annotate --group dev -c requirements.lock \
		pyproject.toml -o requirements-dev.lock $(UPGRADE)
