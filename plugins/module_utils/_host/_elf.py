# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads headers and tables of ELF files (elf(5), System V ABI) without mapping or executing any code."""

import os
import re
import struct
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

MACHINE_NAMES = {
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
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_GNU_STACK = 1, 2, 3, 0x6474E551
DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SONAME, DT_RPATH, DT_RUNPATH = 1, 4, 5, 6, 10, 14, 15, 29
PF_X = 1
TABLE_LIMIT = 16 << 20
GLIBC_VERSION = re.compile(rb"\0GLIBC_(\d+)\.(\d+)(?=[.\0])")


class ElfFile(NamedTuple):
    """Facts of an ELF file.

    Machine, program interpreter, needed libraries, their search paths, whether the stack is executable, and the newest
    glibc version needed.
    """

    machine: str
    interpreter: Optional[str]
    needed: List[str]
    search: List[str]
    executable_stack: bool
    glibc: Optional[str]


class _ElfImage:
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

    def read_bytes_at(self, offset: int, size: int) -> bytes:
        return os.pread(self._handle, min(size, TABLE_LIMIT), offset)

    def find_offset(self, address: int) -> int:
        for kind, _flags, start, begin, length in self.segments:
            if kind == PT_LOAD and begin <= address < begin + length:
                return start + address - begin
        raise ValueError("address outside every segment")

    def read_dynamic_entries(self) -> List[Tuple[int, int]]:
        for kind, _flags, start, _address, length in self.segments:
            if kind == PT_DYNAMIC:
                data = self.read_bytes_at(start, min(length, 1 << 16))
                step = 16 if self.wide else 8
                entries: List[Tuple[int, int]] = []
                for at in range(0, len(data) - step + 1, step):
                    tag, value = struct.unpack_from(self.order + ("qQ" if self.wide else "iI"), data, at)
                    if tag == 0:
                        break
                    entries.append((tag, value))
                return entries
        return []


def _decode_string(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _find_newest_glibc(table: bytes) -> Optional[str]:
    """The newest version of glibc that the string *table* names."""
    newest = (0, 0)
    for major, minor in GLIBC_VERSION.findall(table):
        newest = max(newest, (int(major), int(minor)))
    return "%d.%d" % newest if newest != (0, 0) else None


def read_elf(handle: int, versions: bool = False) -> Optional[ElfFile]:
    """Facts of the ELF file open as *handle*; None for another file. ``glibc`` is set only with *versions*."""
    try:
        image = _ElfImage(handle)
        interpreter, stack = None, True
        for kind, flags, start, _address, length in image.segments:
            if kind == PT_INTERP:
                interpreter = _decode_string(image.read_bytes_at(start, min(length, 4096)))
            elif kind == PT_GNU_STACK:
                stack = bool(flags & PF_X)
        values: Dict[int, List[int]] = {}
        for tag, value in image.read_dynamic_entries():
            values.setdefault(tag, []).append(value)
        needed: List[str] = []
        search: List[str] = []
        glibc = None
        if DT_STRTAB in values:
            table = image.read_bytes_at(image.find_offset(values[DT_STRTAB][0]), values.get(DT_STRSZ, [0])[0])
            for at in values.get(DT_NEEDED, [])[:512]:
                needed.append(_decode_string(table[at : at + 512]))
            for at in values.get(DT_RUNPATH) or values.get(DT_RPATH) or []:
                search += filter(None, _decode_string(table[at : at + 8192]).split(":"))
            if versions:
                glibc = _find_newest_glibc(table)
    except (ValueError, struct.error, OSError, OverflowError):
        return None
    return ElfFile(MACHINE_NAMES.get(image.machine, str(image.machine)), interpreter, needed, search, stack, glibc)


def find_undefined_symbols(handle: int) -> Set[str]:
    """The symbols that the ELF file open as *handle* needs and does not define; none for another file."""
    try:
        image = _ElfImage(handle)
        values = dict(reversed(image.read_dynamic_entries()))
        names = image.read_bytes_at(image.find_offset(values[DT_STRTAB]), values[DT_STRSZ])
        width = 24 if image.wide else 16
        if DT_HASH in values:
            (count,) = struct.unpack_from(
                image.order + "4xI", image.read_bytes_at(image.find_offset(values[DT_HASH]), 8)
            )
        else:
            # Linkers place the names behind the symbols; otherwise the entries that follow have no valid name.
            count = max(0, values[DT_STRTAB] - values[DT_SYMTAB]) // width
        table = image.read_bytes_at(image.find_offset(values[DT_SYMTAB]), width * count)
        form = image.order + ("IBBHQQ" if image.wide else "IIIBBH")
        found = set()
        for at in range(0, len(table) - width + 1, width):
            fields = struct.unpack_from(form, table, at)
            section = fields[3] if image.wide else fields[5]
            if section == 0 and 0 < fields[0] < len(names):
                found.add(_decode_string(names[fields[0] : fields[0] + 512]))
        return found
    except (KeyError, ValueError, struct.error, OSError, OverflowError):
        return set()
