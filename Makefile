# Everything a fresh clone needs: `make demo`, `make test`, `make lint`.
# Each sets up its own virtual environment first; nothing outside the clone is touched.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := $(shell find hubmaxact schema -type f -not -name '*.pyc')
WORKERS ?= 2

.PHONY: demo test lint docs pictures clean

demo: $(VENV)/package
	rm -rf demo activation_maxima.json
	cp -r tests/models/moe demo
	$(BIN)/hubmaxact measure demo --num-samples 512 --max-seq-len 128 \
	  --output activation_maxima.json --write-into demo
	@echo "Look at activation_maxima.json, demo/README.md and demo/activation_maxima/layers.svg"

test: $(VENV)/package $(VENV)/tools
	OMP_NUM_THREADS=1 HUBMAXACT_TEST_WHEEL=1 $(BIN)/pytest -n $(WORKERS) --dist worksteal

lint: $(VENV)/package $(VENV)/tools
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: $(VENV)/package $(VENV)/tools
	$(BIN)/python -m hubmaxact.report.fields schema/README.md
	$(BIN)/pytest --update-goldens -q

# torch first and pinned, so that its size is a choice and not a surprise.
$(VENV)/dependencies: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt build hatchling
	touch $@

# The wheel, as a user gets it: tests never see the working tree's package.
$(VENV)/package: $(VENV)/dependencies $(SOURCES)
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation --outdir dist . > /dev/null
	$(PIP) install -c constraints.txt "$$(ls dist/*.whl)[measure]"
	$(PIP) install --force-reinstall --no-deps dist/*.whl
	touch $@

$(VENV)/tools: $(VENV)/package
	$(PIP) install -c constraints.txt "$$(ls dist/*.whl)[test]"
	touch $@

pictures: demo
	$(BIN)/python docs/make_pictures.py

clean:
	rm -rf $(VENV) dist demo activation_maxima.json
