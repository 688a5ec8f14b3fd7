# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says how a modified file differs from what its package shipped, where another environment of the host still has the original."""

import base64
import difflib
import hashlib
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._site_packages import (
    TEXT_LIMIT,
    decode_short_text,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import read_without_symlinks

DIFF_LINES = 400


def compute_record_hash(data: bytes, algorithm: str) -> str:
    """The hash of *data* as RECORD writes it (PEP 376)."""
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, data).digest()).rstrip(b"=").decode("ascii")
    return "%s=%s" % (algorithm, digest)


def make_unified_diff(original: str, text: str, path: str) -> str:
    """The unified diff from *original* to *text*, cut after 400 lines."""
    lines = list(
        difflib.unified_diff(original.splitlines(), text.splitlines(), path + " (as recorded)", path, lineterm="")
    )
    rest = len(lines) - DIFF_LINES
    return "\n".join(lines[:DIFF_LINES] + (["… %d more lines" % rest] if rest > 0 else [])) + "\n"


def strip_site_packages(path: str) -> str:
    """*path* without the part that differs between versions of Python: what follows ``site-packages/``."""
    return path.rpartition("-packages/")[2]


def add_host_diffs(environments: List[Dict[str, Any]]) -> None:
    """Replace ``text`` of each modified file by ``diff`` where an original is found; ``text`` stays where none is."""
    holders: Dict[Tuple[str, Optional[str]], List[Dict[str, Any]]] = {}
    wanted = {
        (entry["package"], entry["version"])
        for environment in environments
        for entry in environment["modified"] or []
        if entry.get("text") is not None
    }
    for environment in environments if wanted else []:
        for package in environment["packages"]:
            if (package["name"], package["version"]) in wanted:
                holders.setdefault((package["name"], package["version"]), []).append(environment)
    for environment in environments:
        for entry in environment["modified"] or []:
            entry["diff"] = None
            if entry.get("text") is None:
                continue
            original = _find_original(
                entry, [other for other in holders[(entry["package"], entry["version"])] if other is not environment]
            )
            if original is not None:
                entry["diff"] = make_unified_diff(
                    original, entry.pop("text"), environment["path"] + "/" + entry["path"]
                )


def _find_original(entry: Dict[str, Any], others: List[Dict[str, Any]]) -> Optional[str]:
    algorithm = entry["recorded"].partition("=")[0]
    for other in others:
        for site in other["sites"]:
            path = (
                entry["path"] if "-packages/" not in entry["path"] else site + "/" + strip_site_packages(entry["path"])
            )
            try:
                data = read_without_symlinks(other["path"] + "/" + path, TEXT_LIMIT + 1)
            except OSError:
                continue
            if compute_record_hash(data, algorithm) == entry["recorded"]:
                return decode_short_text(data)
    return None
