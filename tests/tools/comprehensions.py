# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuses comprehensions that need more than one line: they become a loop, or a function with a name.

``python -m tests.tools.comprehensions`` prints each with its file and line, and ends with 1 if there is one.
"""

from __future__ import annotations

import ast
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def find_long_comprehensions(folder: str = "plugins") -> list[str]:
    """The comprehensions below *folder* that span lines, as ``path:line``."""
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, KINDS) and node.end_lineno != node.lineno:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}: a comprehension over lines; write a loop")
    return found


def main() -> None:
    """Print the comprehensions and end with 1, or end with 0."""
    found = find_long_comprehensions()
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
