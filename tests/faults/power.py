# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loses the power behind every call by which a change of a host writes a file, with what was not synced kept or lost.

Each change runs once on a file system that records its calls; `crash_states` makes every state of the disk that a
failure may leave. In each of them one whole environment is live or undo.sh makes it so, however often it runs;
everything that is recorded can be read; no partial backup counts; and the next run closes what is open and reaches its
target.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import json
import multiprocessing
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ansible_collections.oxzep7.python.plugins.module_utils._promotion import _preconditions
from ansible_collections.oxzep7.python.plugins.module_utils._transaction import _dead_man

from tests.faults.crash_states import MARK, RENAME, CrashState, Operation, Tree, list_crash_states
from tests.faults.power_world import (
    ModuleFailedError,
    World,
    bind_file,
    enter_mount_namespace,
    load_modules,
    mount_memory,
    require_success,
    run_module,
)
from tests.faults.recording_fs import mount_recording, record_sync

WORKERS = 2
# A build or a restore has thousands of states, most of which differ in files that nothing uses yet.
LIMIT = 240
STATE_SECONDS = 120
OTHER_LOCKS = ("a==1\n", "b==1\n")
# A process at work appends to these, or writes them for itself only.
UNCHECKED_FILES = ("acts", "lease", "deadline")
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Case:
    """A change: what it begins with and how it is made.

    With ``fails`` its checks fail, so that it ends undone. With ``whole`` an environment is live at every moment, not
    only after a recovery.
    """

    name: str
    begin: Callable[[World], object]
    act: Callable[[World], dict[str, Any]]
    fails: bool = False
    whole: bool = True

    def repeat(self, world: World) -> dict[str, Any]:
        """Make the change, which must end as it should. Raises LostError."""
        result = self.act(world)
        undone = "is live again" in str(result.get("msg"))
        expect(
            bool(result.get("failed")) == undone == self.fails, f"{self.name} ended with {result.get('msg') or result}"
        )
        return result


@dataclasses.dataclass(frozen=True)
class Recorded:
    """A change that was recorded: the disk before it, its calls, and what was to be seen before and after it.

    ``versions`` are the contents that each file of the state directory had, ``entries`` the number of those in the
    history before the change.
    """

    case: Case
    before: Tree
    operations: list[Operation]
    old: dict[str, str]
    new: dict[str, str]
    generations: list[dict[str, str]]
    results: dict[str, Any]
    entries: int
    backups: int
    versions: dict[str, set[bytes]]


class LostError(Exception):
    """A state that was not survived; the text says what is wrong."""


def expect(holds: bool, text: str) -> None:
    """Raise LostError with *text* unless it *holds*."""
    if not holds:
        raise LostError(text)


def _list_cases(locks: Sequence[str]) -> list[Case]:
    first, second = (f"{number}-py{sys.version_info[0]}.{sys.version_info[1]}" for number in (1, 2))

    def refuse(world: World, generation: str) -> dict[str, Any]:
        cmd = ["sh", "-c", f"! readlink {world.live} | grep -q /{generation}"]
        return {"name": "another generation", "command": {"cmd": cmd}}

    def prefer_spoilt(world: World) -> dict[str, Any]:
        return {"name": "spoilt", "command": {"cmd": ["grep", "-q", "spoilt", str(world.live / "marker")]}}

    def keep_and_spoil(world: World) -> None:
        require_success(world.back_up())
        world.spoil()

    def adopt(world: World) -> None:
        require_success(world.promote(first))

    def go_on(world: World) -> None:
        adopt(world)
        require_success(world.promote(second))

    def adopt_and_spoil(world: World) -> None:
        adopt(world)
        keep_and_spoil(world)

    def keep_and_change(world: World) -> None:
        require_success(world.back_up())
        (world.source / "part0.py").write_text("CHANGED = True\n")

    def do_nothing(_world: World) -> None:
        return

    return [
        Case("adoption", do_nothing, lambda world: world.promote(first)),
        Case("forward", adopt, lambda world: world.promote(second, keep_generations=1, forget_original=True)),
        Case("rollback", go_on, lambda world: world.promote(first, kind="rollback")),
        Case("failed adoption", do_nothing, lambda world: world.promote(first, refuse(world, first)), fails=True),
        Case("failed promotion", adopt, lambda world: world.promote(second, refuse(world, second)), fails=True),
        Case("restore", keep_and_spoil, World.restore, whole=False),
        Case("restore of a generation", adopt_and_spoil, World.restore, whole=False),
        Case("failed restore", keep_and_spoil, lambda world: world.restore(prefer_spoilt(world)), True, False),
        Case("first backup", do_nothing, World.back_up),
        Case("backup", keep_and_change, World.back_up),
        Case("plan", lambda world: deliver_plan(world, locks[:1]), lambda world: deliver_plan(world, OTHER_LOCKS)),
        Case("build", do_nothing, lambda world: world.build(locks[2])),
    ]


def deliver_plan(world: World, locks: Sequence[str]) -> dict[str, Any]:
    """Deliver a plan with *locks*."""
    named = {hashlib.sha256(lock.encode()).hexdigest(): lock for lock in locks}
    plan = json.dumps({"locks": sorted(named)}, indent=1)
    state = str(world.state)
    return require_success(run_module("plan_delivery", plan_dir=state, state_dir=state, plan=plan, locks=named))


def run_forked(function: Callable[..., T], *arguments: Any) -> T:
    """The result of *function* in a process and mount namespace of its own. Raises LostError with its failure."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        status = 1
        try:
            signal.alarm(STATE_SECONDS)
            enter_mount_namespace()
            try:
                answer: tuple[Any, str] = (function(*arguments), "")
            except (LostError, ModuleFailedError) as error:
                answer = (None, str(error))
            except Exception:
                answer = (None, traceback.format_exc())
            with os.fdopen(writer, "wb") as stream:
                pickle.dump(answer, stream)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        data = stream.read()
    _pid, ended = os.waitpid(child, 0)
    result, problem = pickle.loads(data) if data else (None, f"its process ended with {ended}")
    if problem:
        raise LostError(problem)
    return result


def _prepare_host(world: World) -> None:
    """Have what a restart empties, and tools that report what the kernel does not."""
    for place in (str(world.run), "/var/tmp"):
        mount_memory(place)
    bind_file(str(world.scratch / "sync"), shutil.which("sync") or "/usr/bin/sync")
    # As on a host with neither systemd nor cron: what those need lies outside of the recorded file system.
    for room in (_dead_man, _preconditions):
        room.detect_dead_man = lambda: "process"
    # Everything is in memory; a real one would write what other processes of this machine have.
    os.sync = lambda: record_sync(str(world.root))


def _record(world: World, tree: Tree, case: Case) -> tuple[list[Operation], dict[str, Any]]:
    """The calls of *case* on *tree*, and what is to be seen; the calls before a mark lead to its beginning."""
    _prepare_host(world)
    with mount_recording(str(world.root), tree) as recording:
        world.boot()
        case.begin(world)
        seen: dict[str, Any] = {"old": world.look(), "entries": len(world.read_record()["history"])}
        before = world.look_at_generations()
        seen["backups"] = len(world.list_backups()) if world.backups.exists() else 0
        recording.mark("begin")
        case.repeat(world)
        seen.update(new=world.look(), generations=[before, world.look_at_generations()], results=world.list_results())
    return recording.operations, seen


def record_case(world: World, tree: Tree, case: Case) -> Recorded:
    """*case*, made on the disk *tree*. Raises LostError."""
    operations, seen = run_forked(_record, world, tree, case)
    begin = next(number for number, done in enumerate(operations) if done.kind == MARK)
    before = tree.copy()
    for done in operations[:begin]:
        before.apply(done)
    versions = list_versions(before, operations[begin + 1 :])
    return Recorded(case, before, operations[begin + 1 :], versions=versions, **seen)


def list_versions(before: Tree, operations: Sequence[Operation]) -> dict[str, set[bytes]]:
    """The contents of every file of the state directory, by path: those of *before*, and those that took its name."""
    found: dict[str, set[bytes]] = {}

    def take(tree: Tree, only: int | None = None) -> None:
        for path, number, inode in tree.walk():
            if path.startswith("/state/") and not inode.is_directory() and only in (None, number):
                found.setdefault(path, set()).add(inode.data)

    tree = before.copy()
    take(tree)
    for done in operations:
        tree.apply(done)
        if done.kind == RENAME:
            take(tree, done.inode)
    return found


def check_files(world: World, recorded: Recorded) -> None:
    """Raise LostError for a file of the state directory that is not as it once was meant to be."""
    for folder, _below, names in os.walk(world.state):
        for name in names:
            path = pathlib.Path(folder, name)
            if name.startswith(".") or name in UNCHECKED_FILES or path.suffix in (".jsonl", ".log", ".next"):
                continue
            shown = "/" + str(path.relative_to(world.root))
            expect(path.read_bytes() in recorded.versions.get(shown, ()), f"{shown} is not complete")
    plan = world.state / "plan.json"
    for lock in json.loads(plan.read_text())["locks"] if plan.exists() else []:
        path = world.state / "locks" / f"{lock}.txt"
        expect(path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == lock, f"lock {lock} is not there")
    require_success(run_module("run_info", state_dir=str(world.state), run_id="power"))


def check_generations(world: World, recorded: Recorded) -> None:
    """Raise LostError for a generation that is recorded as complete and is not."""
    for name, digest in world.look_at_generations().items():
        whole = [known[name] for known in recorded.generations if name in known]
        expect(digest in whole, f"generation {name} is complete by its record only")


def check_backups(world: World, least: int) -> None:
    """Raise LostError unless there are at *least* so many backups, and all that count are complete."""
    if world.backups.exists() or least:
        expect(len(world.list_backups()) >= least, "a backup is lost")


def check_look(world: World, expected: dict[str, str], when: str) -> None:
    """Raise LostError unless every part of the application is as *expected*."""
    seen = world.look()
    wrong = [f"{name} is {seen[name]}, not {expected[name]}" for name in expected if seen[name] != expected[name]]
    expect(not wrong, f"{when}: {', '.join(wrong)}; it is generation {world.read_record().get('current')}")


def judge(world: World, recorded: Recorded, crash: CrashState, by_hand: bool) -> None:
    """Recover the disk *crash*, *by_hand* or by the next run, and make the change again. Raises LostError."""
    case = recorded.case
    _prepare_host(world)
    mount_memory(str(world.root))
    crash.tree.write_to(str(world.root))
    check_files(world, recorded)
    check_backups(world, recorded.backups)
    if crash.ended:
        found, meant = world.list_results(), recorded.results
        lost = {name: found[name] for name in found if found[name] != meant[name]}
        expect(not lost, f"it had ended, and {', '.join(lost)} is lost: {lost}, not {[meant[name] for name in lost]}")
    is_open = (world.own_state / "state.next.json").exists()
    made = [entry for entry in world.read_record()["history"][recorded.entries :] if entry["event"] != "reverted"]
    expected = recorded.new if made and not case.fails else recorded.old
    if not is_open or case.whole:
        check_generations(world, recorded)
    if not is_open:
        check_look(world, expected, "before the recovery")
    elif case.whole:
        whole = {recorded.old["environment"]}.union(*(known.values() for known in recorded.generations))
        expect(world.look()["environment"] in whole, "no whole environment is live")
    world.boot()
    for _time in range(2 if by_hand and is_open else 0):
        undone = subprocess.run(["/bin/sh", world.own_state / "undo.sh"], capture_output=True, text=True, check=False)
        expect(undone.returncode == 0, f"undo.sh ended with {undone.returncode}: {undone.stderr}")
        check_look(world, recorded.old, "after undo.sh")
    require_success(run_module("recovery", state_dir=str(world.state), run_id="next", wait=0))
    check_look(world, expected, "after the recovery")
    expect(not world.list_leftovers(), f"{world.list_leftovers()} is left by the recovery")
    case.repeat(world)
    check_look(world, recorded.new, "after the next run")
    # One that is built again has other times in its compiled modules.
    expect("nothing" not in world.look_at_generations().values(), "a generation is complete by its record only")
    check_backups(world, recorded.backups)
    expect(not world.list_leftovers(), f"{world.list_leftovers()} is left by the next run")
    started = (world.run / "started").read_text().strip()
    expect(started == os.path.realpath(world.live), f"the service was started in {started}")


def _judge_in_process(world: World, recorded: Recorded, crash: CrashState) -> str:
    """What is wrong with *crash*; an empty text where it is survived."""
    ways = [True, False] if any(path.endswith("/state.next.json") for path, _n, _i in crash.tree.walk()) else [False]
    for by_hand in ways:
        try:
            run_forked(judge, world, recorded, crash, by_hand)
        except LostError as error:
            done = recorded.operations[crash.point - 1] if crash.point else None
            what = f"{done.kind} {done.name}" if done else "the beginning"
            return f"{recorded.case.name}: {crash.point} ({what}), {crash.kept}: {error}"
    return ""


_AT_WORK: list[Any] = []


def _take(*arguments: Any) -> None:
    _AT_WORK[:] = arguments


def _judge_taken(crash: CrashState) -> str:
    return _judge_in_process(_AT_WORK[0], _AT_WORK[1], crash)


def select_states(states: Sequence[CrashState], limit: int) -> list[CrashState]:
    """Those of *states* in which the change had ended, and at most *limit* others, spread over all."""
    during = [crash for crash in states if not crash.ended]
    count = min(limit, len(during))
    chosen = [during[number * len(during) // count] for number in range(count)]
    return chosen + [crash for crash in states if crash.ended]


def try_case(world: World, recorded: Recorded, limit: int) -> tuple[int, int]:
    """Number of states tried and survived."""
    states = select_states(list(list_crash_states(recorded.before, recorded.operations)), limit)
    context = multiprocessing.get_context("fork")
    # With fork, the arguments of the initializer are inherited and not sent.
    with concurrent.futures.ProcessPoolExecutor(WORKERS, context, _take, (world, recorded)) as pool:
        problems = [problem for problem in pool.map(_judge_taken, states) if problem]
    for problem in problems:
        print(f"faults power: {problem}", file=sys.stderr, flush=True)
    return len(states), len(states) - len(problems)


def _make_world(world: World, locks: list[str]) -> list[Operation]:
    _prepare_host(world)
    with mount_recording(str(world.root), Tree()) as recording:
        world.create(locks)
        for lock in locks[:2]:
            require_success(world.build(lock))
    return recording.operations


def run_all(limit: int = LIMIT, only: Sequence[str] = ()) -> tuple[int, int]:
    """Points tried, and points survived, of each change about *limit*; of all, or *only* of those that are named."""
    points = survived = 0
    load_modules()
    with tempfile.TemporaryDirectory(prefix="oxzep7-power-") as directory:
        world = World(pathlib.Path(directory).resolve())
        locks = world.prepare_scratch()
        tree = Tree()
        for done in run_forked(_make_world, world, locks):
            tree.apply(done)
        for case in _list_cases(locks):
            if only and case.name not in only:
                continue
            tried, good = try_case(world, record_case(world, tree, case), limit)
            points, survived = points + tried, survived + good
    return points, survived
