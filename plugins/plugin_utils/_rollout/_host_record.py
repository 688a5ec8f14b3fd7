# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a host in a run: the variable ``host_record``, which the role host writes by filters.

Keys, each missing until it is known:

``step``
    The step or rollback that the host began last: ``application``, ``from``, ``to``, ``lock``, ``kind``, ``began``
    (seconds since the epoch) and ``ended`` (whether it has a row in ``results``).
``results``
    One row for each step or rollback that ended well, as the report has it, without the host and the backup.
``promoted``
    Names of the applications of which a step of this run was promoted.
``failures``
    One row for each application that failed: ``application``, ``from``, ``to``, ``kind``, ``outcome``, ``reason``,
    ``cause`` and ``down``, as for the host.
``stopped``, ``left``
    Names of the applications of which no further step is taken, and the kind of which none is taken on the host at
    all; missing while there is none.
``after``, ``waiting``
    What each application comes after, by its name; and why no step is taken of those that come after one that is not on
    target, as applications of a row of the ledger, by their names.
``host_failed``
    Whether a failure concerns the host itself; missing when none does.
``undone``
    How the way back of each application ended that was rolled back with others, by its name, as an application of a
    row of the ledger.
``outcome``, ``reason``
    How the wave of the host ended, in words of the ledger; replaced when the host is rolled back with others.
``cause``
    Why it failed, as one line; missing when it did not.
``down``
    Whether an application is not healthy on what was live before, either.
``journal``
    Journal of the host, as the last promotion returned it; missing when anything else came after that promotion.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _ledger
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import shorten

VARIABLE = "host_record"
# A rollback has neither a lock nor a duration: both would count as evidence of a step.
ROW_KEYS = ("application", "from", "to", "downtime_ms", "result")
STEP_KEYS = ("application", "from", "to", "lock")
RESULT_WITHOUT_PROMOTION = {_ledger.UPGRADE: "built", _ledger.ROLLBACK: "restored"}
PROMOTED = "promoted"
CAUSE_LENGTH = 400
# Names of each reason for which something was not tried.
UNTRIED_NAMES = 3
# What became of an application, for those that come after it.
WORDING = {
    _ledger.FAILED: "failed",
    _ledger.INTERRUPTED: "was interrupted",
    _ledger.REVERTED: "was reverted",
    _ledger.BLOCKED: "is blocked",
    _ledger.SKIPPED: "was left out",
}
CONTINUE, LEAVE_HOST = "continue", "leave_host"
# Text of failures that concern the host: no application of it could do better.
HOST_FAILURE = re.compile(
    r"No space left on device|Disk quota exceeded|Read-only file system|Input/output error"
    r"|is being changed by run \S+ \("
    r"|(?:sudo|become|su)\b.{0,80}\b(?:password|privilege)|(?:Missing|Incorrect) \w+ password",
    re.IGNORECASE,
)
# Variable of the loop over applications in the role backup.
LOOP_VARIABLE = "backup_application"
UNKNOWN_REASON = "see the task that failed"


def get_host_record(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record of a host by its variables *facts*; empty when its wave never began there."""
    return facts.get(VARIABLE) or {}


def get_journal(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the journal of the host; None before its wave has ended, because it may lack the last promotion."""
    return record.get("journal") if record.get("outcome") else None


def list_backup_names(facts: Mapping[str, Any]) -> dict[str, str]:
    """The backup made of each application before its first step, by the variables *facts* of a host."""
    found = {}
    for one in (facts.get("backup_results") or {}).get("results") or []:
        if one.get("backup"):
            found[one["backup_application"]] = f"{one['backup']} (unverified)"
    return found


def begin_wave(
    record: Mapping[str, Any],
    after: Mapping[str, Sequence[str]],
    blocked: Sequence[str],
    closed: Sequence[str],
) -> dict[str, Any]:
    """*record* when the wave of its host begins: no step is taken of what is *closed*.

    The same is true of what comes *after* that, or after what is *blocked*.
    """
    begun = {**record, "after": after, "stopped": [*record.get("stopped", []), *closed]}
    for name in closed:
        begun = _stop_successors(begun, name, _ledger.SKIPPED)
    for name in blocked:
        begun = _stop_successors(begun, name, _ledger.BLOCKED)
    return begun


def _stop_successors(record: dict[str, Any], name: str, outcome: str) -> dict[str, Any]:
    """*record* when *name* ended with *outcome*: what comes after it waits for the next run."""
    for other, before in record.get("after", {}).items():
        if name in before and other not in record["stopped"]:
            text = f"after: {name}, which {WORDING[outcome]}"
            row = {"outcome": _ledger.SKIPPED, "reason": text, "cause": text}
            row["remediation"] = f"run again when {name} is on target"
            record = {
                **record,
                "stopped": [*record["stopped"], other],
                "waiting": {**record.get("waiting", {}), other: row},
            }
            record = _stop_successors(record, other, _ledger.SKIPPED)
    return record


def begin_step(record: Mapping[str, Any], step: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """*record* when a *step* of a plan, or a rollback of the same form, begins."""
    begun = {key: step[key] for key in STEP_KEYS if key in step}
    return {**record, "step": {**begun, "kind": kind, "began": time.time(), "ended": False}}


def add_result(
    record: Mapping[str, Any], promotion: Mapping[str, Any], untried: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """*record* when its step has ended well, with the result of the module promotion; empty without a promotion.

    *untried* are the rows of the module environment for what the proof did not try.
    """
    step = record["step"]
    row = _make_row(step, promotion)
    if untried:
        row["untried"] = [{**part, "names": list(part["names"])[:UNTRIED_NAMES]} for part in untried]
    changed = _drop_journal({**record, "step": {**step, "ended": True}, "results": [*record.get("results", []), row]})
    if promotion.get("journal"):
        changed["journal"] = promotion["journal"]
    if step["kind"] == _ledger.UPGRADE and row["result"] == PROMOTED:
        changed["promoted"] = [*record.get("promoted", []), step["application"]]
    return changed


def _make_row(step: Mapping[str, Any], promotion: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record that the module promotion returned, as a row for *step*."""
    row = dict.fromkeys(ROW_KEYS)
    row.update(application=step["application"], result=RESULT_WITHOUT_PROMOTION[step["kind"]])
    row.update(promotion.get("record") or {})
    chosen = row.pop("chosen", None)
    if step["kind"] == _ledger.ROLLBACK:
        back = {key: row[key] for key in ROW_KEYS}
        return {**back, "chosen": chosen} if chosen else back
    # A step is known by its versions and its plan, and lasts from its build on.
    return {**row, **{key: step.get(key) for key in STEP_KEYS}, "seconds": round(time.time() - step["began"], 1)}


def add_failure(
    record: Mapping[str, Any], failure: Mapping[str, Any], kind: str, after_failure: str = CONTINUE
) -> dict[str, Any]:
    """*record* when a task for an application ended with the result *failure* in a step of *kind*.

    After a failure of the host itself, or with ``leave_host`` as *after_failure*, no other application is treated.
    """
    failures = list(record.get("failures", []))
    stopped = list(record.get("stopped", []))
    leaving = host_failed = False
    for application, own in _split_failure(record, failure):
        step = record.get("step") or {}
        known = step if step.get("application") == application else {}
        failures.append(
            {
                "application": application,
                "from": known.get("from"),
                "to": known.get("to"),
                "lock": known.get("lock"),
                "kind": kind,
                **_describe_failure(own, kind),
            }
        )
        stopped.append(application)
        host_failed = host_failed or application is None or is_host_failure(own)
        leaving = leaving or host_failed or after_failure == LEAVE_HOST
    changed = {**record, "failures": failures, "stopped": stopped}
    changed.update({"left": kind} if leaving else {})
    changed.update({"host_failed": True} if host_failed else {})
    if kind == _ledger.UPGRADE:
        for row in failures[len(record.get("failures", [])) :]:
            changed = _stop_successors(changed, str(row["application"]), row["outcome"])
    return _drop_journal(changed)


def _split_failure(
    record: Mapping[str, Any], failure: Mapping[str, Any]
) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    """The applications that *failure* concerns, each with its own; a loop over applications names them."""
    items = [item for item in failure.get("results") or [] if item.get("failed")]
    if items and all(item.get("ansible_loop_var") == LOOP_VARIABLE for item in items):
        for item in items:
            yield str(item[LOOP_VARIABLE]), item
    else:
        yield (record.get("step") or {}).get("application"), failure


def is_host_failure(failure: Mapping[str, Any]) -> bool:
    """Whether *failure* concerns the host: a full disk, a lost privilege, a module that was killed."""
    return is_crash(failure) or bool(HOST_FAILURE.search(_get_reason(failure)))


def _describe_failure(failure: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {
        "outcome": classify_failure(failure, kind),
        "reason": _get_reason(failure),
        "cause": find_cause(failure),
        "down": is_down(failure),
    }


def close_wave(record: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """*record* when everything that the *kind* of run asks of the host was tried."""
    failures = _list_failures(record, kind)
    if not failures:
        return {**record, "outcome": _ledger.SUCCESS_OUTCOMES[kind], "reason": ""}
    return _drop_journal({**record, **_join_failures(failures)})


def _list_failures(record: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [row for row in record.get("failures", []) if row["kind"] == kind]


def _join_failures(failures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What several *failures* come to together: the worst outcome, and the reasons from the worst."""
    order = _ledger.SEVERITY
    sorted_rows = sorted(failures, key=lambda row: (not row["down"], order.index(row["outcome"])))
    return {
        "outcome": sorted_rows[0]["outcome"] if not sorted_rows[0]["down"] else _ledger.FAILED,
        "reason": "; ".join(dict.fromkeys(row["reason"] for row in sorted_rows)),
        "cause": sorted_rows[0]["cause"],
        "down": sorted_rows[0]["down"],
    }


def close_failed_wave(record: Mapping[str, Any], kind: str, failure: Mapping[str, Any]) -> dict[str, Any]:
    """*record* when a task that is for no application ended with the result *failure* in a run of *kind*."""
    own = {"kind": kind, **_describe_failure(failure, kind)}
    joined = _join_failures([*_list_failures(record, kind), own])
    return _drop_journal({**record, **joined, "host_failed": True})


def add_hook_failure(record: Mapping[str, Any], hook: str, failure: Mapping[str, Any]) -> dict[str, Any]:
    """*record* when the *hook* for failed hosts ended with the result *failure*, too."""
    return {**record, "reason": f"{record['reason']}; and {hook} failed: {_get_reason(failure)}"}


def close_undone_wave(
    record: Mapping[str, Any], reasons: str | Mapping[str, str], failure: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """*record* when applications of the host were rolled back with others, or could not be, by *failure*.

    *reasons* are by application; one reason is for all of which a step was promoted.
    """
    promoted = record.get("promoted", [])
    texts = dict.fromkeys(promoted, reasons) if isinstance(reasons, str) else reasons
    failures = _list_failures(record, _ledger.ROLLBACK)
    whole = [] if failure is None else [_describe_failure(failure, _ledger.ROLLBACK)]
    undone = {}
    for name in promoted:
        if name in texts:
            own = [row for row in failures if row["application"] == name] or whole
            undone[name] = _describe_way_back(own, texts[name])
    changed = {**record, "undone": {**record.get("undone", {}), **undone}}
    # What the host failed with does not matter any more where all of it went back.
    if set(changed["undone"]) >= set(promoted):
        changed.pop("host_failed", None)
    others = [row for row in _list_failures(record, _ledger.UPGRADE) if row["application"] not in changed["undone"]]
    rows = [*changed["undone"].values(), *others] or [_describe_way_back(whole, _get_only_reason(reasons))]
    return _drop_journal({**changed, **_join_failures(rows)})


def _get_only_reason(reasons: str | Mapping[str, str]) -> str:
    return reasons if isinstance(reasons, str) else "; ".join(dict.fromkeys(reasons.values()))


def _describe_way_back(failures: Sequence[Mapping[str, Any]], reason: str) -> dict[str, Any]:
    """How the way back of an application ended, by the *failures* on it; *reason* is why it went back."""
    if not failures:
        text = f"rolled back, because {reason}"
        return {"outcome": _ledger.REVERTED, "reason": text, "cause": None, "down": False}
    told = _join_failures(failures)
    return {**told, "reason": f"it could not be rolled back: {told['reason']}"}


def is_down(failure: Mapping[str, Any]) -> bool:
    """Whether an application is not healthy since the *failure*: its undo failed, or it is not healthy after that."""
    return failure.get("outcome") == _ledger.FAILED


def find_cause(failure: Mapping[str, Any]) -> str:
    """Why a task ended with the result *failure*, in one line: what the module found out, or its message."""
    text = " ".join(str(failure.get("cause") or _get_reason(failure)).split())
    return shorten(text, CAUSE_LENGTH)


def _drop_journal(record: dict[str, Any]) -> dict[str, Any]:
    record.pop("journal", None)
    return record


def _get_reason(failure: Mapping[str, Any]) -> str:
    return str(failure.get("msg") or UNKNOWN_REASON)


def classify_failure(failure: Mapping[str, Any], kind: str) -> str:
    """The outcome of a host on which a task ended with the result *failure*, in a run of *kind*."""
    if "outcome" in failure:
        undone = failure["outcome"] == _ledger.REVERTED and kind == _ledger.UPGRADE
        return _ledger.REVERTED if undone else _ledger.FAILED
    return _ledger.INTERRUPTED if is_crash(failure) else _ledger.FAILED


def is_crash(failure: Mapping[str, Any]) -> bool:
    """Whether the module of *failure* died: only then its standard output is left, or its result has ``crashed``."""
    return "module_stdout" in failure or bool(failure.get("crashed"))


def determine_outcome(record: Mapping[str, Any], reachable: bool) -> tuple[str, str]:
    """The outcome of a host whose wave has ended, and its reason, by its *record*.

    A host that was lost during a step commits or undoes it alone, so its outcome is unknown until the next run; also
    where that was on the way back with others, after a good end of its wave.
    """
    if not reachable and _is_going_back(record):
        name = record["step"]["application"]
        return _ledger.UNKNOWN, f"it became unreachable while {name} went back; the next run learns what is live"
    if record.get("outcome"):
        return str(record["outcome"]), str(record.get("reason") or "")
    if reachable:
        return _ledger.UNKNOWN, "it left no record of how its wave ended"
    step = record.get("step")
    if step:
        return _ledger.UNKNOWN, (
            f"it became unreachable during {step.get('application')} {step.get('from')} -> {step.get('to')}; "
            "it closes an open promotion by itself, and the next run learns how"
        )
    return _ledger.UNREACHABLE, "it could not be reached when its wave began"


def _is_going_back(record: Mapping[str, Any]) -> bool:
    """Whether the host, whose wave has ended, has begun a rollback that neither ended nor failed."""
    step = record.get("step") or {}
    if not record.get("outcome") or step.get("kind") != _ledger.ROLLBACK or step["ended"]:
        return False
    return step["application"] not in [row["application"] for row in _list_failures(record, _ledger.ROLLBACK)]


def list_application_outcomes(
    record: Mapping[str, Any], names: Sequence[str], outcome: str, reason: str, kind: str
) -> list[dict[str, Any]]:
    """How each of *names*, the applications of a wave on its host, ended, as the ledger has it.

    *outcome* and *reason* are those of the host by its *record*, in a run of *kind*.
    """
    return [{"application": name, **_describe_outcome(record, name, outcome, reason, kind)} for name in names]


def _describe_outcome(record: Mapping[str, Any], name: str, outcome: str, reason: str, kind: str) -> Mapping[str, Any]:
    good = {"outcome": _ledger.SUCCESS_OUTCOMES[kind], "reason": ""}
    failures = _list_failures(record, kind)
    own = [row for row in failures if row["application"] == name]
    if name in record.get("undone", {}):
        return _select_told(record["undone"][name])
    if own:
        return _select_told(_join_failures(own))
    if name in record.get("waiting", {}):
        return _select_told(record["waiting"][name])
    if outcome == good["outcome"]:
        return good
    step = record.get("step") or {}
    current = step.get("application") == name and not step.get("ended")
    if current and outcome == _ledger.UNKNOWN and _is_going_back(record):
        return _select_told({"outcome": outcome, "reason": reason})
    treated = any(row["application"] == name for row in record.get("results", []))
    # Where applications failed, and the host did not, those that were treated and did not fail have ended well.
    if failures and record.get("outcome") and not record.get("host_failed"):
        left = record.get("left") == kind and not treated
        return {"outcome": _ledger.SKIPPED, "reason": f"the host was left: {reason}"} if left else good
    if treated and not current:
        return good
    if current or outcome in _ledger.DOUBTFUL_OUTCOMES:
        return _select_told({"outcome": outcome, "reason": reason, "cause": record.get("cause")})
    return {"outcome": _ledger.SKIPPED, "reason": f"the host was left: {reason}"}


def _select_told(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the ledger says of an application: causes only where they are known, and whether it is down if it is."""
    told = {"outcome": row["outcome"], "reason": row["reason"] or ""}
    return {**told, **{key: row[key] for key in ("cause", "remediation", "down") if row.get(key)}}
