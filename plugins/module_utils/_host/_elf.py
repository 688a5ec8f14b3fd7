# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what matters of an ELF file (elf(5), System V ABI): nothing is mapped into this process as code and nothing is run."""

import os
import re
import struct
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

MACHINES = {
    3: "i386",
    8: "mips",
    20: "ppc",
    21: "ppc64",
    22: "s390x",
    40: "arm",
    62: "x86_64",
    183: "aarch64",
    243: "riscv64",
    258: "loongarch64",
}
LOAD, DYNAMIC, INTERPRETER, GNU_STACK = 1, 2, 3, 0x6474E551
NEEDED, HASH, STRTAB, SYMTAB, STRSZ, SONAME, RPATH, RUNPATH = 1, 4, 5, 6, 10, 14, 15, 29
EXECUTABLE = 1
TABLE_LIMIT = 16 << 20
GLIBC = re.compile(rb"\0GLIBC_(\d+)\.(\d+)(?=[.\0])")


class Elf(NamedTuple):
    """Machine, program interpreter, needed libraries, search paths, whether the stack is executable, newest glibc version needed."""

    machine: str
    interpreter: Optional[str]
    needed: List[str]
    search: List[str]
    executable_stack: bool
    glibc: Optional[str]


class _Image:
    def __init__(self, handle: int) -> None:
        self._handle = handle
        head = os.pread(handle, 64, 0)
        if len(head) < 52 or head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
            raise ValueError("not an ELF file")
        self.wide = head[4] == 2
        self.order = "<" if head[5] == 1 else ">"
        self.machine = struct.unpack_from(self.order + "H", head, 18)[0]
        if self.wide:
            (offset,) = struct.unpack_from(self.order + "Q", head, 32)
            size, count = struct.unpack_from(self.order + "HH", head, 54)
        else:
            (offset,) = struct.unpack_from(self.order + "I", head, 28)
            size, count = struct.unpack_from(self.order + "HH", head, 42)
        if size < (56 if self.wide else 32) or count > 256:
            raise ValueError("odd ELF header")
        table = os.pread(handle, size * count, offset)
        self.segments: List[Tuple[int, int, int, int, int]] = []
        for index in range(len(table) // size):
            if self.wide:
                kind, flags, start, address, _physical, length = struct.unpack_from(
                    self.order + "IIQQQQ", table, index * size
                )
            else:
                kind, start, address, _physical, length, _memory, flags = struct.unpack_from(
                    self.order + "IIIIIII", table, index * size
                )
            self.segments.append((kind, flags, start, address, length))

    def bytes_at(self, offset: int, size: int) -> bytes:
        return os.pread(self._handle, min(size, TABLE_LIMIT), offset)

    def offset_of(self, address: int) -> int:
        for kind, _flags, start, begin, length in self.segments:
            if kind == LOAD and begin <= address < begin + length:
                return start + address - begin
        raise ValueError("address outside every segment")

    def dynamic(self) -> List[Tuple[int, int]]:
        for kind, _flags, start, _address, length in self.segments:
            if kind == DYNAMIC:
                data = self.bytes_at(start, min(length, 1 << 16))
                step = 16 if self.wide else 8
                entries = [
                    struct.unpack_from(self.order + ("qQ" if self.wide else "iI"), data, at)
                    for at in range(0, len(data) - step + 1, step)
                ]
                end = next((index for index, entry in enumerate(entries) if entry[0] == 0), len(entries))
                return [(int(tag), int(value)) for tag, value in entries[:end]]
        return []


def _string(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def read(handle: int, versions: bool = False) -> Optional[Elf]:
    """What the ELF file open as *handle* says; None for anything else. *versions*: find the newest glibc version needed, too."""
    try:
        image = _Image(handle)
        interpreter, stack = None, True
        for kind, flags, start, _address, length in image.segments:
            if kind == INTERPRETER:
                interpreter = _string(image.bytes_at(start, min(length, 4096)))
            elif kind == GNU_STACK:
                stack = bool(flags & EXECUTABLE)
        values: Dict[int, List[int]] = {}
        for tag, value in image.dynamic():
            values.setdefault(tag, []).append(value)
        needed: List[str] = []
        search: List[str] = []
        glibc = None
        if STRTAB in values:
            table = image.bytes_at(image.offset_of(values[STRTAB][0]), values.get(STRSZ, [0])[0])
            needed = [_string(table[at : at + 512]) for at in values.get(NEEDED, [])[:512]]
            paths = values.get(RUNPATH) or values.get(RPATH) or []
            search = [part for at in paths for part in _string(table[at : at + 8192]).split(":") if part]
            if versions:
                newest = max(((int(major), int(minor)) for major, minor in GLIBC.findall(table)), default=None)
                glibc = "%d.%d" % newest if newest else None
    except (ValueError, struct.error, OSError, OverflowError):
        return None
    return Elf(MACHINES.get(image.machine, str(image.machine)), interpreter, needed, search, stack, glibc)


def undefined(handle: int) -> Set[str]:
    """The symbols that the ELF file open as *handle* needs and does not define; empty for anything else."""
    try:
        image = _Image(handle)
        values = dict(reversed(image.dynamic()))
        names = image.bytes_at(image.offset_of(values[STRTAB]), values[STRSZ])
        width = 24 if image.wide else 16
        if HASH in values:
            (count,) = struct.unpack_from(image.order + "4xI", image.bytes_at(image.offset_of(values[HASH]), 8))
        else:
            # Linkers put the names behind the symbols; where they do not, what follows is no symbol and has no name.
            count = max(0, values[STRTAB] - values[SYMTAB]) // width
        table = image.bytes_at(image.offset_of(values[SYMTAB]), width * count)
        form = image.order + ("IBBHQQ" if image.wide else "IIIBBH")
        found = set()
        for at in range(0, len(table) - width + 1, width):
            fields = struct.unpack_from(form, table, at)
            section = fields[3] if image.wide else fields[5]
            if section == 0 and 0 < fields[0] < len(names):
                found.add(_string(names[fields[0] : fields[0] + 512]))
        return found
    except (KeyError, ValueError, struct.error, OSError, OverflowError):
        return set()
