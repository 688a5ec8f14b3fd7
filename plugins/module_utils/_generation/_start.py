# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts an application from another environment, beside the live one and on another port, and stops it again."""

import os
import re
import shlex
import socket
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import (
    PORT_MARK,
    Application,
    StartSettings,
    replace_port,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._units import (
    SYSTEM_UNIT_DIRECTORIES,
    UnitStart,
    read_unit_start,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import BuildError
from ansible_collections.oxzep7.python.plugins.module_utils._generation._output import parse_failure
from ansible_collections.oxzep7.python.plugins.module_utils._health._evaluation import evaluate_check
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import CheckContext
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, build_process_environment
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import EVIDENCE_BYTES, RunningCommand
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import HostReader

LOOPBACK = "127.0.0.1"
# Seconds between two evaluations of the check, and for which an application that was asked to end may still run.
INTERVAL, GRACE = 0.5, 10.0
VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}")
WHOLE_VARIABLE = re.compile(r"^\$([A-Za-z_]\w*)$")


class StartCommand(NamedTuple):
    """The words of a command, its working directory, and variables of its environment."""

    words: List[str]
    directory: str
    variables: Dict[str, str]


def expand_words(words: List[str], variables: Dict[str, str]) -> List[str]:
    """*words* of a unit's command with *variables*, as systemd does it (systemd.service(5), "Command lines")."""
    found: List[str] = []
    for word in words:
        whole = WHOLE_VARIABLE.match(word)
        if whole:
            found += variables.get(whole.group(1), "").split()
        else:
            found.append(VARIABLE.sub(lambda match: variables.get(match.group(1), ""), word).replace("$$", "$"))
    return found


def move_path(text: str, old: str, new: str) -> str:
    """*text* with the environment *new* in every path below the environment *old*."""
    return re.sub(r"(?<![\w./-])" + re.escape(old) + r"(?=/|:|$)", lambda _match: new, text)


def build_command(
    application: Application, start: StartSettings, unit: Optional[UnitStart], environment: str, port: int
) -> StartCommand:
    """What starts *application* in *environment* on *port*: the declared command, or that of the *unit*."""
    given = {name: replace_port(value, port) for name, value in start.variables}
    variables = dict(unit.variables if unit else {}, **given)
    if start.port_variable:
        variables[start.port_variable] = str(port)
    words = [replace_port(word, port) for word in start.command]
    directory = start.directory or application.source or "/"
    if unit:
        words = expand_words(unit.words, variables)
        directory = start.directory or unit.directory or directory
    live = application.environment
    if "/" in words[0]:
        words[0] = os.path.normpath(os.path.join(directory, words[0]))
    moved = {name: move_path(value, live, environment) for name, value in variables.items()}
    return StartCommand([move_path(word, live, environment) for word in words], directory, moved)


def choose_port() -> int:
    """A port of the loopback interface that nothing listens on. Raises OSError."""
    endpoint = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        endpoint.bind((LOOPBACK, 0))
        return int(endpoint.getsockname()[1])
    finally:
        endpoint.close()


def name_start(start: StartSettings) -> str:
    """How failures name the start."""
    return start.service or " ".join(shlex.quote(word) for word in start.command)


def _find_unit(application: Application, start: StartSettings) -> Optional[UnitStart]:
    """What the service of *start* says of its start; None for a declared command. Raises BuildError."""
    if not start.service:
        return None
    unit = read_unit_start(start.service, SYSTEM_UNIT_DIRECTORIES, HostReader())
    if unit is None:
        raise BuildError(
            "%s: %s has no ExecStart on this host; correct `rehearse.start.service`, or set `command` in its place"
            % (application.name, start.service)
        )
    return unit


class _Subject(NamedTuple):
    """What is started: an application, as it declares it or as its unit does, and the check of a port."""

    application: Application
    start: StartSettings
    unit: Optional[UnitStart]
    user: Identity
    build_check: Callable[[int], Dict[str, Any]]


def _start_once(subject: _Subject, environment: str) -> Optional[Dict[str, Any]]:
    """Start *subject* in *environment* until its check passes; the failure if it does not. Raises OSError."""
    port, user, start = choose_port(), subject.user, subject.start
    command = build_command(subject.application, start, subject.unit, environment, port)
    check = subject.build_check(port)
    settings = dict(build_process_environment(user, os.path.join(environment, "bin")), VIRTUAL_ENV=environment)
    settings.update(command.variables)
    running = RunningCommand(command.words, user, cwd=command.directory, environment=settings, tail=EVIDENCE_BYTES)
    results: List[Dict[str, Any]] = []

    def passes() -> bool:
        results.append(evaluate_check(check, CheckContext(user, environment)))
        return bool(results[-1]["passed"])

    met, done = running.wait_until(passes, start.timeout, INTERVAL, GRACE)
    if met:
        return None
    failure = parse_failure(done.stdout + "\n" + done.stderr)
    last = ": %s" % results[-1]["evidence"] if results else ""
    how = "did not pass its check in %g seconds%s" % (start.timeout, last)
    text = "%s: %s" % (how if done.rc == 124 else "ended with %d" % done.rc, failure["text"])
    # It is another one each time.
    return dict(failure, text=text.replace(str(port), PORT_MARK))


def find_new_start_failure(
    application: Application,
    start: StartSettings,
    path: str,
    user: Identity,
    build_check: Callable[[int], Dict[str, Any]],
) -> Tuple[Dict[str, Dict[str, Any]], List[Dict[str, Any]]]:
    """The failure, by its name, with which *start* fails in the environment *path* and does not in the live one.

    Also what could not be compared, as rows of ``reason``, ``count`` and ``names``. *build_check* makes the check of a
    port. Raises BuildError, ApplicationError, OSError.
    """
    name = name_start(start)
    subject = _Subject(application, start, _find_unit(application, start), user, build_check)
    failure = _start_once(subject, path)
    if failure is None:
        return {}, []
    before = _start_once(subject, application.environment)
    if before is None:
        return {name: failure}, []
    reason = "does not start beside the live application in the live environment either: %s" % before["text"][-300:]
    return {}, [{"reason": reason, "count": 1, "names": [name]}]
