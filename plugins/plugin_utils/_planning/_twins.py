# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages that load the same C library in one process, and whose builds must agree. The table is ``twins.toml``."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import DATA

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE = DATA / "twins.toml"
# What libraries and packages say where two versions of a library are loaded.
MISMATCH_PATTERN = re.compile(
    r"library version mismatch|version mismatch(?:ed)? error|headers are .* library is"
    r"|running against .* when it was built|built against .* (?:but|while)|different version of .* library"
    r"|undefined symbol: (?:xml|H5|nc_|GEOS|GDAL|OGR)",
    re.IGNORECASE,
)
WORD_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# Pairs of versions that are tried together.
MAXIMUM_PAIRS = 6


@dataclasses.dataclass(frozen=True)
class Twins:
    """Packages of one environment that load the same *library*."""

    library: str
    packages: tuple[str, ...]


@functools.cache
def load_twins() -> dict[str, frozenset[str]]:
    """The packages that load each library, by its name."""
    with TABLE.open("rb") as stream:
        return {library: frozenset(names) for library, names in tomllib.load(stream)["libraries"].items()}


def find_twins(text: str, suspects: Sequence[str], pins: Collection[str]) -> Twins | None:
    """The packages among *pins* whose builds do not agree, by the *text* of a failure; None for other failures.

    Those of the table that the text or the *suspects* name one of, or two packages that the text names itself.
    """
    if not MISMATCH_PATTERN.search(text):
        return None
    named = [name for name in dict.fromkeys(map(normalize_name, WORD_PATTERN.findall(text))) if name in pins]
    concerned = [*named, *(name for name in suspects if name in pins and name not in named)]
    for library, members in load_twins().items():
        there = tuple(sorted(members & set(pins)))
        if len(there) > 1 and members.intersection(concerned):
            return Twins(library, there)
    return Twins("the same library", tuple(sorted(named[:2]))) if len(named) > 1 else None


def iterate_twin_orders(
    twins: Twins, versions: Mapping[str, Sequence[str]], sources: Collection[str]
) -> Iterator[list[dict[str, str]]]:
    """Constraints to try together: all at later *versions*, nearest first; then all built, if all have *sources*.

    *versions* are requirements by package, nearest first. A package without any stays.
    """
    choices = []
    for name in twins.packages:
        later = list(versions.get(name) or ())
        # The next one, the middle and the newest stand for all.
        chosen = [later[number] for number in sorted({0, len(later) // 2, len(later) - 1})] if later else [""]
        choices.append(chosen)
    combined = sorted(
        itertools.product(*map(enumerate, choices)), key=lambda pairs: sum(number for number, _text in pairs)
    )
    for pairs in combined[:MAXIMUM_PAIRS]:
        rows = [{"requirement": text} for _number, text in pairs if text]
        if len(rows) > 1:
            yield rows
    if set(twins.packages) <= set(sources):
        yield [{"requirement": name, "build": "true"} for name in twins.packages]
