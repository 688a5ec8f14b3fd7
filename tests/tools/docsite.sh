#!/bin/sh
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the documentation of the collection as a site, with antsibull-docs and Sphinx.
set -eu
cd "$(dirname "$0")/../.."
root=$(pwd)
site=$root/.work/docsite
tools=$root/.venv-docsite
rm -rf "$site"
mkdir -p "$site"
.venv/bin/antsibull-docs sphinx-init --use-current --squash-hierarchy --lenient --dest-dir "$site" oxzep7.python >/dev/null
if [ ! -e "$tools/.ready" ]; then
    rm -rf "$tools"
    "$(.venv/bin/python -c 'import sys; print(sys._base_executable)')" -m venv "$tools"
    .venv/bin/uv pip install --quiet --python "$tools/bin/python" -r "$site/requirements.txt" ansible-core
    touch "$tools/.ready"
fi
mkdir -p "$site/rst"
chmod og-w "$site/rst"
.venv/bin/antsibull-docs --config-file "$site/antsibull-docs.cfg" collection --cleanup everything --use-current \
    --squash-hierarchy --dest-dir "$site/rst" oxzep7.python
# References to other projects' documentation need their inventories from the network; here they stay plain text.
echo "intersphinx_mapping = {}" >>"$site/conf.py"
"$tools/bin/sphinx-build" -q -c "$site" "$site/rst" "$site/build/html" 2>"$site/messages" || {
    cat "$site/messages" >&2
    exit 1
}
if grep -vE "undefined label|reference target not found|failing to resolve|^$" "$site/messages" >&2; then
    echo "docsite: Sphinx reported the lines above" >&2
    exit 1
fi
echo "docsite: $site/build/html/index.html"
