#!/bin/sh
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes this machine ready: `prepare.sh tools` for linting and unit tests, `prepare.sh fleet` for test hosts as well.
# Installs Debian packages when it is root or may use sudo without a password, and says what is missing otherwise.
set -eu
cd "$(dirname "$0")/../.."

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif sudo -n true 2>/dev/null; then sudo -n "$@"; else return 1; fi
}

packages() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "prepare: installing$missing"
    log=$(mktemp)
    # shellcheck disable=SC2086  # a list of words
    if ! { as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        rm -f "$log"
        echo "prepare: these Debian packages are needed and cannot be installed without root:$missing" >&2
        exit 1
    fi
    rm -f "$log"
}

python_of() {
    for candidate in "$HOME"/.pyenv/versions/"$1".*/bin/python"$1" "$HOME"/.local/share/uv/python/cpython-"$1".*/bin/python"$1" \
        /usr/local/bin/python"$1" /usr/bin/python"$1"; do
        if [ -x "$candidate" ] && "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

controller_python() {
    for version in 3.12 3.13 3.14 3.11 3.10; do
        found=$(python_of "$version")
        if [ -n "$found" ]; then
            echo "$found"
            return
        fi
    done
}

if command -v dpkg-query >/dev/null; then
    python3 -c 'import venv, ensurepip' 2>/dev/null || packages python3-venv
    command -v git >/dev/null || packages git
fi
python=$(controller_python)
[ -n "$python" ] || { echo "prepare: no Python 3.10 or later with venv was found; install python3-venv" >&2; exit 1; }
stamp=.venv/.ready-$(cat requirements-dev.txt tests/tools/prepare.sh | sha256sum | cut -c1-12)
if [ ! -e "$stamp" ]; then
    rm -rf .venv
    "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "$(grep '^uv==' requirements-dev.txt)"
    .venv/bin/uv pip install --quiet --python .venv/bin/python --requirement requirements-dev.txt
    touch "$stamp"
fi
mkdir -p .venv/collections/ansible_collections/oxzep7
ln -sfn ../../../.. .venv/collections/ansible_collections/oxzep7/python

[ "${1-tools}" = fleet ] || exit 0
command -v apt-get >/dev/null || { echo "prepare: test hosts need a Debian or Ubuntu machine" >&2; exit 1; }
packages chromium fuse3 mariadb-client mariadb-server-core podman runc crun mmdebstrap debian-archive-keyring netavark iptables iproute2 uidmap openssh-client gcc libc6-dev patchelf zstd strace curl ca-certificates gnupg minisign openssl rsync restic age
as_root true || { echo "prepare: test hosts are containers with systemd, which only root can start; run as root, or allow sudo" >&2; exit 1; }
