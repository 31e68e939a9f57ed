# Everything a fresh clone needs: `make demo`, `make space`, `make test`, `make lint`;
# `make test-nightly` runs the slow tests that `make test` leaves out, `make coverage` runs all of them
# with every branch counted, and `make real` measures small real models.
# Each sets up its own virtual environment first; nothing outside the clone is touched.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := $(shell find hubmaxact schema -type f -not -path '*/__pycache__/*')
WORKERS ?= 2

# Some of the tests: TESTS by folder or file, MARKED by what they are marked as.
TESTS ?=
MARKED ?= not nightly

INDEX ?= build/catalog

# What is made here lies in these, and `make clean` takes away no more: a report beside the Makefile,
# or a folder `demo` or `dist`, is somebody's own.
DEMO := build/demo
WHEEL := build/wheel
QUANTIZERS := build/quantizers
REAL := build/real
MADE := $(DEMO) $(WHEEL) $(QUANTIZERS) $(REAL) build/reports build/catalog

# Small real models, and copies of the first as others quantize it.
REAL_MODELS := $(addprefix $(REAL)/,smollm2 gemma3 minilm)
REAL_COPIES := $(addprefix $(REAL)/smollm2-,fp8 int8 w4a16 nvfp4)

# What `make lint` runs; .pre-commit-config.yaml runs the same, each where its files change.
LINTERS := ruff mypy pydoclint codespell oxlint zizmor shellcheck schema

.PHONY: demo space chromium test test-without-browser test-nightly test-cuda-sources real coverage lint $(LINTERS:%=lint-%) mutants docs pictures clean

demo: $(VENV)/package
	rm -rf $(DEMO)
	mkdir -p $(dir $(DEMO))
	cp -R tests/models/moe $(DEMO)
	$(BIN)/hubmaxact measure $(DEMO) --num-samples 512 --max-seq-len 128 --write-into $(DEMO)
	@echo "Look at activation_maxima.json, README.md and activation_maxima/layers.svg in $(DEMO)"

# The comparison page over the catalog in INDEX: by default the two small models here and the
# paper's checkpoints. `exec`: who ends make ends the server, and no shell stands between them.
space: $(VENV)/space $(INDEX)/manifest.json
	exec env HUBMAXACT_INDEX=$(abspath $(INDEX)) $(BIN)/python space/app.py

build/catalog/manifest.json: $(VENV)/package
	mkdir -p build/reports
	for model in dense moe; do \
	  $(BIN)/hubmaxact measure tests/models/$$model --model-id hubmaxact/tiny-$$model \
	    --num-samples 512 --max-seq-len 128 --output build/reports/$$model.json || exit; \
	done
	$(BIN)/hubmaxact catalog build build/reports --output build/catalog

test: $(VENV)/package $(VENV)/tools $(VENV)/browser
	OMP_NUM_THREADS=1 HUBMAXACT_TEST_WHEEL=1 $(BIN)/pytest -n $(WORKERS) --dist worksteal \
	  -m "$(MARKED)" $(TESTS)

test-without-browser: $(VENV)/package $(VENV)/tools
	OMP_NUM_THREADS=1 HUBMAXACT_TEST_WHEEL=1 $(BIN)/pytest -n $(WORKERS) --dist worksteal \
	  -m "not browser and ($(MARKED))" $(TESTS)

# What is slow and rarely broken: `make test` leaves it out. With the tools that load and write the
# scales of activations (tests/quantizers.txt), which other tests do not see; elsewhere the tests that
# need them are skipped.
test-nightly: $(QUANTIZERS)/installed
	HUBMAXACT_TEST_QUANTIZERS=1 PYTHONPATH=$(abspath $(QUANTIZERS)) $(MAKE) test MARKED=nightly

# Real models through the command line, and what is known of them: some minutes, and 2 GB. A model that
# is there is kept.
real: $(QUANTIZERS)/installed | $(REAL_MODELS) $(REAL_COPIES)
	HUBMAXACT_TEST_REAL=$(abspath $(REAL)) HUBMAXACT_TEST_QUANTIZERS=1 PYTHONPATH=$(abspath $(QUANTIZERS)) \
	  $(MAKE) test-without-browser MARKED=nightly TESTS=tests/real

# Whose they are, and under what terms, stands in tests/real/packages.
$(REAL_MODELS): | $(VENV)/package
	$(PIP) install -c constraints.txt -r tests/real/requirements.txt
	PYTHONPATH=tests $(BIN)/python -m real.build $(notdir $@) $@

$(REAL_COPIES): | $(REAL)/smollm2 $(QUANTIZERS)/installed
	PYTHONPATH=tests:$(QUANTIZERS) $(BIN)/python -m real.quantize $(@:$(REAL)/smollm2-%=%) $(REAL)/smollm2 $@

# The CUDA sources, by the compiler alone: no GPU is needed, Linux or Windows is. Which compiler is
# torch's business where it is a build for CUDA, so none is pinned here.
test-cuda-sources: $(VENV)/package $(VENV)/tools
	$(PIP) install cuda-bindings nvidia-cuda-nvrtc
	HUBMAXACT_TEST_WHEEL=1 HUBMAXACT_TEST_NVRTC=1 $(BIN)/pytest -n $(WORKERS) tests/measurement/kernels/test_cuda_source.py

# All tests, the nightly ones too. Every process that a test starts writes figures of its own; they
# are added up at the end.
coverage: $(VENV)/package $(VENV)/tools $(VENV)/browser
	rm -f .coverage .coverage.*
	OMP_NUM_THREADS=1 HUBMAXACT_TEST_WHEEL=1 $(BIN)/coverage run $(BIN)/pytest -n $(WORKERS) --dist worksteal
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lint: $(LINTERS:%=lint-%)

lint-ruff: $(VENV)/linters
	$(BIN)/ruff check
	$(BIN)/ruff format --check

lint-mypy: $(VENV)/linters
	$(BIN)/mypy

lint-pydoclint: $(VENV)/linters
	$(BIN)/pydoclint --quiet hubmaxact

lint-codespell: $(VENV)/linters
	$(BIN)/codespell

lint-oxlint: $(VENV)/linters
	$(BIN)/oxlint --deny-warnings hubmaxact/page/assets

lint-zizmor: $(VENV)/linters
	$(BIN)/zizmor --offline --pedantic --strict-collection --no-progress .github .github/examples/*.yml

lint-shellcheck: $(VENV)/linters
	$(BIN)/shellcheck .ci/run $$(find .github -name '*.sh')

lint-schema: $(VENV)/linters
	$(BIN)/check-jsonschema --check-metaschema schema/activation_maxima.schema.json

# Breaks the rules of a report in one place at a time, and lists what tests/report does not notice:
# most of an hour. The results are in mutants/.
mutants: $(VENV)/package $(VENV)/tools
	test -e mutants || { mkdir mutants && touch mutants/made-by-make; }
	$(PIP) install -c constraints.txt mutmut
	$(BIN)/python -m mutmut run --max-children $(WORKERS)

docs: $(VENV)/package $(VENV)/tools
	$(BIN)/python -m hubmaxact.report.field_table schema/README.md
	$(BIN)/python -m hubmaxact.stored_weights.format_table docs/quantized.md
	$(BIN)/pytest --update-goldens -q

# torch first and pinned, so that its size is a choice and not a surprise.
$(VENV)/dependencies: pyproject.toml constraints.txt
	test -e $(VENV) || { mkdir $(VENV) && touch $(VENV)/made-by-make; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt build hatchling
	touch $@

# The wheel, as a user gets it: tests never see the working tree's package.
$(VENV)/package: $(VENV)/dependencies $(SOURCES)
	rm -rf $(WHEEL)
	$(BIN)/python -m build --wheel --no-isolation --outdir $(WHEEL) . > /dev/null
	$(PIP) install -c constraints.txt "$$(ls $(WHEEL)/*.whl)[measure]"
	$(PIP) install --force-reinstall --no-deps $(WHEEL)/*.whl
	touch $@

# Beside the virtual environment, and without dependencies: their pins contradict each other.
$(QUANTIZERS)/installed: tests/quantizers.txt tests/quantizers_apart.txt $(VENV)/package
	rm -rf $(QUANTIZERS)
	$(PIP) install --no-deps --target $(QUANTIZERS) -r tests/quantizers.txt
	$(PIP) install --no-deps --target $(QUANTIZERS)/apart -r tests/quantizers_apart.txt
	touch $@

$(VENV)/space: $(VENV)/package
	$(PIP) install -c constraints.txt "$$(ls $(WHEEL)/*.whl)[space]"
	touch $@

$(VENV)/tools: $(VENV)/space
	$(PIP) install -c constraints.txt "$$(ls $(WHEEL)/*.whl)[test]"
	touch $@

# Linters read the working tree: they wait for no wheel, and a change of the code makes none.
$(VENV)/linters: $(VENV)/dependencies
	$(PIP) install -c constraints.txt --no-build-isolation ".[measure,space,test]"
	touch $@

# A Chromium for the browser tests: one that is there, else Debian's, else Playwright's own.
$(VENV)/browser: $(VENV)/tools | chromium
	command -v chromium || command -v google-chrome || $(BIN)/playwright install chromium
	touch $@

# Asks nothing of the virtual environment, so it may run beside what makes one.
chromium:
	-command -v chromium || command -v google-chrome || \
	  { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq chromium > /dev/null; }

# The command of the README, whose pictures are made of what it leaves.
$(REAL)/gemma3/activation_maxima.json: $(VENV)/package | $(REAL)/gemma3
	$(BIN)/hubmaxact measure $(REAL)/gemma3 --num-samples 384 --max-seq-len 64 --write-into $(REAL)/gemma3

pictures: $(REAL)/gemma3/activation_maxima.json build/catalog/manifest.json $(VENV)/browser
	$(BIN)/python docs/make_pictures.py
	$(BIN)/python docs/make_space_pictures.py

# Folders of common names are marked when they are made; one without the mark was there before.
clean:
	rm -rf $(MADE)
	rm -f .coverage .coverage.*
	for folder in $(VENV) mutants; do \
	  if [ -e $$folder/made-by-make ]; then rm -rf $$folder; fi; \
	done
