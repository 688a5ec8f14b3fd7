# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.venv/collections
export PYTHONPATH := $(CURDIR):$(CURDIR)/.venv/collections
# Test hosts are containers with systemd, which only root can start.
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo -n env HOME="$$HOME" PATH="$(PATH)" PYTHONPATH="$(PYTHONPATH)" \
	ANSIBLE_COLLECTIONS_PATH="$(ANSIBLE_COLLECTIONS_PATH)")
NAME ?=
FLEET ?=
FLEETS ?= 2

.PHONY: help tools fleet demo test beside lint sanity unit units integration scenarios real fleet-up fleet-down build importer docsite pages benchmark faults mutants refresh pins

help:
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

tools:
	@tests/tools/prepare.sh tools

fleet:
	@tests/tools/prepare.sh fleet

demo: tools ## the main job on this machine; FLEET=podman: on six systemd hosts over SSH (root); CORE=2.16: with that ansible-core
	@[ "$(FLEET)" != podman ] || tests/tools/prepare.sh fleet
	@$(if $(FLEET),$(AS_ROOT)) python -m tests.demo $(if $(FLEET),--fleet $(FLEET)) $(if $(CORE),--core $(CORE))

# Test hosts wait more than they work, so everything else runs beside them, with what they leave of the processors.
test: fleet lint ## everything; needs root for the test hosts
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=line beside scenarios

# One after the other: each takes all processors.
beside:
	@nice $(MAKE) --no-print-directory sanity
	@nice $(MAKE) --no-print-directory units
	@nice $(MAKE) --no-print-directory integration

lint: tools ## the quick gates: style, types, documentation, licences
	@tests/tools/lint.sh

unit: tools ## the unit tests, on this Python
	@python -m pytest -q -n 2 tests/unit

sanity: tools ## ansible-test sanity on the oldest and the newest supported ansible-core
	@tests/tools/ansible_test.sh sanity

units: tools ## ansible-test units on both cores, target code on Python 3.6 too
	@tests/tools/ansible_test.sh units

integration: tools ## each module in the four-times pattern, on this machine
	@python -m pytest -q -n 2 --dist loadfile tests/integration --durations 10

scenarios: fleet ## molecule scenarios and fleet tests on real hosts; FLEETS=N fleets side by side
	@$(AS_ROOT) python -m pytest -q -n $(FLEETS) tests/scenarios --durations 10

real: fleet ## six applications of PyPI with pins of 2021, from an audit to Python 3.12
	@$(AS_ROOT) env OXZEP7_REAL=all python -m pytest -q tests/scenarios/test_real_applications.py --durations 10

fleet-up: fleet ## start six test hosts
	@$(AS_ROOT) python -m tests.fleet.fleet up

fleet-down: ## stop the test hosts
	@$(AS_ROOT) python -m tests.fleet.fleet down

build: tools ## a tarball for ansible-galaxy collection install
	@ansible-galaxy collection build --force --output-path dist

importer: tools ## galaxy-importer on the built collection; any message fails
	@tests/tools/importer.sh

docsite: tools ## the documentation as a site, in .work/docsite
	@tests/tools/docsite.sh

pages: tools ## write the generated pages of the documentation again
	@python -m tests.tools.pages

benchmark: fleet ## ratios against named baselines; NAME=… chooses one
	@$(AS_ROOT) python -m tests.benchmark $(NAME)

faults: fleet ## kill everything everywhere; NAME=… chooses one
	@$(AS_ROOT) python -m tests.faults $(NAME)

mutants: tools ## break lines that safety depends on, one at a time; NAME=… chooses some
	@$(AS_ROOT) python -m tests.mutants $(NAME)

refresh: tools ## renew the vendored release data from their source
	@python -m tests.tools.refresh

pins: tools ## resolve requirements-dev.txt again
	@uv pip compile --quiet --universal --python-version 3.10 --no-annotate --no-header tests/requirements.in --upgrade --output-file requirements-dev.txt
