# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walking directories."""

import os

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import walk


def environment(path):
    path.mkdir(parents=True)
    (path / "pyvenv.cfg").write_text("home = /usr/bin\n")
    return str(path)


def test_environments_are_found_and_not_entered(tmp_path):
    first, second = environment(tmp_path / "a" / "venv"), environment(tmp_path / "b" / ".venv")
    environment(tmp_path / "a" / "venv" / "lib" / "nested")
    assert walk([str(tmp_path)], []).environments == [first, second]


def test_symlinks_and_loops_are_not_followed(tmp_path):
    (tmp_path / "d").mkdir()
    os.symlink("..", str(tmp_path / "d" / "up"))
    os.symlink("/", str(tmp_path / "d" / "root"))
    assert walk([str(tmp_path / "d")], []).environments == []


def test_excluded_directories_are_not_entered(tmp_path):
    environment(tmp_path / "skip" / "venv")
    kept = environment(tmp_path / "keep" / "venv")
    assert walk([str(tmp_path)], [str(tmp_path / "skip")]).environments == [kept]


def test_roots_inside_each_other_count_once(tmp_path):
    found = environment(tmp_path / "a" / "venv")
    assert walk([str(tmp_path), str(tmp_path / "a")], []).environments == [found]


def test_interpreters_are_real_executables_with_a_minor(tmp_path):
    binaries = tmp_path / "py" / "bin"
    binaries.mkdir(parents=True)
    for name, mode in (("python3.9", 0o755), ("python3.8", 0o644), ("python3", 0o755), ("python3.9-config", 0o755)):
        (binaries / name).write_text("")
        (binaries / name).chmod(mode)
    os.symlink("python3.9", str(binaries / "python3.7"))
    assert walk([str(tmp_path)], []).interpreters == [str(binaries / "python3.9")]
