# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands between waves beside the budgets: a question to the operator's monitoring, and an operator's approval."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import subprocess
import time
import urllib.error
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.module_utils.urls import open_url
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError

ANSWER_LIMIT = 1 << 20
QUOTED_CHARACTERS = 300
EVERY_WAVE = "all"


class GateError(CollectionError):
    """A gate that cannot be asked as it is declared; the text says what to correct."""


@dataclasses.dataclass(frozen=True)
class GateQuestion:
    """The query before a wave: a command on the controller or a URL, and an expression that must be true of its JSON.

    Seconds: ``timeout`` for one answer, ``wait`` in which it may become good, ``interval`` between two answers.
    """

    command: Sequence[str] = ()
    url: str = ""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    expression: str = ""
    timeout: float = 30.0
    wait: float = 0.0
    interval: float = 10.0
    validate_certs: bool = True


def _fetch_answer(question: GateQuestion) -> str:
    """What is answered. Raises GateError where that is no answer."""
    if question.url:
        try:
            with open_url(
                question.url,
                headers=dict(question.headers),
                timeout=question.timeout,
                validate_certs=question.validate_certs,
            ) as response:
                return bytes(response.read(ANSWER_LIMIT)).decode("utf-8", "replace")
        except (urllib.error.URLError, OSError, ValueError) as error:
            # The URL may carry a token.
            cause = getattr(error, "code", "") or getattr(error, "reason", "") or type(error).__name__
            raise GateError(f"its URL gave no answer: {cause}") from None
    try:
        done = subprocess.run(
            list(question.command), stdin=subprocess.DEVNULL, capture_output=True, timeout=question.timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise GateError(f"`{question.command[0]}` gave no answer within {question.timeout:g} seconds") from None
    except OSError as error:
        raise GateError(f"`{question.command[0]}` could not be run: {error}") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        raise GateError(f"`{question.command[0]}` ended with {done.returncode}: {said[-QUOTED_CHARACTERS:]}")
    return done.stdout[:ANSWER_LIMIT].decode("utf-8", "replace")


def evaluate_gate_answer(answer: str, expression: str) -> str:
    """Return why *answer* keeps a gate closed; any opens it without an *expression*. Raises GateError."""
    if not expression:
        return ""
    try:
        import jmespath
        from jmespath.exceptions import JMESPathError
    except ImportError:
        raise GateError(
            "the controller lacks the package jmespath; install the collection's requirements.txt"
        ) from None
    try:
        value = jmespath.search(expression, json.loads(answer))
    except ValueError as error:
        if isinstance(error, JMESPathError):
            raise GateError(f"the expression {expression!r} cannot be used: {error}") from None
        raise GateError(f"its answer is not JSON: {answer[:QUOTED_CHARACTERS].strip()!r}") from None
    except JMESPathError as error:
        raise GateError(f"the expression {expression!r} cannot be used: {error}") from None
    return "" if value is True else f"{expression} is {json.dumps(value)[:QUOTED_CHARACTERS]}, not true"


def poll_gate(
    question: GateQuestion, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic
) -> str:
    """Why the gate stays closed, once ``wait`` is over; an empty string as soon as it opens."""
    until = clock() + question.wait
    while True:
        try:
            why = evaluate_gate_answer(_fetch_answer(question), question.expression)
        except GateError as error:
            why = str(error)
        if not why or clock() >= until:
            return why
        sleep(min(question.interval, max(0.0, until - clock())))


def is_wave_approved(run: str, wave: int, given: Sequence[Any], path: pathlib.Path | None) -> bool:
    """Return whether *wave* is among those *given*, or a line of *path* is *run*, a blank and its number.

    ``all`` stands for every wave. A file outlives a run, and the next run has other waves, so its lines name the run.
    """
    lines = {" ".join([run, str(one).strip()]) for one in given}
    if path is not None:
        with contextlib.suppress(OSError):
            lines |= {" ".join(line.split()) for line in path.read_text(encoding="utf-8").splitlines()}
    return bool(lines & {f"{run} {wave}", f"{run} {EVERY_WAVE}"})
