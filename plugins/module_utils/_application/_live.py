# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live environment of an application: its generation, its configuration and its owner."""

import os
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._directory_record import (
    GENERATION,
    ORIGINAL_NAME,
    DirectoryRecord,
    list_directories,
    locate_live_path,
    read_directory_record,
    read_number,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    find_generation,
    get_timestamp,
)
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._errors import (
    BuildError,
    PromotionRefused,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    find_entry_controller,
    resolve_uid,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import UnsafePathError, read_bytes

# Bytes; those that venv and its likes write are far smaller.
CONFIGURATION_LIMIT = 1 << 16


def read_configuration(environment: str) -> Dict[str, str]:
    """The values of *environment*'s ``pyvenv.cfg`` by lower-case key.

    Raises BuildError if the file is missing, or not a regular one; OSError.
    """
    path = os.path.join(environment, "pyvenv.cfg")
    try:
        text = read_bytes(path, limit=CONFIGURATION_LIMIT).decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        raise BuildError("%s is not an environment: it has no pyvenv.cfg; correct `environment`" % environment)
    except UnsafePathError as error:
        raise BuildError("%s is %s; create the environment again" % (path, error.strerror))
    values = {}
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if separator:
            values[key.strip().lower()] = value.strip()
    return values


def read_python_version(environment: str) -> str:
    """The Python version that created *environment*, from its ``pyvenv.cfg``. Raises BuildError."""
    values = read_configuration(environment)
    version = values.get("version") or values.get("version_info")
    if not version:
        raise BuildError("%s/pyvenv.cfg names no Python version; create the environment again" % environment)
    return ".".join(version.split(".")[:3])


def resolve_builder(application: Application) -> Identity:
    """The account that writes generations: the owner of the directory around them or, below root's, of the environment.

    Raises IdentityError, OSError.
    """
    controller = find_entry_controller(application.environment)
    return controller if controller.uid != 0 else resolve_uid(os.stat(application.environment).st_uid)


def has_system_site(values: Dict[str, str]) -> bool:
    """Whether an environment with the configuration *values* can import the interpreter's packages."""
    return values.get("include-system-site-packages", "false").lower() == "true"


def read_live_target(application: Application) -> Optional[str]:
    """The target of the live symlink; None while the live path is a directory."""
    return os.readlink(application.environment) if os.path.islink(application.environment) else None


def find_live_generation(application: Application, record: Dict[str, Any], python: str) -> Dict[str, Any]:
    """The live generation: the recorded one, or one that adopts the existing environment.

    Raises PromotionRefused when the live path differs from the record.
    """
    target = read_live_target(application)
    if record["current"] is None:
        identifier = "0-py%s" % ".".join(python.split(".")[:2])
        path = os.path.realpath(application.environment) if target else application.generation_path(identifier)
        return {
            "id": identifier,
            "path": path,
            "python": python,
            "origin": "adopted",
            "lock": None,
            "complete": True,
            "target": target or os.path.relpath(path, os.path.dirname(application.environment)),
            "created": get_timestamp(),
        }
    known = find_generation(record, record["current"])
    if known is None or target is None or os.path.realpath(application.environment) != os.path.realpath(known["path"]):
        raise PromotionRefused(
            "the live path %s is %s, but the record says generation %s"
            % (application.environment, "-> " + target if target else "not a symlink", record["current"]),
            "put the live path back or correct state.json first",
        )
    return known


def load_record(application: Application, state: ApplicationState) -> Tuple[Dict[str, Any], bool]:
    """The record of *application*, and whether it was rebuilt from the records in its generations.

    That is so where the state directory was lost or is another one. Nothing is written. Raises PromotionRefused where
    the live path leads to a generation and neither record says what it is, ValueError, OSError.
    """
    record = state.read()
    real = os.path.realpath(application.environment)
    inside = os.path.dirname(real) == os.path.realpath(application.generations_directory())
    if record["current"] is not None or state.list_leftovers() or not os.path.islink(application.environment):
        return record, False
    if not inside:
        return record, False
    return rebuild_record(application, record, _read_generations(application)), True


def open_record(
    application: Application, state: ApplicationState, run: str, check_mode: bool, changes: Changes
) -> Dict[str, Any]:
    """The record of *application*, which is written if it was rebuilt. The lease must be held.

    Raises PromotionRefused, ValueError, OSError.
    """
    record, rebuilt = load_record(application, state)
    if rebuilt:
        names = ", ".join(entry["id"] for entry in record["generations"])
        changes.add(
            "record the generations of %s that are on this host: %s" % (application.name, names),
            state.path,
            None,
            record["current"],
        )
        if not check_mode:
            state.write(record)
            state.append_event(run, "record rebuilt", live=record["current"])
    return record


def _read_generations(application: Application) -> List[Dict[str, Any]]:
    """The complete generations of *application* on disk, by their own records, and its original."""
    directory = application.generations_directory()
    found = []
    for name in list_directories(directory):
        path = os.path.join(directory, name)
        if os.path.islink(path) or not os.path.isfile(os.path.join(path, "pyvenv.cfg")):
            continue
        entry = _describe_generation(application, name, path, read_directory_record(path))
        if entry is not None:
            found.append(entry)
    return found


def _describe_generation(
    application: Application, name: str, path: str, own: Optional[DirectoryRecord]
) -> Optional[Dict[str, Any]]:
    """The generation in *path* as a record has it, by its *own* record; None if that describes none."""
    entry: Dict[str, Any] = {
        "id": name,
        "path": path,
        "complete": True,
        "target": os.path.relpath(path, os.path.dirname(application.environment)),
        "found": get_timestamp(),
    }
    if own is None:
        # Nothing is written into an original.
        if not ORIGINAL_NAME.match(name):
            return None
        try:
            python = read_python_version(path)
        except BuildError:
            return None
        return dict(entry, python=python, origin="adopted", lock=None, created=get_timestamp())
    about = own.about or {}
    names = (application.name, application.formerly)
    fits = own.kind == GENERATION and own.complete and own.identifier == name and own.application in names
    if not fits or own.place != locate_live_path(application.environment):
        return None
    for key in ("python", "interpreter"):
        if not isinstance(about.get(key), str):
            return None
    lock = about.get("lock")
    return dict(
        entry,
        python=about["python"],
        interpreter=about["interpreter"],
        origin="built",
        lock=lock if isinstance(lock, str) else None,
        created=own.created,
    )


def rebuild_record(application: Application, record: Dict[str, Any], found: List[Dict[str, Any]]) -> Dict[str, Any]:
    """*record* with the generations *found* on disk and the live one among them.

    Raises PromotionRefused if the live path leads to none of them.
    """
    real = os.path.realpath(application.environment)
    live = next((entry["id"] for entry in found if os.path.realpath(entry["path"]) == real), None)
    if live is None:
        raise PromotionRefused(
            "the live path %s leads to %s, and neither a record of this host nor one in that directory says that it is "
            "a generation of %s" % (application.environment, real, application.name),
            "put applications/%s back into oxzep7_state_dir, or set oxzep7_state_dir to the directory that has it; "
            "until then nothing of it is built, promoted or removed" % application.name,
        )
    known = {entry["id"] for entry in record["generations"]}
    generations = record["generations"] + [entry for entry in found if entry["id"] not in known]
    numbers = [read_number(entry["id"]) or 0 for entry in generations] + [int(record.get("last_number", 0))]
    return dict(record, current=live, live=application.environment, generations=generations, last_number=max(numbers))
