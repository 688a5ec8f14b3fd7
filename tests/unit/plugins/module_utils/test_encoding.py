# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of files that are not ASCII, in the locale C, on the oldest Python of managed hosts and on this one."""

import glob
import json
import os
import shutil
import subprocess
import sys

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._host import _encoding

# As a module does: the paths come as JSON, and the answer goes as JSON.
PROGRAM = r"""
import json, os, sys, tarfile
from ansible_collections.oxzep7.python.plugins.module_utils._host import _encoding
_encoding.use_utf8_names()
from ansible_collections.oxzep7.python.plugins.module_utils._host import (
    _accounts, _commands, _directories, _files, _untrusted)
given = json.load(sys.stdin)
root, raw = given["root"], os.fsdecode(bytes(given["raw"]))
account = _accounts.get_current_identity()
_directories.make_directory(root + "/made")
_files.write_json(root + "/made/record.json", {"path": root, "raw": raw})
with open(root + "/made/" + raw, "wb") as stream:
    stream.write(b"raw")
shown = _commands.run_command(["sh", "-c", 'cat "$1" && printf %s "$X"', "sh", root + "/made/record.json"], 20.0,
                              cwd=root + "/made", environment={"X": root, "PATH": os.environ["PATH"]})
with tarfile.open(root + "/packed.tar", "w") as packed:
    packed.add(root + "/made", "made-" + os.path.basename(root))
with tarfile.open(root + "/packed.tar") as packed:
    names = sorted(packed.getnames())
os.environ["OXZEP7_TEST"] = root
print(json.dumps({
    "record": _files.read_json(root + "/made/record.json"),
    "names": sorted(os.listdir(root + "/made")),
    "real": os.path.realpath(root) == root,
    "controller": _accounts.find_controller(root) is not None,
    "shown": shown.stdout.endswith(root) and shown.rc == 0,
    "text": _untrusted.read_text_file(root + "/made/" + raw),
    "packed": names,
    "variable": os.environ["OXZEP7_TEST"] == root,
    "child": _commands.run_command([sys.executable, "-c", "import os; print(os.environ['OXZEP7_TEST'] != '')"], 20.0,
                                   environment=dict(os.environ)).stdout.strip(),
}))
_directories.remove_tree(root + "/made")
"""


def list_interpreters():
    """The oldest Python, which ASCII can happen to, if this machine has it, and the running one."""
    oldest = sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.6.*/bin/python3.6")))
    return sorted({sys.executable} | set(oldest[:1] or filter(None, [shutil.which("python3.6")])))


@pytest.mark.parametrize("python", list_interpreters())
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_names_in_other_letters_work_in_every_locale(python, locale, tmp_path):
    root = str(tmp_path.resolve()) + "/Büro-ж"
    os.makedirs(root.encode("utf-8"))
    raw = b"latin-\xe9"
    collections = _encoding.__file__.split("/ansible_collections/")[0]
    done = subprocess.Popen(
        [python, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"LC_ALL": locale, "PATH": os.environ["PATH"], "PYTHONPATH": collections, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    output, errors = done.communicate(json.dumps({"root": root, "raw": list(raw)}).encode("ascii"))
    assert done.returncode == 0, errors.decode("utf-8", "replace")
    answer = json.loads(output.decode("ascii"))
    escaped = raw.decode("utf-8", "surrogateescape")
    assert answer == {
        "record": {"path": root, "raw": escaped},
        "names": sorted(["record.json", escaped]),
        "real": True,
        "controller": True,
        "shown": True,
        "text": "raw",
        "packed": sorted(["made-Büro-ж", "made-Büro-ж/record.json", "made-Büro-ж/" + escaped]),
        "variable": True,
        "child": "True",
    }
    assert os.listdir(root.encode("utf-8")) == [b"packed.tar"]
