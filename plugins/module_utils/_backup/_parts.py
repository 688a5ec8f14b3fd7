# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of an application on this host, layer by layer."""

import functools
import gzip
import io
import json
import os
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from ansible.module_utils.urls import open_url
from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._backup import _documents
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._registry import create_database
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import resolve_trusted_path
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import read_marker

ENVIRONMENT, INTERPRETER, SOURCE = "environment", "interpreter", "source"
CONFIGURATION, DATABASES, SYSTEM, GIT = "configuration", "databases", "system", "git"
# The layers that can be requested; `GIT` comes with the source.
LAYERS = [CONFIGURATION, DATABASES, ENVIRONMENT, INTERPRETER, SOURCE, SYSTEM]
# Prefixes of the operating system, which its packages restore.
OPERATING_SYSTEM = ("/usr", "/", "/usr/local")
# The kinds of dependents that no file of a configuration makes.
RUNNING_KINDS = ("process", "embedder")
INVENTORY_LIMIT = 256 << 20
SOURCE_TIMEOUT = 10.0


class BackupError(CollectionError):
    """A backup that could not be made, found or used; the text has the cause and the next step."""


class SizeEstimate(NamedTuple):
    """Bytes on disk, and what they do not include, because its size is not known, with the cause."""

    size: int
    unknown: Dict[str, str] = {}


class BackupPart(NamedTuple):
    """One layer to keep.

    It is the tree ``path``, absolute and without symlinks; or only ``paths`` of it; or what the function ``fill``
    writes into an empty directory, which returns its part of the manifest; ``measure`` estimates that. One with a
    ``reference`` needs no archive. ``doubts`` are paths that could not be found, with the reason.
    """

    layer: str
    path: str = ""
    paths: Optional[Tuple[str, ...]] = None
    fill: Optional[Callable[[str], Dict[str, Any]]] = None
    measure: Optional[Callable[[], SizeEstimate]] = None
    reference: Optional[Dict[str, Any]] = None
    doubts: Dict[str, str] = {}


def find_interpreter_prefix(environment: str) -> str:
    """The prefix of the interpreter of *environment*, or an empty string for that of the operating system."""
    program = os.path.realpath(os.path.join(environment, "bin", "python"))
    prefix = os.path.dirname(os.path.dirname(program))
    return "" if prefix in OPERATING_SYSTEM else prefix


def find_archive_reference(prefix: str) -> Optional[Dict[str, Any]]:
    """Version, URL and SHA-256 of the archive of the interpreter in *prefix*, if its server still has it.

    Raises OSError.
    """
    marker = read_marker(prefix)
    url = str(marker.get("source") or "")
    if not url.startswith(("https://", "http://")) or not marker.get("sha256"):
        return None
    try:
        with open_url(url, method="HEAD", timeout=SOURCE_TIMEOUT):
            return {"version": marker["version"], "url": url, "sha256": marker["sha256"], "prefix": prefix}
    except (OSError, ValueError):
        return None


def read_dependents(application: Application, state_dir: str) -> Optional[List[Dict[str, Any]]]:
    """The dependents of *application* in the last inventory of this host; None without one.

    Raises ValueError, OSError.
    """
    try:
        with open(os.path.join(state_dir, "host.json.gz"), "rb") as packed, gzip.GzipFile(fileobj=packed) as stream:
            inventory = json.load(io.TextIOWrapper(io.BytesIO(stream.read(INVENTORY_LIMIT)), "utf-8"))
    except FileNotFoundError:
        return None
    places = {application.environment, os.path.realpath(application.environment)}
    own = places | {application.source or application.environment, application.generations_directory()}
    inside = tuple(place + "/" for place in own)
    found = []
    for entry in inventory["dependents"]:
        uses = entry["environment"] in places and entry["kind"] not in RUNNING_KINDS
        if uses and not entry["source"].startswith(inside):
            found.append(entry)
    return found


def make_configuration_part(application: Application, state_dir: str) -> BackupPart:
    """The configuration of *application*: files of its units and of its dependents, and the declared paths.

    Raises ServiceError, ValueError, OSError.
    """
    doubts: Dict[str, str] = {}
    wanted = _services.list_service_files(application.services) + list(application.keeping.paths)
    dependents = read_dependents(application, state_dir)
    if dependents is None:
        doubts["what else uses the environment"] = "this host has no inventory; run oxzep7.python.audit first"
    for entry in dependents or []:
        wanted += [entry["source"]] + list(entry.get("files") or [])
    paths = set()
    for path in wanted:
        try:
            # The target of a link is kept with the link; only links of root may lead there.
            place = os.path.join(resolve_trusted_path(os.path.dirname(path)), os.path.basename(path))
            paths.add(place)
            if os.path.islink(place):
                paths.add(resolve_trusted_path(place))
        except OSError as error:
            doubts[path] = error.strerror or str(error)
    return BackupPart(CONFIGURATION, "/", paths=tuple(sorted(paths)), doubts=doubts)


def _dump_databases(application: Application, directory: str) -> Dict[str, Any]:
    user = application.resolve_account()
    rows = []
    for declared in application.keeping.databases:
        rows.append(create_database(*declared).write_dump(directory, user, application.name))
    return {"databases": rows}


def _measure_databases(application: Application) -> SizeEstimate:
    """The size of the databases of *application*. Raises IdentityError."""
    user = application.resolve_account()
    total, unknown = 0, {}
    for declared in application.keeping.databases:
        try:
            size = create_database(*declared).measure_size(user)
        except (CollectionError, ValueError, OSError) as error:
            unknown[declared.name] = str(error)
            continue
        if size is None:
            unknown[declared.name] = "a database of the kind %s does not tell its size" % declared.kind
        else:
            total += size
    return SizeEstimate(total, unknown)


def _make_interpreter_parts(environment: str) -> List[BackupPart]:
    prefix = find_interpreter_prefix(environment)
    if not prefix:
        return []
    return [BackupPart(INTERPRETER, resolve_trusted_path(prefix), reference=find_archive_reference(prefix))]


def _make_source_parts(application: Application) -> List[BackupPart]:
    if not application.source:
        return []
    if not os.path.isdir(application.source):
        raise BackupError("the source %s does not exist; correct the declaration" % application.source)
    place = resolve_trusted_path(application.source)
    found = [BackupPart(SOURCE, place)]
    if _documents.is_git_repository(place):
        found.append(BackupPart(GIT, fill=functools.partial(_documents.write_repository_state, place)))
    return found


def list_parts(
    application: Application, live: Dict[str, Any], layers: Sequence[str], state_dir: str
) -> List[BackupPart]:
    """The parts of *application* that *layers* name; *live* is the record of its live generation.

    Raises BackupError, ServiceError, ValueError, OSError.
    """
    # An original that was not moved yet is the live path itself.
    environment = application.environment if not os.path.isdir(live["path"]) else live["path"]
    if not os.path.isdir(environment):
        raise BackupError("the environment %s does not exist; correct the declaration" % environment)
    found: List[BackupPart] = []
    if ENVIRONMENT in layers:
        found.append(BackupPart(ENVIRONMENT, resolve_trusted_path(environment)))
    if INTERPRETER in layers:
        found += _make_interpreter_parts(environment)
    if SOURCE in layers:
        found += _make_source_parts(application)
    if CONFIGURATION in layers:
        found.append(make_configuration_part(application, state_dir))
    if DATABASES in layers and application.keeping.databases:
        found.append(
            BackupPart(
                DATABASES,
                fill=functools.partial(_dump_databases, application),
                measure=functools.partial(_measure_databases, application),
            )
        )
    if SYSTEM in layers:
        found.append(BackupPart(SYSTEM, fill=_documents.write_system_state))
    return found


def estimate_size(part: BackupPart) -> SizeEstimate:
    """The size of *part* before compression, without the output of programs. Raises IdentityError, OSError."""
    if part.reference is not None:
        return SizeEstimate(0)
    if part.measure is not None:
        return part.measure()
    places = part.paths if part.paths is not None else [part.path] if part.path else []
    return SizeEstimate(sum(_measure_disk_use(path) for path in places))


def sum_estimates(estimates: Iterable[SizeEstimate]) -> SizeEstimate:
    """All of *estimates* as one."""
    total, unknown = 0, {}
    for estimate in estimates:
        total += estimate.size
        unknown.update(estimate.unknown)
    return SizeEstimate(total, unknown)


def _measure_disk_use(path: str) -> int:
    """Bytes on disk of the file or tree *path*."""
    total = os.lstat(path).st_blocks * 512 if os.path.lexists(path) else 0
    for folder, below, names in os.walk(path):
        for name in below + names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return total
