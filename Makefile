# make setup   environment in .venv, from requirements.lock
# make fly     one descent from 20 km        (SCENARIO=orbit, ARGS="--seed 3")
# make test    lint, types, every test       (WORKERS=4); with QEMU and a cross compiler where it may
# make hunt    search for failing faults, long property tests, whole descents on boards, mutants (BUDGET=1h)
# make board   QEMU and cross compiler where they may be installed, and the boards' images
# make docs    scenario guide, interface control document, historical landings
# make bench   speed on this machine
# make clean   remove environment, builds and caches of tools

PYTHON ?= python3
WORKERS ?= 2
SCENARIO ?= nominal
BUDGET ?= 10m
BIN := .venv/bin
READY := .venv/.ready

.PHONY: setup fly test hunt board docs bench lock clean

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing the locked packages into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

fly: setup
	@$(BIN)/leadline fly $(SCENARIO) $(ARGS)

test: setup
	@$(BIN)/python -m hil.boards.toolchain || echo "tests of boards will be skipped"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile

# Searches inside the documented envelope, runs the property tests at random, at length and with
# former failures first (.hypothesis), compares whole descents on every pair of ends, and runs the
# mutants whose last result is stale, which updates tests/mutants/result.toml. Each step runs even
# when one before it has failed.
hunt: setup
	@$(BIN)/python -m hil.boards.toolchain || echo "whole descents will be compared without boards"
	@failed=0; run() { echo "$$*"; "$$@" || failed=1; }; \
	run $(BIN)/leadline search --budget $(BUDGET); \
	run $(BIN)/pytest --hypothesis-profile hunt -m hypothesis --numprocesses $(WORKERS) --dist load; \
	run $(BIN)/leadline parity nominal --from 0; \
	run $(BIN)/leadline parity tests/hil/three-faults.toml --from 0; \
	run $(BIN)/python -m tests.mutants --jobs $(WORKERS); \
	exit $$failed

board: setup
	@$(BIN)/leadline board build

# Documents generated from the records; tests fail while they are stale.
docs: setup
	$(BIN)/python -m sim.scenario.scenario_guide
	$(BIN)/python -m hil.wire.icd
	$(BIN)/leadline scenarios --history --out sim/scenarios/HISTORY.md

bench: setup
	@$(BIN)/leadline bench

# Needs uv (https://docs.astral.sh/uv/) on the path; nothing else in this file does.
lock:
	echo "# Exact versions and hashes for Python 3.11 to 3.13 on every platform; made by 'make lock'." > requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-annotate --no-header --upgrade --extra campaign --extra plots --extra dev pyproject.toml >> requirements.lock

clean:
	rm -rf .venv build *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
