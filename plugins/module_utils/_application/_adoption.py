# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes over the record of an application under its new name."""

import os
from typing import Collection

from ansible_collections.oxzep7.python.plugins.module_utils._application._backups import (
    get_backups_path,
    read_known_backups,
    write_known_backups,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._claims import (
    describe_overlap,
    locate_environment,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import (
    Application,
    ApplicationError,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import remove_quietly, sync_directory


def is_adoption_due(application: Application, root: str) -> bool:
    """Whether *root* has a record of *application* under its former name."""
    return bool(application.formerly) and os.path.exists(ApplicationState(root, str(application.formerly)).path)


def adopt_record(application: Application, declared: Collection[str], root: str, run: str, check_mode: bool) -> None:
    """Give the record of the former name of *application* to its new name; *declared* are the names on this host.

    A run that dies meanwhile leaves the record under the old name, or under the new one. Raises ApplicationError,
    LeaseHeldError, ValueError, OSError.
    """
    old, new = ApplicationState(root, str(application.formerly)), ApplicationState(root, application.name)
    with old.hold_lease(run, only_look=check_mode), new.hold_lease(run, only_look=check_mode):
        _require_adoptable(application, declared, old, new)
        if check_mode:
            return
        record = dict(old.read(), application=new.name, live=application.environment)
        old.write(record)
        known = dict(read_known_backups(old), **read_known_backups(new))
        if known:
            write_known_backups(old, known)
        for path in (new.path, get_backups_path(new), new.lease_path):
            remove_quietly(path)
        os.rmdir(new.directory)
        os.rename(old.directory, new.directory)
        sync_directory(os.path.dirname(new.directory))
    new.append_event(run, "record adopted", formerly=old.name)


def _require_adoptable(
    application: Application, declared: Collection[str], old: ApplicationState, new: ApplicationState
) -> None:
    """Raise ApplicationError unless the record of *old* can become that of *new*."""
    problem = None
    record = old.read()
    if old.name in declared:
        problem = "application %s is declared, too; remove one of the two declarations" % old.name
    elif _has_changes(new):
        problem = "application %s has a record of its own; remove `formerly` from its declaration" % new.name
    elif old.list_leftovers():
        problem = "a promotion of %s is open; it is closed first, so run this again" % old.name
    elif not _has_same_environment(application, record.get("live")):
        problem = "the record of %s is for %s; correct `formerly` or `environment`" % (old.name, record.get("live"))
    if problem:
        raise ApplicationError("application %s cannot take over the record of %s: %s" % (new.name, old.name, problem))


def _has_changes(state: ApplicationState) -> bool:
    """Whether there is more under *state* than facts of backups and an empty record. Raises ValueError, OSError."""
    record = state.read()
    known = {os.path.basename(path) for path in (state.path, get_backups_path(state), state.lease_path)}
    there = set(os.listdir(state.directory)) if os.path.isdir(state.directory) else set()
    return bool(record["generations"] or record["history"] or there - known)


def _has_same_environment(application: Application, live: object) -> bool:
    if not isinstance(live, str):
        return False
    one = locate_environment(application.name, application.environment)
    return describe_overlap(one, locate_environment(application.name, live)) is not None
