# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning and fetching reach a private index alike: by the system's trust store, netrc, variables and keyrings."""

from __future__ import annotations

import json
import os
import pathlib
import ssl
import subprocess
import sys
import threading

import pytest

from ..unit.plugins.plugin_utils.index_server import serve_index, write_wheel

SECRET = "planted-Index+secret"
# Where Debian, Red Hat and SUSE keep the certificates that they trust.
STORES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")
PROGRAM = """
import json, pathlib, sys
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning import _setup
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import build_package_set
work, indexes = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
given = {"cache_dir": str(work / "cache"), "advisories": None, "indexes": indexes, "find_links": [], "offline": False}
parts = _setup.build_tools(given)
rows = [{"name": name, "version": "1.0", "requires": [], "editable": False, "direct_url": None} for name in ("a", "b")]
start = build_package_set({"packages": rows}, {"a", "b"}, (3, 8), "x86_64")
found = parts.locker.lock(start, (), (3, 12), "x86_64-manylinux_2_28")
(work / "lock.txt").write_text(found.text)
print(json.dumps([found.after.pins, [entry["name"] for entry in parts.store.fetch_lock(work / "lock.txt", "l")]]))
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A directory with a certificate authority, ``ca.pem``, and a server's certificate of it, ``server.pem``."""
    place = tmp_path_factory.mktemp("authority")
    (place / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for line in (
        "req -x509 -newkey ec -keyout ca.key -out ca.pem -days 9 -subj /CN=Authority",
        "req -newkey ec -keyout server.key -out server.csr -subj /CN=localhost",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 9 -extfile names",
    ):
        words = line.split()
        words += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"] if "-newkey" in words else []
        subprocess.run(["openssl", *words], cwd=place, check=True, capture_output=True)
    return place


@pytest.fixture
def served(authority, tmp_path):
    folder = tmp_path / "served"
    write_wheel(folder, "a", "1.0", ("c",), "cp38-cp38-manylinux1_x86_64")
    write_wheel(folder, "a", "1.1", ("c",))
    for name in "bc":
        write_wheel(folder, name, "1.0")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem", authority / "server.key")
    with serve_index(folder, context, "localhost") as index:
        yield index


class CommandWatch:
    """Looks for the secret in the words of all processes until it is stopped."""

    def __init__(self):
        self._found = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self):
        while not self._ended.wait(0.02):
            for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    words = path.read_bytes()
                except OSError:
                    continue
                if SECRET.encode() in words:
                    self._found.add(words)

    def stop(self):
        self._ended.set()
        self._thread.join()
        return self._found


def run_program(tmp_path, indexes, trusted=None, **variables):
    """Plan and fetch in a process that trusts the file *trusted* by the system's store, and sees *variables*."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    others = ("NETRC", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    environment = {}
    for name, value in os.environ.items():
        if not name.startswith(("UV_", "PIP_", "SSL_")) and name not in others:
            environment[name] = value
    environment.update({"HOME": str(home), "UV_CACHE_DIR": str(tmp_path / "uv"), "UV_HTTP_RETRIES": "0", **variables})
    mounts = [f"mount --bind {trusted} {path}" for path in STORES if trusted and os.path.exists(path)]
    words = [sys.executable, "-c", PROGRAM, str(tmp_path), json.dumps(indexes)]
    if mounts:
        # Nothing of the true store is left, also where its files are hashed one by one.
        script = "; ".join(["set -e", *mounts, 'exec "$@"'])
        words = ["unshare", "--mount", "sh", "-c", script, "sh", *words]
    watch = CommandWatch()
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
    finally:
        assert watch.stop() == set()
    assert SECRET not in done.stdout + done.stderr
    return done


def assert_planned(done, tmp_path):
    assert done.returncode == 0, done.stderr[-3000:]
    pins, files = json.loads(done.stdout.splitlines()[-1])
    assert pins == {"a": "1.1", "b": "1.0", "c": "1.0"}
    assert files == [f"{name}-{version}-py3-none-any.whl" for name, version in sorted(pins.items())]
    for path in [tmp_path / "lock.txt", *(tmp_path / "cache").rglob("*")]:
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def require_root():
    if os.geteuid() != 0:
        pytest.skip("only root can change what a process trusts")


def test_an_authority_in_the_systems_trust_store_is_enough(served, authority, tmp_path):
    require_root()
    assert_planned(run_program(tmp_path, [served.url], authority / "ca.pem"), tmp_path)


def test_another_authority_is_refused_at_once(served, tmp_path):
    done = run_program(tmp_path, [served.url])
    assert done.returncode != 0 and "certificate verify failed" in done.stderr and "trying again" not in done.stdout


def test_a_file_of_authorities_stands_for_the_trust_store(served, authority, tmp_path):
    assert_planned(run_program(tmp_path, [served.url], SSL_CERT_FILE=str(authority / "ca.pem")), tmp_path)


@pytest.mark.parametrize("kind", ["netrc", "variables", "keyring", "default index"])
def test_credentials_count_for_planning_and_fetching(served, authority, tmp_path, kind):
    served.login = ("me", SECRET)
    variables = {"SSL_CERT_FILE": str(authority / "ca.pem")}
    indexes = [{"name": "own", "url": served.url}]
    if kind == "netrc":
        (tmp_path / "netrc").write_text(f"machine localhost login me password {SECRET}\n")
        (tmp_path / "netrc").chmod(0o600)
        variables["NETRC"] = str(tmp_path / "netrc")
    elif kind == "variables":
        variables.update({"UV_INDEX_OWN_USERNAME": "me", "UV_INDEX_OWN_PASSWORD": SECRET})
    elif kind == "keyring":
        program = tmp_path / "bin" / "keyring"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\n[ "$*" = "get {served.url} me" ] && cat {tmp_path}/password\n')
        program.chmod(0o755)
        (tmp_path / "password").write_text(f"{SECRET}\n")
        variables.update({"UV_INDEX_OWN_USERNAME": "me", "PATH": f"{program.parent}:{os.environ['PATH']}"})
    else:
        indexes = []
        variables["PIP_INDEX_URL"] = served.url.replace("://", f"://me:{SECRET.replace('+', '%2B')}@")
    assert_planned(run_program(tmp_path, indexes, **variables), tmp_path)
    logins = {login for path, login in served.asked if path.startswith("/files/")}
    assert f"me:{SECRET}" in logins


def test_credentials_do_not_follow_to_another_host(authority, tmp_path):
    folder = tmp_path / "served"
    for name in "abc":
        write_wheel(folder, name, "1.0")
    with serve_index(folder) as files, serve_index(folder) as index:
        index.login, index.redirect = ("me", SECRET), files.url.removesuffix("/simple")
        done = run_program(
            tmp_path, [{"name": "own", "url": index.url}], UV_INDEX_OWN_USERNAME="me", UV_INDEX_OWN_PASSWORD=SECRET
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert files.asked != [] and {login for _path, login in files.asked} == {None}


def test_a_proxy_counts_for_planning_and_fetching(tmp_path):
    folder = tmp_path / "served"
    write_wheel(folder, "a", "1.1", ("c",))
    for name in "bc":
        write_wheel(folder, name, "1.0")
    # Requests to a proxy name the whole address.
    with serve_index(folder) as proxy:
        address = proxy.url.removesuffix("/simple")
        done = run_program(tmp_path, ["http://index.example/simple"], http_proxy=address, no_proxy="")
        assert_planned(done, tmp_path)
        assert {path.split("/simple")[0].split("/files")[0] for path in proxy.list_paths()} == {"http://index.example"}
