# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps documentation, docstrings, comments, messages and task names in plain technical English.

``python -m tests.tools.words`` prints each phrase of `REFUSED` with its file and line, and ends with 1 if any is found.
"""

from __future__ import annotations

import ast
import io
import pathlib
import re
import sys
import tokenize
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ("*.md", "docs/*.md", "docs/docsite/**/*.rst", "roles/*/README.md", ".github/**/*.md")
CODE = ("plugins/**/*.py",)
TASKS = ("roles/**/*.yml", "playbooks/*.yml", "meta/*.yml", "galaxy.yml")
# Written by antsibull-changelog.
GENERATED = ("CHANGELOG.md",)
# The phrase, and what to write instead.
REFUSED = {
    r"\bnobody\b": "name who does not: no account, no operator, no index",
    r"\bsomebody\b": "name who does: another run, an operator, a process",
    r"\bwhoever\b": "name who does",
    r"\bwhat is not\b": "name the thing",
    r"\bwhat is there\b": "name the thing",
    r"\bcan be had\b": "is available",
    r"\bcannot be had\b": "is not available",
    r"\bto be had\b": "available",
    r"\bto have it\b": "name the action",
    r"\bis said\b": "is reported, is shown",
    r"\bare said\b": "are reported, are shown",
    r"\bsays? so\b": "is reported",
    r"\btold\b": "reported, given, set",
    r"\bmet\b": "found, reached, seen",
    r"\bwhat became of\b": "the result of, the outcome of",
    r"\bmend(ed|s)?\b": "repair, correct, resolve",
    r"\blook(s|ed)? ahead\b": "preflight",
    r"\bgo(es)? on with\b": "continue with",
    r"\bthat it is meant\b": "name the thing",
    r"\bwhat is meant\b": "the selection",
    r"\bby itself alone\b": "alone",
    r"\ball that is\b": "everything that is",
    r"\bto do it\b": "name the action",
    r"\b[Jj]udge it\b": "name the subject",
    r"^Do it\b": "name the action",
    r"\bof its own accord\b": "on its own",
    r"\bwherever it is\b": "name the place",
}
PATTERNS = {re.compile(phrase): advice for phrase, advice in REFUSED.items()}
Line = tuple[pathlib.Path, int, str]


def list_files(patterns: tuple[str, ...]) -> Iterator[pathlib.Path]:
    """The files of the tree that match *patterns*, without the generated ones."""
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            if path.name not in GENERATED and "_data" not in path.parts:
                yield path


def read_page(path: pathlib.Path) -> Iterator[Line]:
    """The lines of a page, without its blocks of code."""
    fenced = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield path, number, re.sub(r"`[^`]*`", "", line)


def read_code(path: pathlib.Path) -> Iterator[Line]:
    """The comments and the lines of all string literals of a program: docstrings, documentation and messages."""
    text = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield path, token.start[0], token.string.lstrip("# ")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            for offset, line in enumerate(node.value.splitlines()):
                yield path, node.lineno + offset, line.strip()


def read_tasks(path: pathlib.Path) -> Iterator[Line]:
    """The lines of a YAML file that are for people: names, messages, descriptions and comments."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        yield path, number, re.sub(r"^\s*(- )?(name|fail_msg|msg|description|short_description): \"?", "", line)


def find_refused() -> list[str]:
    """Every refused phrase of the tree, as ``path:line: phrase: advice``."""
    lines: list[Line] = []
    for patterns, reader in ((PAGES, read_page), (CODE, read_code), (TASKS, read_tasks)):
        for path in list_files(patterns):
            lines.extend(reader(path))
    found = []
    for path, number, line in lines:
        for pattern, advice in PATTERNS.items():
            match = pattern.search(line)
            if match:
                found.append(f"{path.relative_to(ROOT)}:{number}: {match.group()!r}: write instead: {advice}")
    return found


def main() -> None:
    """Print the refused phrases and end with 1, or end with 0."""
    found = find_refused()
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
