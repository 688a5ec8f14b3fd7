# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups the files of a ``site-packages`` directory that no package recorded, and recognizes their kinds."""

import hashlib
import os
import re
from typing import Any, Dict, Iterable, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._metadata import (
    METADATA_SUFFIX,
    PackageMetadata,
    path_exists,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    open_file,
    open_subdirectory,
    read_text_file,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._duplicates import LEFTOVER_MARK

PTH_CODE_LINE = re.compile(r"^import[ \t]")
# Installers write these into every environment and into no RECORD.
INSTALLER_FILES = {
    "README.txt",
    "README",
    "easy-install.pth",
    "setuptools.pth",
    "_virtualenv.py",
    "distutils-precedence.pth",
}
# Bytes of an entry for which a digest is computed.
DIGEST_LIMIT = 64 << 20
READ_BLOCK_SIZE = 1 << 20
KNOWN_PTH_CODE = {"_virtualenv.pth": ("import _virtualenv",)}


def group_loose_files(
    handle: int, paths: List[str], metadata: PackageMetadata, digest: bool = False
) -> List[Dict[str, Any]]:
    """The unmanaged entries among the loose *paths* of the open directory, sorted: ``{path, kind, files, size}``.

    A directory in which no package has a file is one entry. With *digest* each has ``digest``, too, which is None for
    more than 64 MiB and for what cannot be read.
    """
    owned = set(metadata.owned_names)
    if any("/" in path and not METADATA_SUFFIX.search(_get_top_level(path)) for path in paths):
        owned.update(_get_top_level(path) for path in metadata.recorded if "/" in path)
    groups: Dict[str, List[str]] = {}
    for path in paths:
        top = _get_top_level(path)
        known = METADATA_SUFFIX.search(top) and not top.startswith(LEFTOVER_MARK)
        if known or top in metadata.unrecorded_names:
            continue
        if path.endswith(".pyc") and path_exists(handle, path[:-1]):
            continue
        groups.setdefault(top + "/" if "/" in path and top not in owned else path, []).append(path)
    found = []
    for name in sorted(groups):
        kind = _detect_kind(handle, name)
        if kind:
            size = _sum_sizes(handle, groups[name])
            entry = {"path": name, "kind": kind, "files": len(groups[name]), "size": size}
            if digest:
                entry["digest"] = _compute_digest(handle, groups[name]) if size <= DIGEST_LIMIT else None
            found.append(entry)
    return found


def _get_top_level(path: str) -> str:
    return path.partition("/")[0]


def _detect_kind(handle: int, name: str) -> Optional[str]:
    """The kind of the file or, with a slash at the end, directory *name*; None for what installers leave."""
    if name.endswith(".pth"):
        return _detect_pth_kind(handle, name)
    if name in INSTALLER_FILES:
        return None
    if name in ("sitecustomize.py", "usercustomize.py"):
        return name[:-3]
    if name.startswith(LEFTOVER_MARK):
        return "leftover"
    return "module" if name.endswith(("/", ".py", ".so", ".pyc")) else "file"


def _detect_pth_kind(handle: int, name: str) -> Optional[str]:
    """``pth-code`` if Python runs a line of it at each start that is not an installer's."""
    text = read_text_file(name, handle) or ""
    code = [line.strip() for line in text.splitlines() if PTH_CODE_LINE.match(line) and "sys.__plen" not in line]
    if code and tuple(code) != KNOWN_PTH_CODE.get(name):
        return "pth-code"
    return None if name in INSTALLER_FILES or name in KNOWN_PTH_CODE else "pth"


def _sum_sizes(directory: int, paths: Iterable[str]) -> int:
    size = 0
    for path in paths:
        try:
            size += os.stat(path, dir_fd=directory, follow_symlinks=False).st_size
        except OSError:
            continue
    return size


def _compute_digest(directory: int, paths: List[str]) -> Optional[str]:
    """The digest of the file, or of the paths and contents of several, in the open *directory*."""
    digests = []
    for path in sorted(paths):
        own = _hash_file(directory, path)
        if own is None:
            return None
        digests.append((path, own))
    if len(digests) == 1:
        return "sha256:" + digests[0][1]
    text = "".join("%s %s\n" % (own, path) for path, own in digests)
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _hash_file(directory: int, path: str) -> Optional[str]:
    digest = hashlib.sha256()
    try:
        inside = open_subdirectory(directory, os.path.dirname(path))
        try:
            handle = open_file(os.path.basename(path), inside)
        finally:
            os.close(inside)
        with os.fdopen(handle, "rb") as stream:
            for block in iter(lambda: stream.read(READ_BLOCK_SIZE), b""):
                digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()
