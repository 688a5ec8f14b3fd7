# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The labelled corpus of the scanner: small programs, and the removed names that must be found in each.

``corpus.txt`` has ``### TARGET: NAMES`` before each program. ``idioms.txt`` has what real projects do, with a name
(``### NAME TARGET: NAMES``) and further files (``--- PATH``); ``-`` stands for no names. All programs come from
Python 3.8. A part of the idioms is held out, by a hash of their names: it measures the scanner, which is not to be
changed after its mistakes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import tempfile
from collections.abc import Iterable

from ansible_collections.oxzep7.python.plugins.module_utils._source._tree import ScanRequest, scan_application
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning import _stdlib_changes

DIRECTORY = pathlib.Path(__file__).resolve().parent
CURRENT = (3, 8)
# Of 256 values of the first byte of a hash: the idioms with those below are held out, a quarter of the whole corpus.
HELD_OUT_BELOW = 104


@dataclasses.dataclass(frozen=True)
class Snippet:
    """A program for *target* with the text of each file by path, and the names to find."""

    name: str
    target: tuple[int, ...]
    expected: frozenset[str]
    files: dict[str, str]

    @property
    def held_out(self) -> bool:
        """Whether it belongs to the part that is only looked at to measure."""
        return bool(self.name) and hashlib.sha256(self.name.encode()).digest()[0] < HELD_OUT_BELOW


@dataclasses.dataclass(frozen=True)
class Score:
    """Names that were found rightly and wrongly, those that were missed, and a text for each snippet with mistakes."""

    count: int
    right: int
    wrong: int
    missed: int
    faults: tuple[str, ...]

    @property
    def precision(self) -> float:
        """The part of what was found that is right."""
        return self.right / (self.right + self.wrong)

    @property
    def recall(self) -> float:
        """The part of what is to be found that was found."""
        return self.right / (self.right + self.missed)


def _parse_target(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def read_corpus() -> list[Snippet]:
    """All snippets; those of ``corpus.txt`` have no names."""
    found = []
    for source in ("corpus.txt", "idioms.txt"):
        for part in (DIRECTORY / source).read_text(encoding="utf-8").split("### ")[1:]:
            head, _newline, code = part.partition("\n")
            title, _colon, names = head.partition(": ")
            name, _space, target = title.rpartition(" ")
            files = {"main.py": ""}
            path = "main.py"
            for line in code.splitlines(keepends=True):
                if line.startswith("--- "):
                    path = line[4:].strip()
                    files[path] = ""
                else:
                    files[path] += line
            found.append(Snippet(name, _parse_target(target), frozenset(names.split()) - {"-"}, files))
    return found


def scan_snippet(snippet: Snippet) -> set[str]:
    """The names that a scan of the files of *snippet* finds."""
    with tempfile.TemporaryDirectory() as directory:
        for path, text in snippet.files.items():
            place = pathlib.Path(directory, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        watched = _stdlib_changes.list_watched_names(CURRENT, snippet.target)
        answer = scan_application(ScanRequest(snippet.name, directory, [], []), watched, [])
    assert not answer["problems"], (snippet, answer["problems"])
    uses = [use[1:] for use in answer["uses"]]
    return {entry.change.name for entry in _stdlib_changes.find_broken_uses(uses, CURRENT, snippet.target)}


def score_snippets(snippets: Iterable[Snippet]) -> Score:
    """How the scanner does on *snippets*."""
    count = right = wrong = missed = 0
    faults = []
    for snippet in snippets:
        found = scan_snippet(snippet)
        count += 1
        right += len(found & snippet.expected)
        wrong += len(found - snippet.expected)
        missed += len(snippet.expected - found)
        if found != snippet.expected:
            code = "\n".join(f"--- {path}\n{text}" for path, text in snippet.files.items())
            faults.append(
                f"{snippet.name} {snippet.target}: found {sorted(found)}, expected {sorted(snippet.expected)}\n{code}"
            )
    return Score(count, right, wrong, missed, tuple(faults))
