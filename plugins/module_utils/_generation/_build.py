# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds a generation beside the live environment."""

import contextlib
import os
from typing import Any, Dict, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import (
    find_live_generation,
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
from ansible_collections.oxzep7.python.plugins.module_utils._generation._proof import (
    ProofError,
    describe_first_tier,
    prove_environment,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._workplace import Workplace, open_workplace
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    call_as_identity,
    find_entry_controller,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandError
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import remove_tree_as
from ansible_collections.oxzep7.python.plugins.module_utils._packages._installed import (
    list_installed_packages,
    list_top_level_modules,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_pins
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._settlement import settle_promotion

MAX_REASON = 2000


def build_generation(
    application: Application, state: ApplicationState, order: EnvironmentOrder, check_mode: bool, changes: Changes
) -> Dict[str, Any]:
    """The record of a complete generation for *order*: the existing one, else a new one.

    Raises BuildError, PromotionRefused, LeaseHeldError, IdentityError, OSError.
    """
    if not os.path.isdir(application.environment):
        raise BuildError("%s does not exist; correct `environment` of %s" % (application.environment, application.name))
    place = open_workplace(application, order, "", os.path.join(application.generations_directory(), ".building"))
    with state.hold_lease(order.run, only_look=check_mode):
        if not check_mode:
            settle_promotion(state, order.run, application=application)
        record = state.read()
        live = find_live_generation(application, record, read_python_version(application.environment))
        existing = _find_existing(record, order)
        if existing:
            return dict(existing)
        if not check_mode:
            record = _remove_incomplete(state, record, place.builder)
        _check_vendor_modules(place)
        # A number is never used twice, so that a log line always means one generation.
        number = _choose_number(record)
        generation = _make_record(application, order, number)
        _add_changes(changes, application, order, generation)
        if check_mode:
            return generation
        state.write(dict(record, generations=record["generations"] + [generation], last_number=number))
        place = place._replace(path=generation["path"])
        try:
            _build_environment(place, generation)
        except (BuildError, CommandError, OSError) as error:
            since = _find_first_tier(place, error)
            _remove_leftovers(place)
            state.write(dict(record, last_number=number))
            state.append_event(
                order.run, "generation failed", generation=generation["id"], reason=str(error)[:MAX_REASON]
            )
            raise BuildError(
                "generation %s of %s was not built: %s%s" % (generation["id"], application.name, error, since),
                error.details if isinstance(error, BuildError) else {},
            )
        # Installers write files without making them durable.
        os.sync()
        generation["complete"] = True
        state.write(dict(record, generations=record["generations"] + [generation], last_number=number))
        state.append_event(order.run, "generation complete", generation=generation["id"], live=live["id"])
        return generation


def _find_existing(record: Dict[str, Any], order: EnvironmentOrder) -> Optional[Dict[str, Any]]:
    """The complete generation of *record* that was built for *order*, or None."""
    for entry in record["generations"]:
        built_for = (entry.get("lock"), entry.get("interpreter"))
        if entry.get("complete") and built_for == (order.lock_id, order.interpreter) and os.path.isdir(entry["path"]):
            return dict(entry)
    return None


def _choose_number(record: Dict[str, Any]) -> int:
    used = [int(entry["id"].split("-")[0]) for entry in record["generations"]]
    used.append(int(record.get("last_number", 0)))
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


def _remove_incomplete(state: ApplicationState, record: Dict[str, Any], builder: Identity) -> Dict[str, Any]:
    """Remove the generations of builds that died; returns the record without them."""
    incomplete = [entry for entry in record["generations"] if not entry.get("complete")]
    for entry in incomplete:
        remove_tree_as(builder, entry["path"])
    if incomplete:
        record = dict(record, generations=[entry for entry in record["generations"] if entry.get("complete")])
        state.write(record)
    return record


def _remove_leftovers(place: Workplace) -> None:
    for leftover in (place.path, place.scratch):
        remove_tree_as(place.builder, leftover)


def _build_environment(place: Workplace, generation: Dict[str, Any]) -> None:
    """Build and prove the environment, and note in *generation* what it carries and which deprecations it reports.

    Raises BuildError, CommandError, OSError.
    """
    live, builder = place.application.environment, place.builder
    directory = place.application.generations_directory()
    controller = find_entry_controller(live)
    call_as_identity(controller, prepare_directory, directory, builder.uid, builder.gid)
    _remove_leftovers(place)
    call_as_identity(builder, os.mkdir, place.scratch)
    like = _likeness.read_environment_access(live)
    building = like.without_writers()
    place.run_as_builder(_likeness.create_with_access, building, place.path)
    place.create_environment()
    place.install_lock(place.order.lock or "")
    if place.order.cargo:
        generation["carried"] = place.load_cargo(_carry.load_cargo)
    call_as_identity(builder, _likeness.apply_access, building, live, place.path)
    # A user who cannot write there would compile the remaining modules again at every start.
    compiler = BackgroundCompiler(place, complete=place.user.uid != builder.uid)
    try:
        generation["deprecations"] = prove_environment(place)
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
