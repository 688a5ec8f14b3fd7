# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds a generation beside the live environment."""

import contextlib
import os
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._claims import require_unclaimed
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._directory_record import (
    GENERATION,
    SCRATCH,
    list_directories,
    read_directory_record,
    read_number,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import (
    find_live_generation,
    open_record,
    read_python_version,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState, get_timestamp
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._errors import BuildError
from ansible_collections.oxzep7.python.plugins.module_utils._generation import _carry, _likeness, _vendor
from ansible_collections.oxzep7.python.plugins.module_utils._generation._background import BackgroundCompiler
from ansible_collections.oxzep7.python.plugins.module_utils._generation._install import (
    EnvironmentOrder,
    prepare_directory,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._memory import build_subject_key
from ansible_collections.oxzep7.python.plugins.module_utils._generation._proof import (
    ProofError,
    describe_first_tier,
    prove_environment,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._workplace import Workplace, open_workplace
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    call_as_identity,
    find_entry_controller,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandError
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import describe_lack_of_space
from ansible_collections.oxzep7.python.plugins.module_utils._packages._installed import (
    list_installed_packages,
    list_top_level_modules,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_pins
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._settlement import settle_promotion

MAX_REASON = 2000
SCRATCH_PREFIX = ".building-"
PLACE_OF_GENERATIONS = "file system for `environment`"


def build_generation(
    application: Application,
    state: ApplicationState,
    order: EnvironmentOrder,
    check_mode: bool,
    changes: Changes,
    kept: Optional[Dict[str, str]] = None,
) -> Dict[str, Any]:
    """The record of a complete generation for *order*: the existing one, else a new one.

    *kept* gets the directories that could be leftovers and were not removed, with the reason. Raises BuildError,
    PromotionRefused, LeaseHeldError, IdentityError, OSError.
    """
    if not os.path.isdir(application.environment):
        raise BuildError("%s does not exist; correct `environment` of %s" % (application.environment, application.name))
    kept = {} if kept is None else kept
    place = open_workplace(application, state, order, "", "")
    with state.hold_lease(order.run, only_look=check_mode):
        if not check_mode:
            settle_promotion(state, order.run, application=application)
        require_unclaimed(application, state)
        record = open_record(application, state, order.run, check_mode, changes)
        live = find_live_generation(application, record, read_python_version(application.environment))
        if not check_mode:
            record = _settle_unfinished(place, record, kept)
        local = _check_local_changes(application, order, live)
        existing = _find_existing(record, order, local)
        if existing:
            if existing["id"] != live["id"] and not check_mode:
                existing = _prove_again(place, record, existing)
            return existing
        _check_vendor_modules(place)
        # A number is never used twice, so that a log line always means one generation.
        number = _choose_number(record, list_directories(place.directories.root))
        generation = dict(_make_record(application, order, number), local=local)
        _add_changes(changes, application, order, generation)
        if check_mode:
            return generation
        record = dict(record, live=application.environment, last_number=number)
        state.write(dict(record, generations=record["generations"] + [generation]))
        place = _move_to(place, generation)
        try:
            _build_environment(place, generation)
            place.directories.complete(place.path, dict(generation, complete=True))
        except (BuildError, CommandError, OSError) as error:
            since = _find_first_tier(place, error)
            for leftover in (place.path, place.scratch):
                _note_removal(place, leftover, kept)
            state.write(record)
            state.append_event(
                order.run, "generation failed", generation=generation["id"], reason=str(error)[:MAX_REASON]
            )
            raise BuildError(
                "generation %s of %s was not built: %s%s%s"
                % (
                    generation["id"],
                    application.name,
                    error,
                    since,
                    describe_lack_of_space(error, PLACE_OF_GENERATIONS),
                ),
                error.details if isinstance(error, BuildError) else {},
            )
        generation["complete"] = True
        state.write(dict(record, generations=record["generations"] + [generation]))
        state.append_event(order.run, "generation complete", generation=generation["id"], live=live["id"])
        return generation


def _check_local_changes(
    application: Application, order: EnvironmentOrder, live: Dict[str, Any]
) -> Optional[Dict[str, str]]:
    """The digests of what was changed by hand in the live environment, the generation *live*; None if all is dropped.

    Raises BuildError for what would be lost without a decision of the operator, OSError.
    """
    if order.cargo is None and application.carry == "drop":
        return None
    try:
        changes = _carry.read_changes(application.environment)
        _carry.check_changes(application.carry, order.cargo, changes, live.get("carries") or {})
    except _carry.CarryError as error:
        raise BuildError("%s: %s" % (application.name, error))
    found = _carry.digest_changes(changes)
    # What an earlier step carried is what it was built from.
    return dict(found, **(live.get("local") or {})) if live.get("carries") == found else found


def _find_existing(
    record: Dict[str, Any], order: EnvironmentOrder, local: Optional[Dict[str, str]]
) -> Optional[Dict[str, Any]]:
    """The complete generation of *record* that was built for *order* and carries the changes *local*, or None."""
    for entry in record["generations"]:
        built_for = (entry.get("lock"), entry.get("interpreter"))
        if (
            entry.get("complete")
            and built_for == (order.lock_id, order.interpreter)
            and (not local or entry.get("local") == local)
            and os.path.isdir(entry["path"])
        ):
            return dict(entry)
    return None


def _move_to(place: Workplace, generation: Dict[str, Any]) -> Workplace:
    """*place* for *generation*."""
    path = generation["path"]
    return place._replace(path=path, scratch=os.path.join(os.path.dirname(path), SCRATCH_PREFIX + generation["id"]))


def _prove_again(place: Workplace, record: Dict[str, Any], generation: Dict[str, Any]) -> Dict[str, Any]:
    """*generation* of *record*, proved again if its proof was about something else of the application.

    Raises BuildError, CommandError, OSError.
    """
    application, state = place.application, place.directories.state
    subject = build_subject_key(application, place.order.probe)
    if subject is not None and generation.get("proved") == subject:
        return generation
    try:
        proof = prove_environment(_move_to(place, generation))
    except (BuildError, CommandError) as error:
        raise BuildError(
            "generation %s of %s exists, but was not proved with what the application is now, and fails with it: %s"
            % (generation["id"], application.name, error),
            error.details if isinstance(error, BuildError) else {},
        )
    proved = dict(generation, proved=subject, deprecations=proof.deprecations, untried=proof.untried)
    generations = [proved if entry["id"] == proved["id"] else entry for entry in record["generations"]]
    state.write(dict(record, generations=generations))
    state.append_event(place.order.run, "generation proved again", generation=proved["id"])
    return proved


def _choose_number(record: Dict[str, Any], names: List[str]) -> int:
    """The number of a new generation, above all in *record* and in the *names* of what exists."""
    used = [int(record.get("last_number", 0))]
    for name in names + [entry["id"] for entry in record["generations"]]:
        used.append(read_number(name[len(SCRATCH_PREFIX) :] if name.startswith(SCRATCH_PREFIX) else name) or 0)
    return 1 + max(used)


def _make_record(application: Application, order: EnvironmentOrder, number: int) -> Dict[str, Any]:
    name = "%d-py%s" % (number, ".".join(order.version.split(".")[:2]))
    path = application.generation_path(name)
    return {
        "id": name,
        "path": path,
        "python": order.version,
        "interpreter": order.interpreter,
        "origin": "built",
        "lock": order.lock_id,
        "complete": False,
        "created": get_timestamp(),
        "target": os.path.relpath(path, os.path.dirname(application.environment)),
    }


def _add_changes(
    changes: Changes, application: Application, order: EnvironmentOrder, generation: Dict[str, Any]
) -> None:
    made_of = {"python": order.version, "lock": order.lock_id}
    changes.add("build generation %s of %s" % (generation["id"], application.name), generation["path"], None, made_of)
    if order.lock is not None:
        installed = list_installed_packages(application.environment)
        before = {package.name: package.version for package in installed}
        for name, version in sorted(parse_pins(order.lock).items()):
            old = before.get(name)
            if old != version:
                changes.add("%s %s -> %s" % (name, old, version), name, old, version)
    for sentence in _carry.describe_cargo(order.cargo) if order.cargo else []:
        changes.add(sentence, sentence, None, generation["path"])


def _check_vendor_modules(place: Workplace) -> None:
    """Raise BuildError if the environment sees modules of its interpreter's distribution that the new one lacks."""
    application, order = place.application, place.order
    if order.drop or not place.shared_site or not os.access(order.interpreter, os.X_OK):
        return
    base = os.path.join(application.environment, "bin", "python")
    installed = set(list_top_level_modules(application.environment))
    lost = _vendor.find_missing_vendor_modules(base, order.interpreter, installed)
    if lost:
        raise BuildError(
            "%s sees modules of its interpreter's distribution that %s lacks (vendor-modules-missing): %s; provide "
            "them with the new interpreter or as packages, or set `carry` of the application to drop"
            % (application.name, order.interpreter, ", ".join(lost))
        )


def _settle_unfinished(place: Workplace, record: Dict[str, Any], kept: Dict[str, str]) -> Dict[str, Any]:
    """Record what was completed, and remove what builds that died left; returns the new record. Raises OSError."""
    generations = []
    for entry in record["generations"]:
        own = read_directory_record(entry["path"])
        ours = own is not None and own.complete and own.place == place.directories.place
        if entry.get("complete"):
            generations.append(entry)
        elif ours and own is not None and own.identifier == entry["id"]:
            # The build died after it had completed the directory.
            generations.append(dict(entry, complete=True))
    if generations != record["generations"]:
        record = dict(record, generations=generations)
        place.directories.state.write(record)
    for path in place.directories.list_unfinished():
        _note_removal(place, path, kept)
    for path in place.directories.list_unknown(record):
        _note_removal(place, path, kept)
    return record


def _note_removal(place: Workplace, path: str, kept: Dict[str, str]) -> None:
    reason = place.directories.remove(path)
    if reason:
        kept[path] = reason


def _build_environment(place: Workplace, generation: Dict[str, Any]) -> None:
    """Build and prove the environment, and note in *generation* what it carries and what its proof found.

    Raises BuildError, CommandError, OSError.
    """
    live, builder = place.application.environment, place.builder
    directory = place.application.generations_directory()
    controller = find_entry_controller(live)
    call_as_identity(controller, prepare_directory, directory, builder.uid, builder.gid)
    like = _likeness.read_environment_access(live)
    building = like.without_writers()
    place.run_as_builder(_likeness.create_with_access, building, place.path)
    place.directories.make(place.path, GENERATION)
    place.directories.create(place.scratch, SCRATCH)
    place.create_environment()
    place.install_lock(place.order.lock or "")
    if place.order.cargo:
        generation["carried"] = place.load_cargo(_carry.load_cargo)
        generation["carries"] = _carry.digest_changes(_carry.read_changes(place.path))
    call_as_identity(builder, _likeness.apply_access, building, live, place.path)
    generation["proved"] = build_subject_key(place.application, place.order.probe)
    # A user who cannot write there would compile the remaining modules again at every start.
    compiler = BackgroundCompiler(place, complete=place.user.uid != builder.uid)
    try:
        proof = prove_environment(place)
        generation.update(deprecations=proof.deprecations, untried=proof.untried)
    finally:
        compiler.stop_and_wait()
    if not _likeness.is_access_inherited(like, builder.gid):
        # Compilation made new files.
        call_as_identity(builder, _likeness.apply_access, like, live, place.path)


def _find_first_tier(place: Workplace, error: Exception) -> str:
    """The tier with which *error* began, as the end of a message. To find it takes an installation."""
    if isinstance(error, ProofError):
        with contextlib.suppress(BuildError, CommandError, OSError):
            return describe_first_tier(place, error)
    return ""
