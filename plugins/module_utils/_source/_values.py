# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that a parameter no longer takes: one rule for each, by its name in ``function(parameter=rule)``."""

import ast
import re
from typing import Any, Callable, Dict, NamedTuple, Optional

GLOBAL_FLAGS = re.compile(r"\(\?[aiLmsux]+\)")
VERBOSE_NAMES = {"X", "VERBOSE"}
VERBOSE_SPACE = re.compile(r"(?:\s|#[^\n]*\n)*")
REGEX_ESCAPE = re.compile(r"\\.", re.DOTALL)
REGEX_SET = re.compile(r"\[\^?\]?[^\]]*\]")


class ValueRule(NamedTuple):
    """*hint* is in each text that can have such a value; *applies* judges an argument.

    It gets the call, the node of the argument and, where it is known, its text.
    """

    hint: Any
    applies: Callable[[Any, Any, Optional[str]], bool]


def _is_universal_mode(_call: Any, _node: Any, text: Optional[str]) -> bool:
    return text is not None and "U" in text and not text.strip("rbtU+")


def has_late_flags(pattern: str, verbose: bool) -> bool:
    """Whether the regular expression *pattern* has global flags, such as ``(?i)``, after its start."""
    start = 0
    while True:
        if verbose:
            space = VERBOSE_SPACE.match(pattern, start)
            start = space.end() if space else start
        flags = GLOBAL_FLAGS.match(pattern, start)
        if flags is None:
            break
        start = flags.end()
    # An escaped character neither begins nor ends a set or a group.
    rest = REGEX_SET.sub("", REGEX_ESCAPE.sub("_", pattern[start:]))
    return GLOBAL_FLAGS.search(rest) is not None


def _has_late_flags(call: Any, _node: Any, text: Optional[str]) -> bool:
    if text is None or "(?" not in text:
        return False
    names = {getattr(inner, "attr", getattr(inner, "id", "")) for inner in ast.walk(call)}
    return has_late_flags(text, bool(names & VERBOSE_NAMES))


def _is_set(_call: Any, node: Any, _text: Optional[str]) -> bool:
    if isinstance(node, (ast.Set, ast.SetComp)):
        return True
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")


VALUE_RULES: Dict[str, ValueRule] = {
    "U": ValueRule(re.compile("[\"'][rbt+]*U[rbt+]*[\"']"), _is_universal_mode),
    "late-flags": ValueRule(GLOBAL_FLAGS, _has_late_flags),
    "set": ValueRule(re.compile(r"\bsample\b"), _is_set),
}
