#!/bin/sh
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs ansible-test sanity or units on the oldest and the newest supported ansible-core, in a copy of the tree.
# Environments and ansible-test's own are kept under .venv and ~/.ansible/test for the next run.
set -eu
cd "$(dirname "$0")/../.."
root=$(pwd)
what=$1
OLDEST=2.16.19

# ansible-test would download pip's bootstrap script; networks that block that get a shim around ensurepip.
mkdir -p "$HOME/.ansible/test/cache"
for version in 25_2 25_0 24_0 23_1_2 21_3_1; do
    grep -qs "Stands in for" "$HOME/.ansible/test/cache/get_pip_$version.py" && rm -f "$HOME/.ansible/test/cache/get_pip_$version.py"
    [ -e "$HOME/.ansible/test/cache/get_pip_$version.py" ] || cp tests/tools/get_pip.py "$HOME/.ansible/test/cache/get_pip_$version.py"
done

python=$(.venv/bin/python -c 'import sys; print(sys._base_executable)')
minor=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
oldest=$root/.venv-$OLDEST
ready=$oldest/.ready-$(sha256sum < requirements.txt | cut -c1-12)
case $minor in
3.10 | 3.11 | 3.12)
    if [ ! -e "$ready" ]; then
        rm -rf "$oldest"
        "$python" -m venv "$oldest"
        .venv/bin/uv pip install --quiet --python "$oldest/bin/python" "ansible-core==$OLDEST" -r requirements.txt
        touch "$ready"
    fi
    ;;
*) echo "ansible-test: ansible-core $OLDEST needs Python 3.10 to 3.12; here is only $minor, so it is left out" >&2 ;;
esac

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
target=$copy/ansible_collections/oxzep7/python
mkdir -p "$target"
git ls-files -z --cached --others --exclude-standard | xargs -0 tar -cf - --ignore-failed-read 2>/dev/null | tar -xf - -C "$target"
git -C "$target" init -q
git -C "$target" add -A
cd "$target"

old_python=
for candidate in "$HOME"/.pyenv/versions/3.6.*/bin "$HOME"/.pyenv/versions/3.7.*/bin; do
    [ -z "$old_python" ] && [ -x "$candidate/python3" ] && old_python=$candidate
done
old_version=
[ -z "$old_python" ] || old_version=$("$old_python/python3" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
base=$(dirname "$python"):${old_python:+$old_python:}/usr/local/bin:/usr/bin:/bin

one() {
    name=$1
    bin=$2
    echo "ansible-test $what: $("$bin/ansible" --version | sed -n 1p)"
    if [ "$what" = sanity ]; then
        PATH=$bin:$base ansible-test sanity --python "$minor" --color no --exclude tests/
        if [ "$name" = oldest ] && [ -n "$old_version" ]; then
            PATH=$bin:$base ansible-test sanity --python "$old_version" --test compile --test import --color no --exclude tests/
        fi
        return
    fi
    PATH=$bin:$base ansible-test units --venv --python "$minor" --requirements --color no
    if [ "$name" = oldest ] && [ -n "$old_version" ]; then
        PATH=$bin:$base ansible-test units --venv --python "$old_version" --requirements --color no
    elif [ "$name" = oldest ]; then
        echo "ansible-test: no Python 3.6 or 3.7 on this machine; target code was tested on $minor only" >&2
    fi
}

[ ! -e "$ready" ] || one oldest "$oldest/bin"
one newest "$root/.venv/bin"
