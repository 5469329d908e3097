# Balcony: every task a person or CI runs. `make` alone lists them.
PYTHON ?= python3.11
SEED ?= 7
WORLD ?= base
SIZE ?= small
WORLDS ?= 20
JOBS ?= 1
KILLS ?= 200

venv := .venv
python := $(venv)/bin/python
lint_target := dbt_project/target/lint
lint_env := BALCONY_WAREHOUSE=:memory: DBT_TARGET_PATH=$(CURDIR)/$(lint_target) DBT_LOG_PATH=$(CURDIR)/$(lint_target)
sql := $(wildcard dbt_project/models dbt_project/tests dbt_project/analyses)

export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Without bytecode every start of dbt and Great Expectations compiles them again, 5 to 10 seconds each.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test lint format dev serve rollback doctor nights erase about plan simulate scorecard mutations spark bench faults kills lock clean

help: ## List the tasks
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

setup: $(venv)/installed ## Make .venv from requirements.lock, again only when that changed

run: setup ## Land what is new in BALCONY_EXPORTS, build and check every layer, publish the marts
	@$(python) -m orchestration.run $(if $(DAYS),--days $(DAYS))

test: setup ## Run the tests; those on real exports need BALCONY_SAMPLES
	@$(python) -m pytest

lint: setup ## Check style, types, SQL and dbt conventions
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint-code lint-sql

lint-code:
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	$(lint_env) $(venv)/bin/dbt --quiet parse --project-dir dbt_project --profiles-dir dbt_project
	$(venv)/bin/dbt-bouncer run --show-all-failures

lint-sql:
	@! grep -rnE --include='*.sql' '^.{101}' dbt_project/models || { echo "Lines of SQL end at 100 characters" >&2; exit 1; }
	$(lint_env:lint=lint_sql) $(python) -m sqlfluff lint --disable-progress-bar --processes 2 $(sql)

format: setup ## Put Python and SQL into the project's form
	$(python) -m ruff check --fix .
	$(python) -m ruff format .
	$(lint_env) $(python) -m sqlfluff fix $(sql)

dev: serve ## Open the Dagster UI on this machine, http://127.0.0.1:3000; the same as make serve

serve: setup ## Run every night and whenever files are exported, with the UI at http://127.0.0.1:3000, until Ctrl-C
	@$(python) -m orchestration.serve

rollback: setup ## Let readers see an earlier publication again: TO=id, without it the one before
	@$(python) -m orchestration.rollback $(TO)

doctor: setup ## Look for common troubles and say what to do about each; changes nothing
	@$(python) -m orchestration.doctor

nights: setup ## Let a simulated world grow through seven nights under the daemon, and compare with one run over all; takes minutes
	@$(python) -m tests.faults.nights

erase: setup ## Erase one person everywhere: PERSON=file with an address or handle, - to type it in. YES=1 asks nothing
	@test -n "$(PERSON)" || { echo "Say whom, never on the command line: make erase PERSON=-" >&2; exit 1; }
	@$(python) -m orchestration.people erase $(PERSON) $(if $(YES),--yes)

about: setup ## Write all that is known of one person to a folder of your own: PERSON=file or -
	@test -n "$(PERSON)" || { echo "Say whom, never on the command line: make about PERSON=-" >&2; exit 1; }
	@$(python) -m orchestration.people about $(PERSON)

plan: setup ## Plan a posting experiment, drawn by lot: NAME=spring START=2027-01-04 EFFECT=0.2
	@$(python) -m orchestration.planner $(NAME) --start $(START) --effect $(or $(EFFECT),0.2)

simulate: setup ## Write the exports of a simulated world and, apart from them, its truth: OUT=dir SEED=7 WORLD=base SIZE=small
	@test -n "$(OUT)" || { echo "Say where to: make simulate OUT=some/folder" >&2; exit 1; }
	@$(python) -m orchestration.simulation.simulate $(OUT) --seed $(SEED) --world $(WORLD) --size $(SIZE)

scorecard: setup ## Judge every published estimate on simulated worlds whose truth is known: WORLDS=20 REGIME=base
	@$(python) -m orchestration.scorecard --worlds $(WORLDS) $(if $(REGIME),--regime $(REGIME))

mutations: setup ## Land damaged exports and hold each against an independent count; takes minutes: FILES=10000 SEED=7
	@BALCONY_SETTLE_SECONDS=0 $(python) -m tests.faults.mutations --files $(or $(FILES),10000) --seed $(SEED)

spark: $(venv)/installed-spark ## Build the models on what has landed with DuckDB and with Spark, and compare every mart; needs Java 17
	@$(python) -m orchestration.spark

bench: setup ## Measure landing and attribution against plain scripts, into docs/benchmarks.md; takes minutes
	@$(python) -m pytest tests/benchmarks -s -n 0

faults: setup ## Inject every fault of the matrix and write docs/faults.md: ONLY=9,16b SEED=7 JOBS=1; takes 20 minutes
	@$(python) -m tests.faults --seed $(SEED) --jobs $(JOBS) $(if $(ONLY),--only $(ONLY))

kills: setup ## Kill runs at random moments and compare what their successors publish: KILLS=200 SEED=7; takes an hour
	@$(python) -m tests.faults.kills --kills $(KILLS) --seed $(SEED)

lock: ## Compile requirements.lock from pyproject.toml; needs uv. UPGRADE=--upgrade raises every version
	uv pip compile pyproject.toml --extra dev --python-version 3.11 --no-strip-extras --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --quiet $(UPGRADE) --output-file requirements.lock
	uv pip compile pyproject.toml --extra dev --extra spark --constraint requirements.lock --python-version 3.11 \
		--no-strip-extras --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet \
		--output-file requirements-spark.lock

$(venv)/installed-spark: requirements-spark.lock $(venv)/installed
	@echo "Installing Spark into $(venv), about a minute and 900 MB ..."
	@$(python) -m pip install -qq --require-hashes --no-compile -r requirements-spark.lock
	@touch $@

clean: ## Remove .venv and what the tools left; BALCONY_HOME, the data, stays
	rm -rf $(venv) dbt_project/target dbt_project/logs logs .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find orchestration expectations tests -type d -name __pycache__ -prune -exec rm -rf {} +

$(venv)/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "Balcony needs Python 3.11; name it with make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Installing into $(venv), one to three minutes ..."
	@$(PYTHON) -m venv --clear $(venv)
	@sed -n '/^pip==/,/[^\\]$$/p' requirements.lock > $(venv)/pip.lock
	@$(python) -m pip install -qq --no-deps --require-hashes -r $(venv)/pip.lock
	@$(python) -m pip install -qq --no-deps --require-hashes --no-compile -r requirements.lock
	@$(python) -m compileall -qq -j 0 -x '/tests?/' $(venv)/lib || true
	@touch $@
