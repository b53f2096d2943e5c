# Each target sets up what it needs: a virtual environment in .venv, made once.

PYTHON ?= python3
BIN    := .venv/bin
READY  := .venv/.ready
# What looks at the project from outside has an environment of its own: it is no part of the bill.
TOOLS  := .venv-tools
LOOK   := $(TOOLS)/.ready
SCHEMA := benchmarks/vbench.schema.json
# In long pieces, and what is left is shared again: a file's fixtures are made once.
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal

.PHONY: help setup paper smoke test deep coverage matrix docs lint format types layers reference perf panoptica gpu guard growth \
	chaos faults numbers fuzz wheel nnunet wheels walk schema bandit audit-deps sbom release-check

help:            ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

setup: $(READY)  ## make the environment, and the schema that editors complete specs with

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,docs,peers,dp,onnx,share]'
	@$(BIN)/vbench schema --out $(SCHEMA) >/dev/null
	@touch $@

paper: $(READY)  ## the paper's experiment on the embedded phantom; results in results/paper
	$(BIN)/vbench run benchmarks/paper.toml

smoke: $(READY)  ## every regime and all GANs at a tiny size, in about a minute
	$(BIN)/vbench run benchmarks/smoke.toml

test: $(READY)   ## all tests, on all cores
	$(PYTEST)

deep: $(READY)   ## the tests that search for faults, with four times the examples
	HYPOTHESIS_PROFILE=deep $(PYTEST) -m hypothesis

coverage: $(READY) ## all tests, and the share of lines that they run; fails below the floor
	$(PYTEST) --cov --cov-report=term

matrix: $(READY) ## a quick part of the tests with other Pythons and versions: CELLS="3.13/highest …"
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/matrix.py $(CELLS)

walk: $(READY)   ## from an empty environment to a board of five volumes: results/summaries/walk
	$(BIN)/python benchmarks/walk.py

schema: $(READY) ## the JSON schema of specs again, after a change of the model or of plugins
	$(BIN)/vbench schema --out $(SCHEMA)

reference: $(READY) ## the reference pages that are made from code, after a change of it
	$(BIN)/python docs/generate.py

docs: $(READY)   ## the documentation site, in site/
	$(BIN)/mkdocs build --quiet

nnunet: $(READY) ## the tests of the nnU-Net adapter, with its extra
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[nnunet]'
	$(BIN)/python -m pytest tests/plugins/segmenters/test_nnunet.py

wheels: $(READY) ## vbench and a third-party plugin as wheels, in a fresh environment
	$(BIN)/python tests/wheel_smoke.py

lint: $(READY)   ## style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY) ## put the format right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY)  ## mypy, strict
	$(BIN)/mypy

layers: $(READY) ## which layer may import which
	$(BIN)/lint-imports

perf: $(READY)   ## speed beside other tools: results/perf.md and perf.json; ONLY='hd95*' for some lines
	$(BIN)/python benchmarks/perf $(if $(ONLY),--only '$(ONLY)')

panoptica:       ## panoptica in an environment of its own, for its lines of perf: it fits in no other
	$(PYTHON) -m venv .venv-panoptica
	.venv-panoptica/bin/pip install --quiet --disable-pip-version-check 'panoptica>=2.1'

gpu: $(READY)    ## what needs a GPU: its tests and its lines of perf; without one it says so
	$(BIN)/python -m pytest -m gpu tests/gpu tests/masks
	$(BIN)/python benchmarks/perf --only '*on CUDA*'

guard: $(READY) ## the quick lines; fails where a ratio fell clearly below the committed one
	$(BIN)/python benchmarks/perf --quick --guard

growth: $(READY) ## time and memory against subjects, patch size, jobs, records, cases: results/growth.md
	$(BIN)/python benchmarks/perf/growth.py

chaos: $(READY)  ## kill a run at random moments; the end result must be the same
	$(BIN)/python benchmarks/chaos.py

faults: $(READY) ## break a small run in every way at every stage; as root also with full disks
	$(BIN)/python benchmarks/faults.py

numbers: $(READY) ## where nothing is to be found, nothing is; fits that repeat; 10,000 jobs
	$(BIN)/python benchmarks/null.py
	$(BIN)/python benchmarks/repeatability.py
	$(BIN)/python benchmarks/load.py

fuzz: $(READY)   ## spoiled inputs of every kind, for 20 minutes of processor time
	nice -n 15 $(BIN)/python benchmarks/fuzz.py

$(LOOK): constraints.txt
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  bandit cyclonedx-bom pip-audit
	@touch $@

bandit: $(LOOK)  ## look for unsafe calls in the code
	$(TOOLS)/bin/bandit --quiet --configfile pyproject.toml --recursive --severity-level medium \
	  vbench plugins/vbench_plugins

audit-deps: $(LOOK) ## known vulnerabilities of the pinned versions; fails when PyPI does not tell
	$(TOOLS)/bin/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt

sbom: $(READY) $(LOOK) ## the software bill of materials, in dist/vbench.cdx.json (CycloneDX)
	@mkdir -p dist
	$(TOOLS)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
	  --of JSON --output-file dist/vbench.cdx.json $(BIN)/python

wheel: $(READY)  ## build the wheel, in dist/
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

release-check: $(READY) ## what is still to be done before a version leaves the house
	$(BIN)/python tests/release.py
