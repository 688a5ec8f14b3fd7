# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a scan of wheels says, and does not say, of a version on a Python."""

from __future__ import annotations

import hashlib
import zipfile

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._scanning import (
    list_breakages,
    scan_locks,
    scan_wheel,
)


def wheel(cache, name, files):
    """A wheel with *files* in the cache; its entry as downloads tell it."""
    path = cache / "wheels" / f"{name}-1.0-py3-none-any.whl"
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for entry, text in files.items():
            archive.writestr(entry, text)
    return {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def said(cache, text, python):
    entry = wheel(cache, "own", {"own/__init__.py": text})
    (row,) = scan_locks([(python, "own==1.0\n", [entry])], cache, "2026-11-21")
    assert (row.package, row.version, row.python, row.kind, row.date) == ("own", "1.0", python, "scan", "2026-11-21")
    return row.state, row.detail


@pytest.mark.parametrize(
    "text, python, state, words",
    [
        (
            "from collections import Mapping\n",
            "3.10",
            "breaks",
            "own/__init__.py:1: collections.Mapping is gone in Python 3.10",
        ),
        ("from collections import Mapping\n", "3.9", "unknown", "found nothing"),
        (
            "import sys\nif sys.version_info < (3, 10):\n    from collections import Mapping\n",
            "3.12",
            "unknown",
            "found nothing",
        ),
        (
            "import sys\nif sys.version_info < (3, 11):\n    from collections import Mapping\n",
            "3.12",
            "unknown",
            "found nothing",
        ),
        (
            "import sys\nif sys.version_info < (3, 11):\n    from collections import Mapping\n",
            "3.10",
            "breaks",
            "collections.Mapping",
        ),
        ("def f():\n    import imp\n", "3.12", "unknown", "when called: own/__init__.py:2: imp is gone"),
        ("print 'two'\n", "3.12", "unknown", "does not parse"),
    ],
)
def test_what_breaks_on_import_breaks_and_everything_else_is_unknown(tmp_path, text, python, state, words):
    found = said(tmp_path, text, python)
    assert found[0] == state and words in found[1]


def test_a_wheel_is_read_once_and_judged_for_every_python(tmp_path):
    entry = wheel(tmp_path, "own", {"own.py": "import imp, cgi\n"})
    path = tmp_path / "wheels" / entry["name"]
    first = scan_wheel(path, entry["sha256"], tmp_path)
    path.unlink()
    assert scan_wheel(path, entry["sha256"], tmp_path) == first
    assert [sum("gone" in text for text, _met in list_breakages(first, (3, minor))) for minor in (11, 12, 13)] == [
        0,
        1,
        2,
    ]


def test_what_is_no_wheel_is_named(tmp_path):
    (tmp_path / "x.whl").write_bytes(b"no zip")
    with pytest.raises(ValueError, match=r"x\.whl is no wheel"):
        scan_wheel(tmp_path / "x.whl", "0" * 64, tmp_path)
