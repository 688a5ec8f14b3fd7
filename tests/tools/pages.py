# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages of the documentation that are written from code and specifications.

``python -m tests.tools.pages`` writes them; ``--check`` ends with 1 and names those that differ.
"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Iterator

from tests.tools import findings, options_page, role_options, role_readmes, tree

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def insert_between(text: str, begin: str, end: str, content: str) -> str:
    """*text* with *content* between the lines *begin* and *end*. Raises ValueError without those lines."""
    before, found, rest = text.partition(begin)
    _old, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"the page has no {begin!r} followed by {end!r}")
    return f"{before}{begin}\n{content}\n{end}{after}"


def write_rooms(text: str) -> str:
    """*text* of the architecture page, with the table of the rooms."""
    rows = ["| room | contents |", "|---|---|"]
    for room, purpose in tree.ROOMS.items():
        rows.append(f"| `plugins/{room.replace('.', '/')}` | {purpose} |")
    return insert_between(text, "<!-- rooms: python -m tests.tools.pages -->", "<!-- end of rooms -->", "\n".join(rows))


def render_pages() -> Iterator[tuple[pathlib.Path, str]]:
    """Each generated page and its text, one after the other: later pages read what earlier ones have written."""
    yield role_options.SPECIFICATION, role_options.render_specification()
    yield from role_readmes.render_readmes().items()
    yield DOCS / "options.md", options_page.format_page()
    yield DOCS / "findings.md", findings.render_page()
    architecture = DOCS / "architecture.md"
    yield architecture, write_rooms(architecture.read_text(encoding="utf-8"))


def list_stale_pages(write: bool) -> list[pathlib.Path]:
    """The pages that differ from what they are made of; with *write* they are written."""
    stale = []
    for path, text in render_pages():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path)
            if write:
                path.write_text(text, encoding="utf-8")
    return stale


def main() -> None:
    """Write the pages, or compare them."""
    checking = "--check" in sys.argv[1:]
    stale = list_stale_pages(write=not checking)
    if checking and stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        sys.exit(f"{names}: not current; run make pages")


if __name__ == "__main__":
    main()
