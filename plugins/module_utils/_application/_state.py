# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of applications on this host: the record, the lease and the events.

The record of an application is ``state.json``. While a promotion is open there is also ``state.next.json``, the
complete record after it. Renaming this one to ``state.json`` commits the promotion. ``undo.sh`` acts only while
``state.next.json`` exists, and ends by renaming it to ``state.undone.json``. The existence of these three files
therefore determines the situation, at whatever point a process died.
"""

import contextlib
import datetime
import fcntl
import json
import os
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import (
    attach_error_path,
    read_json,
    read_text,
    remove_quietly,
    sync_directory,
    write_json,
)
from ansible_collections.oxzep7.python.plugins.module_utils._names import APPLICATION_NAME, RUN_ID

SCHEMA_VERSION = 1
DEFAULT_DIRECTORY = "/var/lib/oxzep7"


def get_timestamp() -> str:
    """The current time, UTC, ISO 8601 to the second."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class LeaseHeldError(CollectionError):
    """Another process changes the application; ``holder`` is what it wrote about itself."""

    def __init__(self, application: str, holder: Dict[str, Any]) -> None:
        self.detail = "application %s is being changed by run %s (process %s, since %s)" % (
            application,
            holder.get("run", "unknown"),
            holder.get("pid", "unknown"),
            holder.get("since", "unknown"),
        )
        self.remediation = "wait for it to end, then run again"
        super().__init__("%s; %s" % (self.detail, self.remediation))
        self.holder = holder


def make_private_directory(path: str) -> None:
    """Create directory *path* and its missing parents with mode 0700, durably. Raises OSError."""
    # Since Python 3.7, os.makedirs applies the mode to the last directory only.
    if not os.path.isdir(path):
        parent = os.path.dirname(path)
        make_private_directory(parent)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        sync_directory(parent)


def read_boot_id() -> str:
    """The kernel's identifier of this boot, or an empty string if it is not available."""
    return (read_text("/proc/sys/kernel/random/boot_id") or "").strip()


def read_start_time(pid: int) -> str:
    """Start time of process *pid* in clock ticks after boot (field 22 of proc(5) ``stat``); empty without one."""
    text = read_text("/proc/%d/stat" % pid) or ""
    fields = text[text.rfind(")") + 2 :].split()
    return fields[19] if len(fields) > 19 else ""


class ApplicationState:
    """The record of one application under *root* (``oxzep7_state_dir``)."""

    def __init__(self, root: str, name: str) -> None:
        self.root = root
        self.name = APPLICATION_NAME(name)
        self.directory = os.path.join(root, "applications", name)
        self.path = os.path.join(self.directory, "state.json")
        self.next_path = os.path.join(self.directory, "state.next.json")
        self.undone_path = os.path.join(self.directory, "state.undone.json")
        self.undo_path = os.path.join(self.directory, "undo.sh")
        self.lease_path = os.path.join(self.directory, "lease")
        self.deadline_path = os.path.join(self.directory, "deadline")
        self.log_path = os.path.join(root, "logs", name + ".log")
        self.journal_path = os.path.join(self.directory, "transaction.json")
        self.acts_path = os.path.join(self.directory, "acts")
        self.failures_path = os.path.join(self.directory, "undo.failures")

    def read(self) -> Dict[str, Any]:
        """The record; an empty one for an application that was never changed. Raises ValueError, OSError."""
        return read_json(self.path) or {
            "schema": SCHEMA_VERSION,
            "application": self.name,
            "current": None,
            "generations": [],
            "history": [],
        }

    def write(self, record: Dict[str, Any]) -> None:
        """Replace the record. The lease must be held. Raises OSError."""
        make_private_directory(self.directory)
        write_json(self.path, redact(record))

    def is_open(self) -> bool:
        """Whether a promotion was opened and neither committed nor undone."""
        return os.path.exists(self.next_path)

    def is_unsettled(self) -> bool:
        """Whether a process changes the application, or a dead one left a promotion that is open or not recorded."""
        return bool(self.list_leftovers()) or os.path.exists(self.lease_path)

    def list_leftovers(self) -> List[str]:
        """The files beside the record that exist only while a process changes the application, except the lease."""
        try:
            names = os.listdir(self.directory)
        except FileNotFoundError:
            return []
        paths = [self.next_path, self.undone_path, self.undo_path, self.deadline_path, self.deadline_path + ".next"]
        paths += [self.journal_path, self.acts_path, self.failures_path]
        transient = [os.path.basename(path) for path in paths]
        return sorted(name for name in names if name in transient or name.startswith("."))

    def remove_temporary_files(self) -> None:
        """Remove incomplete files of a writer that died. The lease must be held."""
        for name in self.list_leftovers():
            if name.startswith("."):
                remove_quietly(os.path.join(self.directory, name))

    def open_promotion(self, record: Dict[str, Any]) -> None:
        """Open a promotion that will replace the record by *record*. Raises OSError."""
        make_private_directory(self.directory)
        write_json(self.next_path, redact(record))

    def is_committed(self, transaction: str) -> bool:
        """Whether the last change of the record is the one with the identifier *transaction*."""
        if os.path.lexists(self.next_path) or os.path.lexists(self.undone_path):
            return False
        try:
            return bool(self.read()["history"][-1].get("transaction") == transaction)
        except (IndexError, ValueError, OSError):
            # Only a commit and an undo take the open record away.
            return True

    def commit(self) -> None:
        """Commit the open promotion by one rename. Raises OSError if it was undone meanwhile."""
        os.rename(self.next_path, self.path)
        sync_directory(self.directory)

    def read_undone_record(self) -> Optional[Dict[str, Any]]:
        """The record of a promotion that ``undo.sh`` undid and that is not in the history yet, or None."""
        return read_json(self.undone_path)

    def remove_undone_record(self) -> None:
        """Remove the file of `read_undone_record`, once the promotion is in the history."""
        remove_quietly(self.undone_path)

    @contextlib.contextmanager
    def hold_lease(self, run: str, only_look: bool = False) -> Iterator[None]:
        """Hold the application's lease for the block; with *only_look*, only check that it is free.

        The kernel releases the lock when its holder dies, so a dead process never blocks another one. The content of
        the file describes the holder. Raises LeaseHeldError, NameRefusedError, OSError.
        """
        run = RUN_ID(run)
        if only_look:
            self._check_free()
            yield
            return
        make_private_directory(self.directory)
        handle = self._acquire_lock()
        try:
            holder = {
                "run": run,
                "pid": os.getpid(),
                "start_time": read_start_time(os.getpid()),
                "boot_id": read_boot_id(),
                "since": get_timestamp(),
            }
            with attach_error_path(self.lease_path):
                os.ftruncate(handle, 0)
                os.write(handle, json.dumps(holder).encode("utf-8"))
            yield
        finally:
            # A lease that cannot be removed is free as soon as it is closed.
            with contextlib.suppress(OSError):
                remove_quietly(self.lease_path)
            os.close(handle)

    def _acquire_lock(self) -> int:
        while True:
            handle = os.open(self.lease_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(handle)
                raise LeaseHeldError(self.name, self.read_lease_holder() or {})
            try:
                # The previous holder may have removed the file between the open and the lock.
                if os.stat(self.lease_path).st_ino == os.fstat(handle).st_ino:
                    return handle
            except FileNotFoundError:
                pass
            os.close(handle)

    def _check_free(self) -> None:
        try:
            handle = os.open(self.lease_path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            raise LeaseHeldError(self.name, self.read_lease_holder() or {})
        finally:
            os.close(handle)

    def read_lease_holder(self) -> Optional[Dict[str, Any]]:
        """The content of the lease's file, which describes the holder, dead or alive."""
        try:
            found = json.loads(read_text(self.lease_path) or "null")
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def append_event(self, run: str, kind: str, **details: Any) -> None:
        """Append one event to the run's journal, if possible; a failure to write it is ignored.

        The record is authoritative, so a missing event must not make a promotion fail.
        """
        directory, run = os.path.join(self.root, "runs"), RUN_ID(run)
        event = dict(redact(details), time=get_timestamp(), application=self.name, event=kind)
        line = json.dumps(event, sort_keys=True) + "\n"
        with contextlib.suppress(OSError):
            make_private_directory(directory)
            handle = os.open(
                os.path.join(directory, "%s.jsonl" % run), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            try:
                os.write(handle, line.encode("utf-8"))
            finally:
                os.close(handle)


def find_generation(record: Dict[str, Any], identifier: Optional[str]) -> Optional[Dict[str, Any]]:
    """The generation called *identifier* in *record*, or None."""
    return next((entry for entry in record["generations"] if entry["id"] == identifier), None)


def parse_minor(version: Optional[str]) -> Tuple[int, ...]:
    """The minor of the Python *version*, for comparison; empty where that is not known."""
    return tuple(int(part) for part in str(version or "").split(".")[:2] if part.isdigit())


def list_applications(root: str) -> List[str]:
    """Names of the applications that have a record under *root*, sorted."""
    try:
        names = os.listdir(os.path.join(root, "applications"))
    except OSError:
        return []
    return sorted(name for name in names if APPLICATION_NAME.matches(name))
