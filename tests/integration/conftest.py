# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs modules for real, by ansible, on this machine with local connections and without root's powers being needed."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import json
import pathlib
import re
import shutil
import sys
import tarfile

import pytest

from tests.demo import machine
from tests.integration.playbook_server import PlaybookServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARK = "outcome: "


@dataclasses.dataclass
class ModuleRunner:
    """Runs one module with options; remembers nothing between calls."""

    folder: pathlib.Path
    server: PlaybookServer

    def __call__(self, module, check=False, **options):
        """The module's result; its ``failed`` tells how it ended."""
        playbook = [{"hosts": "localhost", "gather_facts": False, "tasks": list_tasks(module, options, check)}]
        (self.folder / "playbook.json").write_text(json.dumps(playbook), encoding="utf-8")
        python = f"ansible_python_interpreter={sys.executable}"
        words = ["-i", "localhost,", "-c", "local", "-e", python, str(self.folder / "playbook.json")]
        _status, printed = self.server.run(self.folder, *words)
        found = re.search(rf'^    "msg": ("{MARK}.*")$', printed, re.MULTILINE)
        assert found, printed
        return json.loads(json.loads(found[1]).removeprefix(MARK))

    def run_four_times(self, module, **options):
        """Check, do, do again, check again: the first two change and agree, the others change nothing."""
        results = [self(module, check=check, **options) for check in (True, False, False, True)]
        assert [result.get("failed", False) for result in results] == [False] * 4, results
        assert [result["changed"] for result in results] == [True, True, False, False], results
        assert results[0]["actions"] == results[1]["actions"] and results[1]["actions"]
        assert results[2]["actions"] == results[3]["actions"] == []
        return results

    def expect_failure(self, module, **options):
        """The message with which it fails, the same in check mode; the paths named must be unchanged by that."""
        messages = [self(module, check=check, **options) for check in (True, False)]
        assert all(result["failed"] for result in messages), messages
        return messages[1]["msg"]


def list_tasks(module, options, check):
    """Tasks that run *module* and print its result, as one string, so that nothing in it is left out or converted."""
    run = {
        "name": f"Run {module}",
        f"oxzep7.python.{module}": options,
        "register": "outcome",
        "ignore_errors": True,
        "check_mode": check,
        "diff": True,
    }
    return [run, {"name": "Print the result", "ansible.builtin.debug": {"msg": MARK + "{{ outcome | to_json }}"}}]


@pytest.fixture(scope="session")
def playbook_server():
    with PlaybookServer() as server:
        yield server


@pytest.fixture
def module(tmp_path, playbook_server):
    (tmp_path / "run").mkdir()
    return ModuleRunner(tmp_path / "run", playbook_server)


@pytest.fixture(scope="session")
def interpreters():
    """Two consecutive interpreters of this machine, oldest first: (minor, path)."""
    chosen = machine.choose_route()
    return [(f"3.{minor[1]}", str(path)) for minor, path in zip(chosen.minors, chosen.interpreters, strict=True)]


@pytest.fixture
def place(tmp_path, interpreters):
    from tests.integration.place import GreeterSetup

    made = GreeterSetup(tmp_path, interpreters)
    yield made
    made.control_service("stop")


@pytest.fixture(params=["uv", "pip"])
def uv(request):
    return shutil.which("uv") if request.param == "uv" else "/bin/false"


def write_wheel(folder, name, version, files):
    """Write a wheel with *files* (path, content), as an index would serve it; returns its path."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    contents = dict(files)
    contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    contents[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    rows = []
    for entry, content in contents.items():
        data = content if isinstance(content, bytes) else content.encode("utf-8")
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode("ascii")
        rows.append(f"{entry},sha256={digest},{len(data)}\n")
    contents[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"])
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        for entry, content in contents.items():
            archive.writestr(entry, content)
    return path


def make_lock(*wheels):
    """The lock text that names exactly *wheels*."""
    lines = []
    for path in wheels:
        name, version = path.name.split("-")[:2]
        lines.append(f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n")
    return "".join(sorted(lines))


def write_tar(path, members):
    """A gzip-compressed tar file at *path*; a member is (name, bytes) or (TarInfo, bytes). Returns its SHA-256."""
    with tarfile.open(path, "w:gz") as stream:
        for name, data in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data)
            if not isinstance(name, tarfile.TarInfo):
                info.mode = 0o755
            stream.addfile(info, io.BytesIO(data))
    return hashlib.sha256(path.read_bytes()).hexdigest()
