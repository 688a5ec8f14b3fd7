#!/bin/sh
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The gates that need neither containers nor the network.
set -eu
cd "$(dirname "$0")/../.."
root=$(pwd)
tree=$root/.venv/collections/ansible_collections/oxzep7/python

step() { echo "lint: $1"; }

step "ruff"
ruff check --quiet .
ruff format --quiet --check .
step "mypy, strict"
(cd "$root/.venv/collections" && MYPYPATH=. mypy --no-error-summary --config-file "$root/pyproject.toml" -p ansible_collections.oxzep7.python.plugins)
mypy --no-error-summary --config-file pyproject.toml -m tests.fleet.fleet -m tests.faults.__main__ -m tests.mutants.__main__ -m tests.benchmark.host_info -m tests.zoo.found -m tests.tools.tree -m tests.tools.file_access -m tests.tools.words -m tests.tools.comprehensions -m tests.tools.pages
step "yamllint"
yamllint --strict .
step "ansible-lint, production profile"
(cd "$tree" && ansible-lint --offline --strict -q --nocolor)
step "documentation"
antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck "$tree"
step "changelog"
antsibull-changelog lint
step "licences"
reuse --suppress-deprecation lint --quiet 2>/dev/null || reuse lint
step "antsibull-nox sessions that need no containers"
nox --non-interactive --reuse-venv=yes >"$root/.nox-output" 2>&1 || { cat "$root/.nox-output"; exit 1; }
rm -f "$root/.nox-output"
step "imports run one way"
python -m tests.tools.tree
step "access to files"
python -m tests.tools.file_access
step "comprehensions"
python -m tests.tools.comprehensions
step "words"
python -m tests.tools.words
step "generated pages"
python -m tests.tools.pages --check
