# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes, completes and removes directories below ``*.generations``.

Every removal asks `find_reason_to_keep`: a directory goes only if its own record says that it is unfinished, or its
application's record that it is not needed, and if nothing else on this host needs it.
"""

import contextlib
import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application._backups import (
    holds_environment,
    read_known_backups,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._claims import HostRecord, read_host_records
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._directory_record import (
    DIRECTORY_RECORD_NAME,
    GENERATION,
    SCRATCH,
    DirectoryRecord,
    format_directory_record,
    list_directories,
    locate_live_path,
    read_directory_record,
    write_directory_record,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState, get_timestamp
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, call_as_identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._children import HelperError
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import remove_tree, remove_tree_as
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import DIRECTORY_FLAGS
from ansible_collections.oxzep7.python.plugins.module_utils._host._use import describe_use


class DirectoryFacts(NamedTuple):
    """What is known of a directory that is to be removed.

    ``place`` is the live path for which it would be removed, ``own`` the directory's record. ``expendable`` states that
    the application's record has it and does not need it. ``live`` are live paths that lead into it; ``recorded`` are
    applications whose records have it, ``unreadable`` those whose records cannot be read; ``backups`` need it; ``use``
    describes the process that uses it.
    """

    place: str
    own: Optional[DirectoryRecord]
    expendable: bool = False
    live: Sequence[str] = ()
    recorded: Sequence[str] = ()
    unreadable: Sequence[str] = ()
    backups: Sequence[str] = ()
    use: Optional[str] = None


def find_reason_to_keep(facts: DirectoryFacts) -> Optional[str]:
    """Why a directory with *facts* must stay, in words; None if it may be removed."""
    own = facts.own
    if own is not None and own.place != facts.place:
        return "its own record says that it is for %s" % own.place
    if own is None and not facts.expendable:
        return "it has no record of its own that says who made it"
    if own is not None and own.complete and not facts.expendable:
        return "its own record says that it is complete"
    if facts.live:
        return "%s leads to it" % facts.live[0]
    if facts.recorded:
        return "the record of application %s has it" % facts.recorded[0]
    if facts.unreadable:
        return "the record of application %s cannot be read" % facts.unreadable[0]
    if facts.backups:
        return "backup %s needs it" % facts.backups[0]
    return facts.use


class Directories:
    """The directories of *application* below ``*.generations``, which *builder* writes, for the run *run*."""

    def __init__(self, application: Application, state: ApplicationState, builder: Identity, run: str) -> None:
        self.application = application
        self.state = state
        self.builder = builder
        self.run = run
        self.root = application.generations_directory()
        self.place = locate_live_path(application.environment)
        self._made: List[str] = []
        self._held: List[int] = []

    def make(self, path: str, kind: str) -> None:
        """Write the record of the empty directory *path*, which this process made. Raises OSError."""
        self._made.append(path)
        self._write(path, kind, False, None)
        self.hold(path)

    def hold(self, path: str) -> None:
        """Keep *path* open until this process ends, so that every other one sees that it is in use. Raises OSError."""
        self._held.append(os.open(path, DIRECTORY_FLAGS))

    def create(self, path: str, kind: str) -> None:
        """Make the directory *path*, which must not exist, with its record. Raises OSError."""
        call_as_identity(self.builder, os.mkdir, path)
        self.make(path, kind)

    def complete(self, path: str, about: Dict[str, Any]) -> None:
        """Record that the generation *about* in *path* is complete, once its files are durable. Raises OSError."""
        # Installers write files without making them durable.
        os.sync()
        self._write(path, GENERATION, True, about)

    def _write(self, path: str, kind: str, complete: bool, about: Optional[Dict[str, Any]]) -> None:
        record = DirectoryRecord(
            kind,
            os.path.basename(path),
            self.application.name,
            self.application.environment,
            self.place,
            self.run,
            get_timestamp(),
            complete,
            about,
        )
        call_as_identity(self.builder, write_directory_record, path, format_directory_record(record))

    def list_unfinished(self, kinds: Sequence[str] = (GENERATION, SCRATCH)) -> List[str]:
        """The paths of directories of *kinds* whose own records say that they are unfinished. Raises OSError."""
        found = []
        for name in list_directories(self.root):
            path = os.path.join(self.root, name)
            own = read_directory_record(path) if os.path.isdir(path) and not os.path.islink(path) else None
            if own is not None and own.kind in kinds and not own.complete:
                found.append(path)
        return found

    def list_unknown(self, record: Dict[str, Any]) -> List[str]:
        """The paths of directories without a record of their own that *record* does not have. Raises OSError."""
        known = {os.path.basename(entry["path"]) for entry in record["generations"]}
        found = []
        for name in list_directories(self.root):
            path = os.path.join(self.root, name)
            if name not in known and os.path.isdir(path) and read_directory_record(path) is None:
                found.append(path)
        return found

    def remove(self, path: str) -> Optional[str]:
        """Remove the directory *path* unless there is a reason to keep it, which is returned. Raises OSError."""
        return self.find_reason(path) or self.remove_now(path)

    def find_reason(self, path: str, expendable: bool = False) -> Optional[str]:
        """Why the directory *path* must stay, or None. Raises OSError.

        *expendable* states that the record of the application has it and does not need it.
        """
        if not os.path.lexists(path):
            return None
        if os.path.islink(path) or not os.path.isdir(path):
            return "it is not a directory"
        if not os.listdir(path):
            return None
        facts = collect_facts(self.application, self.state, self.place, path, expendable)
        reason = find_reason_to_keep(facts)
        if reason is None and path not in self._made:
            reason = describe_use(path, self._list_accounts())
        return reason

    def remove_now(self, path: str) -> Optional[str]:
        """Remove the directory *path*, for which there was no reason to stay; returns why that failed, if it did."""
        try:
            remove_tree_as(self.builder, path, remove_directory)
        except (HelperError, OSError) as error:
            return "it could not be removed: %s" % error
        return None

    def _list_accounts(self) -> Optional[List[int]]:
        """The accounts whose processes count for a caller other than root, who cannot examine any other process."""
        if os.geteuid() == 0:
            return None
        return [self.builder.uid, self.application.resolve_account().uid]

    def begin_removal(self, path: str) -> None:
        """Record in *path* that it is unfinished, so that a removal that is interrupted can go on. Raises OSError."""
        self._write(path, GENERATION, False, None)


def collect_facts(
    application: Application, state: ApplicationState, place: str, path: str, expendable: bool
) -> DirectoryFacts:
    """The facts about the directory *path* of *application*, except for its use. Raises OSError."""
    records = read_host_records(state.root)
    live = [application.environment] + [record.live for record in records if record.live]
    return DirectoryFacts(
        place,
        read_directory_record(path),
        expendable,
        sorted({link for link in live if _leads_into(link, path)}),
        [record.name for record in records if _needs(record, application.name, path, expendable)],
        [record.name for record in records if record.problem],
        _list_backups(state, os.path.basename(path)),
    )


def _leads_into(link: str, path: str) -> bool:
    """Whether *link* is, or lies in, the directory *path*, by device and inode."""
    here = os.path.realpath(link)
    wanted = os.stat(path)
    while True:
        with contextlib.suppress(OSError):
            if os.path.samestat(os.stat(here), wanted):
                return True
        if here == os.path.dirname(here):
            return False
        here = os.path.dirname(here)


def _needs(record: HostRecord, own: str, path: str, expendable: bool) -> bool:
    """Whether *record* has the generation in *path*; of the application *own*, unfinished ones are not needed."""
    if record.name == own and expendable:
        return False
    named = [entry for entry in record.generations if record.name != own or entry.get("complete")]
    return any(os.path.realpath(str(entry.get("path"))) == os.path.realpath(path) for entry in named)


def _list_backups(state: ApplicationState, identifier: str) -> List[str]:
    """The known backups that have no copy of the generation *identifier* that was live when they were made."""
    try:
        known = read_known_backups(state)
    except ValueError as error:
        return [str(error)]
    found = []
    for name, row in sorted(known.items()):
        if row.get("generation") == identifier and not holds_environment(row):
            found.append(name)
    return found


def remove_directory(path: str) -> None:
    """Remove the tree *path*, its own record last, so that what an interruption leaves can be recognised.

    Raises OSError.
    """
    if not os.path.lexists(path):
        return
    for name in os.listdir(path):
        entry = os.path.join(path, name)
        if name != DIRECTORY_RECORD_NAME:
            remove_tree(entry)
    remove_tree(path)
