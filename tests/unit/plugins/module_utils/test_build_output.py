# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What builds and interpreters print when something is missing, and what people are told of it."""

import os

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity
from ansible_collections.oxzep7.python.plugins.module_utils._packages._build_output import (
    PROVIDERS,
    explain_broken_start,
    find_missing_prerequisite,
    is_compiler_failure,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheel_build import find_closed_directory


@pytest.mark.parametrize(
    "said, name, debian, rpm, suse",
    [
        (
            "src/x.c:1:10: fatal error: libpq-fe.h: No such file or directory",
            "libpq-fe.h",
            "libpq-dev",
            "libpq-devel",
            "postgresql-devel",
        ),
        (
            "x.c:1:10: fatal error: 'libpq-fe.h' file not found",
            "libpq-fe.h",
            "libpq-dev",
            "libpq-devel",
            "postgresql-devel",
        ),
        ("Error: pg_config executable not found.", "pg_config", "libpq-dev", "libpq-devel", "postgresql-devel"),
        (
            "/bin/sh: 1: mysql_config: not found",
            "mysql_config",
            "default-libmysqlclient-dev",
            "mariadb-connector-c-devel",
            "libmariadb-devel",
        ),
        (
            "Exception: Can not find valid pkg-config name.\nSpecify MYSQLCLIENT_CFLAGS",
            "mysqlclient",
            "default-libmysqlclient-dev",
            "mariadb-connector-c-devel",
            "libmariadb-devel",
        ),
        (
            "fatal error: Python.h: No such file or directory",
            "Python.h",
            "python3-dev",
            "python3-devel",
            "python3-devel",
        ),
        (
            "Could not run curl-config: [Errno 2] No such file or directory: 'curl-config'",
            "curl-config",
            "libcurl4-openssl-dev",
            "libcurl-devel",
            "libcurl-devel",
        ),
        ("/usr/bin/ld: cannot find -lxml2: No such file", "-lxml2", "libxml2-dev", "libxml2-devel", "libxml2-devel"),
        ("error: command 'gcc' failed: No such file or directory", "gcc", "build-essential", "gcc", "gcc"),
        ("error: can't find Rust compiler", "cargo", "cargo", "cargo", "cargo"),
    ],
)
def test_what_is_missing_is_named_with_the_packages_of_three_families(said, name, debian, rpm, suse):
    found = find_missing_prerequisite(said)
    assert found and found.name == name
    assert found.describe() == "%s (Debian: %s, RPM: %s, SUSE: %s)" % (name, debian, rpm, suse)


def test_a_header_that_no_table_has_is_named_alone():
    found = find_missing_prerequisite("fatal error: own/thing.h: No such file or directory")
    assert found and found.describe() == "own/thing.h"
    assert find_missing_prerequisite("SyntaxError: invalid syntax") is None


def test_each_row_has_three_packages():
    assert all(len(row) == 4 and all(row) for row in PROVIDERS)


def test_a_compiler_that_failed_is_recognized():
    assert is_compiler_failure("a.c:1:2: error: x") and not is_compiler_failure(
        "ModuleNotFoundError: No module named 'imp'"
    )


@pytest.mark.parametrize(
    "said, part",
    [
        (
            "/opt/p/bin/python3.8: error while loading shared libraries: libpython3.8.so.1.0: cannot open shared object"
            " file: No such file or directory",
            "it does not find its library libpython3.8.so.1.0; link it with the run path",
        ),
        (
            "python: error while loading shared libraries: libcrypt.so.1: cannot open shared object file",
            "libcrypt.so.1",
        ),
        ("python3.9: /lib/libc.so.6: version `GLIBC_2.34' not found (required by x)", "built for GLIBC_2.34"),
    ],
)
def test_why_an_interpreter_does_not_start(said, part):
    assert part in (explain_broken_start(said) or "")
    assert explain_broken_start("Segmentation fault") is None


def test_the_directory_that_an_account_cannot_enter_is_named(tmp_path):
    """As for an interpreter in the home directory of root."""
    home = tmp_path.resolve() / "home"
    (home / "python" / "bin").mkdir(parents=True)
    program = home / "python" / "bin" / "python3.9"
    program.write_text("")
    link = tmp_path.resolve() / "link"
    link.symlink_to(program)
    owner = Identity("owner", home.stat().st_uid, home.stat().st_gid, (), "/")
    other = Identity("other", 12345, 12345, (), "/")
    member = Identity("member", 12345, 12345, (home.stat().st_gid,), "/")
    for folder in [home, *home.parents]:
        if os.stat(str(folder)).st_uid == os.geteuid() and str(folder).startswith(str(tmp_path.resolve().parent)):
            os.chmod(str(folder), 0o755)
    reachable = find_closed_directory(str(tmp_path.resolve()), other) is None
    os.chmod(str(home), 0o710)
    assert find_closed_directory(str(program), owner) is None
    if reachable:
        assert find_closed_directory(str(program), other) == str(home)
        assert find_closed_directory(str(link), other) == str(home)
        assert find_closed_directory(str(program), member) is None
