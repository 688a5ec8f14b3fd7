# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof that the processes of services run the Python of one environment, and nothing of another one."""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._host._python_use import (
    ProcessUse,
    PythonPlace,
    find_files_inside,
    find_named_path,
    list_process_entries,
    read_process_use,
    select_members,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import START_AGAIN, Service, ServiceState


class ProcessProof(NamedTuple):
    """Whether nothing speaks against the processes of a service, the evidence, whether they visibly use Python at all,
    and whether it is ``shown`` that this is the one."""

    passed: bool
    evidence: str
    python: bool = False
    shown: bool = False


def prove_processes(
    states: Dict[Service, ServiceState], new: Optional[PythonPlace], old: Optional[PythonPlace]
) -> Dict[Service, ProcessProof]:
    """The proof for each service in *states* that has processes: they run *new*, and use nothing of *old*.

    Without *new*, any Python will do.
    """
    entries = list_process_entries()
    proofs = {}
    for service, state in states.items():
        name = service.get_label()
        members = select_members(entries, state.groups, state.pids)
        if members:
            uses = [use for use in map(read_process_use, members) if use is not None]
            # What was only stopped with another service need not run from the environment.
            proofs[service] = judge_processes(name, uses, None if service.action == START_AGAIN else new, old)
        elif not state.traceable:
            proofs[service] = ProcessProof(True, "not shown: the processes of %s are not known" % name)
        elif state.has_processes:
            proofs[service] = ProcessProof(False, "no process of %s is running" % name)
    return proofs


def judge_processes(
    name: str, uses: Sequence[ProcessUse], new: Optional[PythonPlace], old: Optional[PythonPlace]
) -> ProcessProof:
    """The proof for the service *name*, whose processes use *uses*."""
    pythons = [use for use in uses if use.is_python()]
    for use in uses:
        problem = _find_old_use(use, new, old) if old else None
        if problem:
            return ProcessProof(False, "process %d of %s %s" % (use.pid, name, problem), bool(pythons))
    shown = [text for text in (_describe_use(use, new) for use in uses) if text]
    if shown:
        return ProcessProof(True, "%d of %d processes of %s: %s" % (len(shown), len(uses), name, shown[0]), True, True)
    for use in pythons:
        if new and use.is_interpreter():
            text = "process %d of %s runs %s, not %s" % (use.pid, name, use.executable, new.path)
            return ProcessProof(False, text, True)
    if pythons and new:
        text = "process %d of %s maps %s and nothing of %s" % (pythons[0].pid, name, pythons[0].library, new.path)
        return ProcessProof(True, "not shown: " + text, True)
    return ProcessProof(True, "not shown: none of the %d processes of %s visibly uses Python" % (len(uses), name))


def _find_old_use(use: ProcessUse, new: Optional[PythonPlace], old: PythonPlace) -> Optional[str]:
    """What the process of *use* has of *old*; None if nothing is seen."""
    inside = find_files_inside(use, old)
    if inside:
        return "still maps %s" % inside[0]
    if old.program and use.program == old.program and new and new.program != old.program:
        return "still runs %s" % use.executable
    if use.minor and new and new.minor and use.minor == old.minor and use.minor != new.minor:
        return "maps %s, and the environment is of Python %s: provide a program that embeds that one" % (
            use.library,
            new.minor,
        )
    return None


def _describe_use(use: ProcessUse, new: Optional[PythonPlace]) -> Optional[str]:
    """What the process of *use* has of *new*, or of any Python without it; None if nothing is seen."""
    if new is None:
        return "runs %s" % use.executable if use.is_python() else None
    inside = find_files_inside(use, new)
    runs = use.program is not None and use.program == new.program
    if not inside and not runs:
        named = find_named_path(use, new) if use.library and use.minor in (new.minor, None) else None
        return "runs %s and was started with %s" % (use.library, named) if named else None
    program = use.library if use.library and not runs else use.executable
    if not inside:
        return "runs %s" % program
    return "runs %s with %d files of %s" % (program, len(inside), new.path)


def summarize_proofs(proofs: Dict[Service, ProcessProof], before: Sequence[Service]) -> Tuple[bool, str]:
    """Whether all of *proofs* passed, with the evidence of those that did not, or else of all.

    The services *before* used Python before, and must do so.
    """
    failed, evidence = [], []
    for service, proof in proofs.items():
        evidence.append(proof.evidence)
        if not proof.passed:
            failed.append(proof.evidence)
        elif service in before and not proof.python:
            failed.append("no process of %s uses Python, as before" % service.get_label())
    return not failed, "; ".join(failed or evidence)


def list_python_services(proofs: Dict[Service, ProcessProof]) -> List[str]:
    """The labels of the services that use Python by *proofs*."""
    return [service.get_label() for service, proof in proofs.items() if proof.python]
