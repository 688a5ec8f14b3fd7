# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an interpreter must be before it is used, told from its files; and checksums in files of their own."""

import shutil
import struct
import sys

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import InterpreterError, check_program
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._install import (
    parse_checksum_file,
    resolve_digest,
)

ONE, OTHER = "a" * 64, "B" * 64


@pytest.mark.parametrize(
    "text",
    [
        ONE,
        ONE + "\n",
        ONE + "  x.tar.gz\n" + OTHER + "  y.tar.gz\n",
        OTHER + " *dir/y.tar.gz\n" + ONE + " *dir/x.tar.gz",
    ],
)
def test_a_detached_checksum_is_that_of_the_file(text):
    assert parse_checksum_file(text, "x.tar.gz", "here") == ONE and resolve_digest(text, "x.tar.gz") == ONE


@pytest.mark.parametrize(
    "text", ["", "nonsense", OTHER + "  y.tar.gz", ONE + "\n" + OTHER, ONE + "  x.tar.gz\n" + OTHER + "  x.tar.gz"]
)
def test_a_checksum_that_cannot_be_meant_is_refused(text):
    with pytest.raises(InterpreterError, match=r"here has no SHA-256 for x\.tar\.gz"):
        parse_checksum_file(text, "x.tar.gz", "here")


def test_programs_for_other_machines_and_with_executable_stacks_are_refused(tmp_path):
    check_program(sys.executable)
    (tmp_path / "script").write_text("#!/bin/sh\n")
    check_program(str(tmp_path / "script"))
    path = str(tmp_path / "python")
    shutil.copyfile("/bin/sh", path)
    with open(path, "r+b") as stream:
        header = stream.read(64)
        offset, size, count = (
            struct.unpack_from("<Q", header, 32)[0],
            struct.unpack_from("<H", header, 54)[0],
            struct.unpack_from("<H", header, 56)[0],
        )
        for index in range(count):
            stream.seek(offset + index * size)
            kind, flags = struct.unpack("<II", stream.read(8))
            if kind == 0x6474E551:
                stream.seek(offset + index * size + 4)
                stream.write(struct.pack("<I", flags | 1))
    with pytest.raises(InterpreterError, match="asks for an executable stack"):
        check_program(path)
    with open(path, "r+b") as stream:
        stream.seek(18)
        stream.write(struct.pack("<H", 183 if header[18] == 62 else 62))
    with pytest.raises(InterpreterError, match="and this host is"):
        check_program(path)
    with pytest.raises(InterpreterError, match="cannot be read"):
        check_program(str(tmp_path / "none"))
