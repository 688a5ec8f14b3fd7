#!/bin/sh
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the collection and has galaxy-importer read it, as Galaxy does. Every warning and error fails.
set -eu
cd "$(dirname "$0")/../.."
root=$(pwd)
VERSION=0.4.44
importer=$root/.venv-importer-$VERSION
if [ ! -e "$importer/.ready" ]; then
    rm -rf "$importer"
    "$(.venv/bin/python -c 'import sys; print(sys._base_executable)')" -m venv "$importer"
    .venv/bin/uv pip install --quiet --python "$importer/bin/python" "galaxy-importer==$VERSION"
    touch "$importer/.ready"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
.venv/bin/ansible-galaxy collection build --output-path "$work" >/dev/null
# Its own settings and collections, so that a machine's do not count.
cd "$work"
log=$work/importer.log
if ! env -u ANSIBLE_COLLECTIONS_PATH -u PYTHONPATH PATH="$importer/bin:$PATH" HOME="$work" \
    "$importer/bin/python" -m galaxy_importer.main "$work"/oxzep7-python-*.tar.gz >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
if grep -E '(WARNING|ERROR|CRITICAL)' "$log" >&2; then
    echo "importer: galaxy-importer reported the lines above" >&2
    exit 1
fi
tail -n 1 "$log"
