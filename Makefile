# make app   set up and open the app
# make test  set up, then lint, type-check and test, in a real browser too
# make docs  build the documentation into site/
# make encoders  measure every encoder on this machine
# make lock  write down the versions that are installed here, after the tests have passed with them
#
# TORCH=cpu takes PyTorch's build without CUDA from its own index: 1.5 GB instead of 6.6.
PYTHON ?= python3
TORCH ?=
BIN := .venv/bin
# Compiling all 20,000 modules takes 48 s of processor time; Python compiles those that it imports, in 14 s. Some
# container images forbid it to keep them: then every training, and every process of the tests, compiles them anew.
export PYTHONDONTWRITEBYTECODE :=
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-compile

.PHONY: app test lint pytest docs browser encoders lock clean

app: .venv/app.done
	$(BIN)/streamlit run server.py

# Chromium is installed while pip unpacks, and the types are checked while the tests run.
test:
	@$(MAKE) --no-print-directory --jobs=2 lint pytest

pytest: .venv/dev.done browser
	$(BIN)/python -m pytest

lint: .venv/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/docs.done
	$(BIN)/mkdocs build --strict

.venv/torch.done:
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
ifeq ($(TORCH),cpu)
	@echo "Installing PyTorch without CUDA, about 0.2 GB to download"
	$(PIP) --progress-bar on --index-url https://download.pytorch.org/whl/cpu torch torchvision
else
	@echo "Installing what the app needs. On Linux pip's torch brings CUDA: about 3 GB to download, 6.6 GB on disk,"
	@echo "several minutes. Without an NVIDIA GPU, 'make app TORCH=cpu' needs 1.5 GB."
endif
	touch $@

.venv/app.done: requirements.txt | .venv/torch.done
	$(PIP) -r requirements.txt
	touch $@

# The app's requirements in the same call: pip resolves and unpacks once.
.venv/dev.done: requirements.txt requirements-dev.txt requirements-peers.txt requirements-cluster.txt | .venv/torch.done
	$(PIP) -r requirements.txt -r requirements-dev.txt
	-$(PIP) --quiet --no-deps -r requirements-peers.txt
	-$(PIP) --quiet -r requirements-cluster.txt
	touch .venv/app.done $@

.venv/docs.done: requirements-docs.txt .venv/app.done
	$(PIP) --quiet -r requirements-docs.txt
	touch $@

# Debian and Ubuntu: install the browser that the tests drive, unless one is there.
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || \
		{ echo "Installing chromium for the browser tests"; \
		  if [ "$$(id -u)" = 0 ]; then as=; else as=sudo; fi; \
		  $$as apt-get update -qq && $$as apt-get install -y -qq chromium >/dev/null; }

# One training step of every encoder: writes the table that the Train page reads. Half an hour.
encoders: .venv/app.done
	$(BIN)/python benchmarks/encoders.py

# Exact versions with hashes, for every platform: requirements.lock for all, deploy/cpu.lock without torch
# and what only its CUDA build needs. The versions are those of .venv, as tested.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock" --constraint .venv/tested.txt requirements.txt
lock: .venv/dev.done
	$(BIN)/python -m pip freeze --disable-pip-version-check > .venv/tested.txt
	$(BIN)/$(COMPILE) --output-file requirements.lock
	$(BIN)/$(COMPILE) --output-file deploy/cpu.lock $$($(BIN)/python -c 'import re; \
		print(*("--no-emit-package " + name for name in re.findall(r"^((?:nvidia|cuda|triton|torch)[\w-]*)==", \
		open("requirements.lock").read(), re.M)))')

clean:
	rm -rf .venv site .pytest_cache .mypy_cache .ruff_cache
