# Two commands do all the set-up: `make demo` runs the main job on real data, `make test` passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo up test lint types imports unit fault contracts monitoring rabbitmq promtool bench k8s-check clean

demo: $(VENV)/.standalone
	$(BIN)/protea demo

up: $(VENV)/.standalone
	$(BIN)/protea up

test: lint types imports unit

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy libs services tests benchmarks

imports: $(VENV)/.dev
	$(BIN)/lint-imports

unit: $(VENV)/.dev rabbitmq promtool
	$(BIN)/pytest

# Kills, cuts, stalls and fills while the main job runs; FAULTS=60 for more, FAULT_SEED=n for the same plan again.
fault: $(VENV)/.dev rabbitmq
	$(BIN)/pytest tests/fault --capture=no

# Writes the committed event contracts anew; a test compares them.
contracts: $(VENV)/.dev
	$(BIN)/python -m protea_common.events.documents docs
	$(BIN)/python -m protea_common.messaging.asyncapi docs/asyncapi.yaml

# Writes the dashboards and the PrometheusRule anew; a test compares them.
monitoring: $(VENV)/.dev
	$(BIN)/python deploy/monitoring/generate.py

# The alerts are checked by Prometheus' own tool.
promtool:
	sh tests/support/ensure_promtool.sh

# The tests want a real broker: an address, an installed server, Docker, or apt where we may.
rabbitmq:
	sh tests/support/ensure_rabbitmq.sh

bench: $(VENV)/.standalone
	$(BIN)/python benchmarks/main_job.py

# Builds every overlay and checks the manifests, the compose file and the Dockerfiles; needs no cluster.
k8s-check: $(VENV)/.dev
	PYTHONPATH=tests $(BIN)/python -m support.kubernetes

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.standalone: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing PROTEA into $(VENV) (about a minute, once)"
	$(PIP) --editable '.[standalone]'
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing PROTEA and its test tools into $(VENV) (about a minute, once)"
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.standalone

clean:
	rm -rf $(VENV) .protea
