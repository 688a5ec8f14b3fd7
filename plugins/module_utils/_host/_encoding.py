# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of files in UTF-8 on Python 3.6, which in the locale C takes them for ASCII and refuses all others.

Later versions use UTF-8 there by themselves (PEP 540).
"""

import codecs
import os
import sys
from typing import Any, List

# What CPython 3.6 was pointed at; it must stay as long as the process.
_KEPT: List[Any] = []


def _encode_name(name: Any) -> bytes:
    """As `os.fsencode`."""
    name = os.fspath(name)
    return name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name


def _decode_name(name: Any) -> str:
    """As `os.fsdecode`."""
    name = os.fspath(name)
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name


def use_utf8_names() -> None:
    """Use UTF-8 for the names of files, the words of commands and variables in this process, where Python uses ASCII.

    Names in another encoding stay what they are, as everywhere in Python (PEP 383).
    """
    if sys.version_info >= (3, 7) or codecs.lookup(sys.getfilesystemencoding()).name != "ascii":
        return
    import ctypes

    _KEPT.append(ctypes.create_string_buffer(b"utf-8"))
    # The variables are public parts of its C API. The first says that the second is not to be freed.
    ctypes.c_int.in_dll(ctypes.pythonapi, "Py_HasFileSystemDefaultEncoding").value = 1
    encoding = ctypes.c_void_p.in_dll(ctypes.pythonapi, "Py_FileSystemDefaultEncoding")
    encoding.value = ctypes.addressof(_KEPT[-1])
    # These remember the encoding that Python began with.
    os.fsencode = _encode_name
    os.fsdecode = _decode_name
    for kind in ("key", "value"):
        setattr(os.environ, "encode" + kind, _encode_name)
        setattr(os.environ, "decode" + kind, _decode_name)
    tarfile: Any = sys.modules.get("tarfile")
    if tarfile is not None:
        tarfile.TarFile.encoding = "utf-8"
