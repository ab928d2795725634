# Everything is installed into .venv from requirements.lock and written under VOL_ASSETS_DATA.
#   make demo                                the main job on the embedded sample market
#   VOL_ASSETS_DATA=/big/disk make demo      the same, elsewhere

SHELL := bash
.DEFAULT_GOAL := help
PYTHON ?= python3.11

ifneq ($(words $(or $(VOL_ASSETS_DATA),data)),1)
$(error VOL_ASSETS_DATA is "$(VOL_ASSETS_DATA)"; choose a folder without a space in its name)
endif
override VOL_ASSETS_DATA := $(abspath $(or $(VOL_ASSETS_DATA),data))
export VOL_ASSETS_DATA
export DAGSTER_HOME := $(VOL_ASSETS_DATA)/dagster
ifdef VOL_ASSETS_FILES
export VOL_ASSETS_FILES := $(abspath $(VOL_ASSETS_FILES))
endif
# Dagster calls its own commands superseded at every use.
export PYTHONWARNINGS := ignore:Function

BIN := $(CURDIR)/.venv/bin
VOL_ASSETS := cd $(DAGSTER_HOME) && $(BIN)/python -m vol_assets
MLFLOW_URI = $(or $(MLFLOW_TRACKING_URI),sqlite:///$(VOL_ASSETS_DATA)/mlflow/mlflow.db)
# In the folders' order the long files come first, and no core is left with one of them at the end.
TESTS := cd $(CURDIR) && $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
SELECT ?= raw/market,curated/market,features/l1,features/har,features/implied

.PHONY: help setup demo live-demo test coverage dev materialize backfill report promote rollback mlflow lint accuracy evidence windows skill bench clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  make \1|/' | column -t -s '|'

setup: .venv/installed $(DAGSTER_HOME)/dagster.yaml  ## install into .venv, prepare the data folder

.venv/installed: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not here; install Python 3.11 or set PYTHON=..."; exit 1; }
	@test -x .venv/bin/python || { echo "making .venv"; $(PYTHON) -m venv .venv; }
	@echo "installing from requirements.lock (the first time takes minutes)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(DAGSTER_HOME)/dagster.yaml:
	@mkdir -p $(DAGSTER_HOME) || { echo "VOL_ASSETS_DATA=$(VOL_ASSETS_DATA) cannot be written; choose another"; exit 1; }
	@cp deploy/dagster.local.yaml $@

demo: setup  ## run the main job on five years of the sample market
	@$(VOL_ASSETS) demo

live-demo: setup  ## the live smile on a simulated gateway: poll, predict, score, and a picture
	@$(VOL_ASSETS) live-demo

test: setup  ## run every test
	@$(TESTS)

coverage: setup  ## run every test and list the lines that none runs; a third slower
	@$(TESTS) --cov=vol_assets --cov-report=term:skip-covered

dev: setup  ## the Dagster UI and daemon on http://127.0.0.1:3000
	@cd $(DAGSTER_HOME) && $(BIN)/dagster dev -w $(CURDIR)/workspace.yaml -h 127.0.0.1 -p $(or $(PORT),3000)

materialize: setup  ## SELECT=raw/market PARTITION=2024-03-15 (or 2024-03-01...2024-03-15)
	@$(VOL_ASSETS) materialize --select '$(SELECT)' $(if $(PARTITION),--partition '$(PARTITION)')

backfill: setup  ## FROM=2014-01-02 TO=2023-12-29 SELECT=... : a range in one run, its history first
	@test -n "$(FROM)" -a -n "$(TO)" || { echo "say FROM=YYYY-MM-DD TO=YYYY-MM-DD"; exit 2; }
	@$(VOL_ASSETS) backfill --from '$(FROM)' --to '$(TO)' --select '$(SELECT)'

report: setup  ## DATE=2024-03-15 : the gold report of a session as PDF and JSON, and what it needs first
	@test -n "$(DATE)" || { echo "say DATE=YYYY-MM-DD"; exit 2; }
	@$(VOL_ASSETS) report --date '$(DATE)'

promote: setup  ## VERSION=3 REASON="why" (MODEL=spy_smile_live_gru): make a version of spy_rv_5d, or MODEL, the champion
	@test -n '$(VERSION)' -a -n "$$REASON" || { echo 'say VERSION=3 REASON="why"'; exit 2; }
	@$(VOL_ASSETS) promote --version '$(VERSION)' --reason "$$REASON" $(if $(MODEL),--model '$(MODEL)')

rollback: setup  ## REASON="why" (MODEL=spy_smile_live): give the crown back to the champion before this one
	@test -n "$$REASON" || { echo 'say REASON="why"'; exit 2; }
	@$(VOL_ASSETS) rollback --reason "$$REASON" $(if $(MODEL),--model '$(MODEL)')

mlflow: setup  ## the MLflow UI on http://127.0.0.1:5000
	@mkdir -p $(VOL_ASSETS_DATA)/mlflow
	@cd $(VOL_ASSETS_DATA)/mlflow && $(BIN)/mlflow server --backend-store-uri '$(MLFLOW_URI)' --host 127.0.0.1 --port 5000

lint: setup  ## ruff: style, imports, likely mistakes
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

accuracy: setup  ## hold the surfaces of simulated sessions against the truth: FROM= TO=
	@$(BIN)/python -m vol_assets_tests.accuracy $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO))

evidence: setup  ## hold every forecast model against the true variance of the sample market: FROM= TO= VARIANTS=1
	@$(BIN)/python -m vol_assets_tests.evidence $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO)) \
	  $(if $(OUT_OF_SAMPLE),--out-of-sample $(OUT_OF_SAMPLE)) $(if $(VARIANTS),--variants) $(if $(PICTURES),--pictures '$(abspath $(PICTURES))')

windows: setup  ## hold the gold report's price windows against what came: BARS=folder for GLD.csv and GVZ.csv of your own
	@$(BIN)/python -m vol_assets_tests.windows $(if $(BARS),--bars '$(abspath $(BARS))')

skill: setup  ## smile leaderboards on the sample market, and whether the gate promotes where nothing can be forecast: SESSIONS= DAILY= DRAWS=
	@$(BIN)/python -m vol_assets_tests.smile_evidence $(if $(SESSIONS),--sessions $(SESSIONS)) $(if $(DAILY),--daily $(DAILY)) \
	  $(if $(DRAWS),--draws $(DRAWS)) $(if $(PICTURES),--pictures '$(abspath $(PICTURES))')

bench: setup  ## measure: implied vols, surfaces, ten years through the command line, the walk-forward, bookkeeping, the live smile
	@$(BIN)/python -m vol_assets_tests.bench $(if $(ONLY),--only $(ONLY))

clean:  ## delete caches and the environment; the data stay
	@rm -rf .venv .pytest_cache .ruff_cache .hypothesis .coverage build *.egg-info
