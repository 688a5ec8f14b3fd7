# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and identifiers: what may stand in paths and in shell text.

Each is one component of a path, no option of a program, and free of blanks and control characters; identifiers also
need no quoting in a shell.
"""

import re
from typing import Any, Dict, Pattern

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError


class NameRefusedError(CollectionError, ValueError):
    """A name that cannot be used; the text says what it names and how it is written."""


class NameType(str):
    """A kind of names, which an argument spec has as ``type``.

    It equals ``str``, as which such options are documented. Ansible calls it with the value of the option.
    """

    subject: str
    pattern: Pattern[str]
    advice: str

    def __new__(cls, subject: str, pattern: str, advice: str) -> "NameType":
        """*subject* is what names of this kind name, and *advice* how they are written."""
        made = super().__new__(cls, "str")
        made.subject, made.pattern, made.advice = subject, re.compile(pattern), advice
        # What Ansible calls the type in its messages.
        made.__dict__["__name__"] = subject
        return made

    def __deepcopy__(self, _memo: Any) -> "NameType":
        """Itself: it never changes."""
        return self

    def matches(self, value: str) -> bool:
        """Whether *value* is a name of this kind."""
        return self.pattern.fullmatch(value) is not None

    def or_empty(self) -> "NameType":
        """The same kind, and the empty name for none."""
        return NameType(self.subject, "(?:%s)?" % self.pattern.pattern, self.advice)

    def __call__(self, value: Any) -> str:
        """*value* as text. Raises NameRefusedError."""
        if isinstance(value, (str, int)) and not isinstance(value, bool) and self.matches(str(value)):
            return str(value)
        raise NameRefusedError("%s cannot be %r; use %s" % (self.subject, value, self.advice))


_IDENTIFIER = "[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}"
_IDENTIFIER_ADVICE = "at most 100 letters, digits, '.', '_', '+' and '-', of which the first is a letter or a digit"
APPLICATION_NAME = NameType(
    "the name of an application",
    "[a-z0-9][a-z0-9_.-]{0,62}",
    "lower-case letters, digits, '_', '.' and '-', at most 63",
)
RUN_ID = NameType("the identifier of a run", _IDENTIFIER, _IDENTIFIER_ADVICE + " (oxzep7_run_id)")
PLAN_ID = NameType("the identifier of a plan", _IDENTIFIER, "the identifier that the plan shows (oxzep7_plan_id)")
BACKUP_ID = NameType("the identifier of a backup", _IDENTIFIER, "an identifier that backup_info shows, or newest")
# Also a moment, and a run with a prefix.
GENERATION_ID = NameType(
    "the identifier of a generation",
    "[A-Za-z0-9][A-Za-z0-9_.:+-]{0,119}",
    "an identifier in the record of the application, previous, or a day or moment (oxzep7_generation)",
)
LOCK_ID = NameType("the identifier of a lock", "[0-9a-f]{64}", "the hexadecimal SHA-256 of its text")
DATABASE_FILE = NameType(
    "the name of a database's file",
    "[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}",
    "letters, digits, '_', '.' and '-', of which the first is none of the last two",
)
# Names of systemd have backslashes, those of supervisor colons, and those of domains both.
ACCOUNT_NAME = NameType(
    "the name of an account",
    r"[A-Za-z0-9_][A-Za-z0-9_.@+\\$-]{0,255}",
    "the name of an account of the host, without blanks, '/' and ':'",
)
SERVICE_NAME = NameType(
    "the name of a service",
    r"[A-Za-z0-9_@:\\][A-Za-z0-9_@:.\\+-]{0,254}",
    "the full name of a systemd unit, or a name of letters, digits, '_', '@', ':', '.', '+' and '-'",
)
# libpq takes a name with '=' or '://' for a connection string.
DATABASE_NAME = NameType(
    "the name of a database",
    r"\w[\w.$@+ -]{0,127}",
    "letters, digits, blanks, '_', '.', '$', '@', '+' and '-', of which the first is a letter, a digit or '_'",
)
# The options of modules that are identifiers wherever they occur.
NAME_OPTIONS = {
    "application": APPLICATION_NAME,
    "run_id": RUN_ID,
    "run": RUN_ID,
    "plan_id": PLAN_ID,
    "backup": BACKUP_ID,
    "generation": GENERATION_ID,
}


def restrict_names(argument_spec: Dict[str, Any]) -> Dict[str, Any]:
    """*argument_spec* with the types of the options that are identifiers; one whose default is empty may be empty."""
    spec = dict(argument_spec)
    for name, kind in NAME_OPTIONS.items():
        entry = spec.get(name)
        if entry is not None and entry.get("type", "str") == "str":
            spec[name] = dict(entry, type=kind.or_empty() if not entry.get("default", kind) else kind)
    return spec
