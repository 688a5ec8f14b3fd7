# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a transaction: its identifier, what it makes beside live parts, and the acts that it has begun.

Every name that a transaction gives to something has its identifier. ``transaction.json`` names what to remove once the
transaction is closed, and is written before that is made. ``acts`` has a line for each act, written before the act.
"""

import os
import time
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    build_process_environment,
    call_as_identity,
    resolve_uid,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import require_success, run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import remove_tree
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import (
    read_json,
    remove_quietly,
    sync_directory,
    write_json,
)

DISCARD_SECONDS = 300.0
# Events of history entries that say that a transaction was committed.
COMMITTED = ("promoted", "restored")


class Place(NamedTuple):
    """A directory in which a transaction renames, and the account that renames there."""

    directory: str
    who: Identity


def make_identifier() -> str:
    """An identifier that no other transaction has: the time in UTC, and eight random digits."""
    return "%s-%s" % (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), os.urandom(4).hex())


def get_token_name(identifier: str) -> str:
    """The name of the empty file by which ``undo.sh`` knows the directories that transaction *identifier* works in."""
    return ".oxzep7-undo-%s" % identifier


def make_token(path: str) -> None:
    """Make the empty file *path*, durably. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    os.close(handle)
    sync_directory(os.path.dirname(path))


class Journal:
    """The journal of one transaction of *state*. The lease must be held."""

    def __init__(self, state: ApplicationState, identifier: Optional[str] = None) -> None:
        """Begin a journal; nothing is written before the first call of `note`."""
        self.identifier = identifier or make_identifier()
        self._state = state
        self._record: Dict[str, Any] = {"id": self.identifier, "beside": [], "discard": [], "places": []}

    def note(self, **facts: Any) -> None:
        """Add *facts* to ``transaction.json``, those that are lists at the end of the present ones. Raises OSError."""
        for key, value in facts.items():
            self._record[key] = self._record.get(key, []) + value if isinstance(value, list) else value
        write_json(self._state.journal_path, self._record)

    def release(self, **parts: List[Any]) -> None:
        """Keep the complete *parts*, lists that `note` added, when the transaction is closed. Raises OSError."""
        for key, value in parts.items():
            self._record[key] = [part for part in self._record[key] if part not in value]
        write_json(self._state.journal_path, self._record)

    def note_places(self, places: Sequence[Place]) -> None:
        """Note *places*, and make in each the file by which ``undo.sh`` knows it. Raises OSError."""
        self.note(places=[[place.directory, place.who.uid] for place in places])
        for place in places:
            path = os.path.join(place.directory, get_token_name(self.identifier))
            call_as_identity(place.who, make_token, path)

    def note_act(self, act: str) -> None:
        """Write down *act*, which begins now. Raises OSError."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        handle = os.open(self._state.acts_path, flags, 0o600)
        try:
            os.write(handle, ("%s %s\n" % (self.identifier, act)).encode("utf-8"))
            os.fsync(handle)
        finally:
            os.close(handle)
        sync_directory(self._state.directory)


def read_journal(state: ApplicationState) -> Dict[str, Any]:
    """The content of ``transaction.json``; empty without one. Raises ValueError, OSError."""
    return dict(read_json(state.journal_path) or {})


def remove_made_parts(state: ApplicationState) -> List[str]:
    """Remove what the closed transaction of *state* made beside live parts; returns a sentence for each failure.

    After a commit these parts are live, under other names, and only the files that mark directories are removed.
    """
    problems: List[str] = []
    try:
        journal = read_journal(state)
        committed = [entry.get("transaction") for entry in state.read()["history"] if entry["event"] in COMMITTED]
    except (ValueError, OSError) as error:
        return [str(error)]
    for directory, uid in journal.get("places", []):
        path = os.path.join(directory, get_token_name(journal["id"]))
        try:
            call_as_identity(resolve_uid(uid), remove_quietly, path)
        except (CollectionError, OSError) as error:
            problems.append("%s could not be removed: %s" % (path, error))
    if not journal or journal["id"] in committed:
        return problems
    for path in journal["beside"]:
        try:
            remove_tree(path)
        except OSError as error:
            problems.append("%s could not be removed: %s" % (path, error))
    for words, uid, variables in journal["discard"]:
        try:
            who = resolve_uid(uid)
            environment = dict(build_process_environment(who), **variables)
            require_success("discard", run_command(words, DISCARD_SECONDS, who, environment=environment))
        except (CollectionError, OSError) as error:
            problems.append(str(error))
    return problems
