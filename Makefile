# demo · test · test-full · sanitize · neon · kill · mutants · check · bench · docs · clean
# Each target makes .venv and installs what it needs; a stamp file remembers that it did.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
TESTED := data,dev,docs,forecast,plot,probe,speech,text,track,video
KERNELS := CMakeLists.txt $(wildcard csrc/*.* csrc/cells/*.h)

.PHONY: help demo test test-full sanitize neon kill mutants check bench docs clean fuzz
.NOTPARALLEL:

help:
	@echo "make demo       train a character LSTM for two minutes and let it write"
	@echo "make test       the tests, without the slow ones"
	@echo "make test-full  all tests"
	@echo "make sanitize   the kernels' tests on a build with the address and undefined sanitizers"
	@echo "make neon       compile the kernels for 64-bit ARM, with a compiler that is installed for it"
	@echo "make kill       trainings that are killed at random moments, and full disks, counted"
	@echo "make check      lint, format, types, strict build of the docs"
	@echo "make mutants    change the source in 300 places, and see whether the nearest tests notice (an hour)"
	@echo "make fuzz       100,000 hostile inputs; states what came of them"
	@echo "make bench      speed on this machine"
	@echo "make docs       the manual, into site/"
	@echo "make clean      remove what these targets made, .venv included"

demo: $(VENV)/.core
	@$(BIN)/elman demo

test: $(VENV)/.dev
	$(BIN)/pytest -n auto -m "not slow"

test-full: $(VENV)/.dev
	$(BIN)/pytest -n auto

# The sanitizers' libraries have to be there before Python is; leaks are Python's own.
sanitize: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cmake -G Ninja -S . -B build/sanitize \
	  -DPython_EXECUTABLE="$(CURDIR)/$(BIN)/python" -DELMAN_SANITIZE=ON
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cmake --build build/sanitize
	ELMAN_KERNELS="$(CURDIR)/build/sanitize/_native.so" \
	  LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libubsan.so)" \
	  ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	  $(BIN)/pytest -n auto -m "not slow" tests/kernels tests/layers

kill: $(VENV)/.dev
	$(BIN)/python -m benchmarks.faults kill --count 200 --seed 1

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@$(MAKE) --no-print-directory docs

bench: $(VENV)/.core
	@$(BIN)/elman bench

docs: $(VENV)/.dev
	PYTHONPATH=tools $(BIN)/zensical build --strict --clean

clean:
	rm -rf $(VENV) build dist site .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# constraints.txt does not reach the isolated environments that pip builds in. So what the build
# needs goes into .venv first, under the constraints, and the build is not isolated.
$(VENV)/.build: constraints.txt | $(BIN)/python
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  echo "$(VENV) has no pip. Remove the folder $(VENV) and run make again." >&2; exit 1; }
	@echo "setting up $(VENV) (about a minute, the first time)"
	@$(PIP) install scikit-build-core cmake ninja torch numpy -c constraints.txt
	@touch $@

$(VENV)/.core: $(VENV)/.build pyproject.toml $(KERNELS)
	@$(PIP) install --no-build-isolation -e . -c constraints.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.build pyproject.toml $(KERNELS)
	@$(PIP) install --no-build-isolation -e ".[$(TESTED)]" -c constraints.txt
	@touch $@ $(VENV)/.core

# A failed `python -m venv` leaves half a folder behind, which would look finished next time.
$(BIN)/python:
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	  echo "elman needs Python 3.11 or newer, and '$(PYTHON)' is not on the PATH. Name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "elman needs Python 3.11 or newer, and '$(PYTHON)' is `$(PYTHON) -V 2>&1`. Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' lacks the module venv. Install it (on Debian and Ubuntu: the package python3-venv), then run make again." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot put pip into a new environment. Install ensurepip (on Debian and Ubuntu: the package python3-venv), then run make again." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

fuzz: $(VENV)/.dev
	@$(BIN)/python -m benchmarks.faults fuzz --count 50000 --seed 1

mutants: $(VENV)/.dev
	@$(PIP) install cosmic-ray pytest-cov -c constraints.txt
	$(BIN)/python -m benchmarks.faults mutants
	$(BIN)/python -m benchmarks.faults kernels

# Compiled by another compiler for another processor, and no more: there is nothing to run it on.
neon: $(VENV)/.dev
	@$(PIP) install ziglang -c constraints.txt
	@mkdir -p build/neon && \
	torch=$$($(BIN)/python -c "import torch; print(torch.__path__[0])") && \
	for source in $(filter-out csrc/arch_avx%,$(wildcard csrc/*.cpp)); do \
	  echo "$$source" && $(BIN)/python -m ziglang c++ -target aarch64-linux-gnu -std=gnu++20 -O2 \
	    -Wall -Wextra -Werror -fPIC -DTORCH_TARGET_VERSION=0x020b000000000000 \
	    -isystem "$$torch/include" -c "$$source" -o build/neon/object.o || exit 1; \
	done
