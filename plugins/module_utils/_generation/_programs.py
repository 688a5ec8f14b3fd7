# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the commands of services and jobs start in an application's environment."""

import os
import re
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._cron import find_cron_references
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import PythonReference
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._scripts import PYTHON_NAME, split_command_line
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._supervisors import find_supervisor_references
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._units import find_unit_references
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import HostReader
from ansible_collections.oxzep7.python.plugins.module_utils._services.commands import CommandService

# Options of the interpreter with a value (python(1)).
VALUE_OPTIONS = ("-W", "-X", "--check-hash-based-pycs")
# The application that a server is given: ``package.module:name`` or, to celery, the name of a module.
APPLICATION_WORD = re.compile(r"^([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)(?:\(.*\))?$")
MODULE_NAME = re.compile(r"^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$")
MODULE_OPTIONS = ("-A", "--app", "-w", "--module", "--wsgi")
GUNICORN = "gunicorn"
# Its options without a value; a word after any other one is no application.
GUNICORN_FLAGS = (
    "-D",
    "-R",
    "--capture-output",
    "--check-config",
    "--daemon",
    "--disable-redirect-access-to-syslog",
    "--enable-stdio-inheritance",
    "--initgroups",
    "--no-sendfile",
    "--preload",
    "--print-config",
    "--proxy-protocol",
    "--reload",
    "--reuse-port",
    "--spew",
)


class Program(NamedTuple):
    """What a command starts: names to import, a file in the environment's ``bin``, and a file of Python outside it.

    ``directory`` is the one in which it runs.
    """

    names: Tuple[str, ...] = ()
    script: Optional[str] = None
    file: Optional[str] = None
    directory: Optional[str] = None


def _split_deeply(command: str) -> List[str]:
    """The words of *command*, and those of the text that it gives to a shell."""
    found: List[str] = []
    for word in split_command_line(command):
        parts = split_command_line(word)
        found += parts if len(parts) > 1 and ("/" in word or "python" in word) else [word]
    return [word.strip(";&|") for word in found]


def _find_executable(
    word: str, environment: str, directory: Optional[str], activated: bool, path: str
) -> Optional[str]:
    """The name in ``bin`` of *environment* that *word* runs, or None."""
    folder = os.path.join(environment, "bin")
    if "/" in word:
        full = os.path.normpath(os.path.join(directory or "/", word))
        return os.path.basename(full) if os.path.dirname(full) == folder else None
    for place in ([folder] if activated else []) + path.split(":"):
        if place and os.access(os.path.join(place, word), os.X_OK):
            return word if os.path.normpath(place) == folder else None
    return None


def _parse_python(words: List[str], directory: Optional[str]) -> Program:
    """What the interpreter does with *words*."""
    position = 0
    while position < len(words):
        word = words[position]
        if word in VALUE_OPTIONS:
            position += 2
        elif word == "-m" or (word.startswith("-") and not word.startswith("--") and word.endswith("m")):
            name = words[position + 1] if position + 1 < len(words) else ""
            names = (name,) if MODULE_NAME.match(name) else ()
            return Program(names + _find_applications(words[position + 2 :], name), directory=directory)
        elif word.startswith("-"):
            if word.endswith("c"):
                break
            position += 1
        else:
            file = os.path.normpath(os.path.join(directory, word)) if directory else word
            return Program(_find_applications(words[position + 1 :]), None, file, directory)
    return Program(directory=directory)


def _find_applications(words: List[str], program: str = "") -> Tuple[str, ...]:
    """The modules and objects that *words*, arguments of *program*, tell a server to load."""
    found = []
    for before, word in zip([""] + words, words):
        option, separator, value = word.partition("=")
        match = APPLICATION_WORD.match(word)
        if match:
            found.append("%s:%s" % match.groups())
        elif before in MODULE_OPTIONS and MODULE_NAME.match(word):
            found.append(word)
        elif separator and option in MODULE_OPTIONS and MODULE_NAME.match(value):
            found.append(value)
    if program == GUNICORN and not found:
        found += _find_gunicorn_application(words)
    return tuple(found)


def _find_gunicorn_application(words: List[str]) -> List[str]:
    """The object that gunicorn loads where its arguments *words* name only a module."""
    for before, word in zip([""] + words, words):
        valued = before.startswith("-") and "=" not in before and before not in GUNICORN_FLAGS
        if not valued and MODULE_NAME.match(word):
            return [word + ":application"]
    return []


def parse_program(
    command: str, environment: str, directory: Optional[str], variables: Dict[str, str]
) -> Optional[Program]:
    """What *command* starts in *environment*; None if it starts nothing there."""
    words = _split_deeply(command)
    activated = any(word == os.path.join(environment, "bin", "activate") for word in words)
    path = variables.get("PATH", "")
    for position, word in enumerate(words):
        name = _find_executable(word, environment, directory, activated, path)
        if name is None or name.startswith("activate"):
            continue
        rest = words[position + 1 :]
        if PYTHON_NAME.match(name):
            return _parse_python(rest, directory)
        return Program(_find_applications(rest, name), name, None, directory)
    return None


def _list_references(reader: HostReader) -> Iterator[PythonReference]:
    yield from find_unit_references([], reader)
    yield from find_supervisor_references([], reader)
    yield from find_cron_references(reader)


def find_programs(
    application: Application,
    references: Optional[Iterable[PythonReference]] = None,
    reader: Optional[HostReader] = None,
) -> List[Program]:
    """What units, jobs and supervised programs of this host, and declared commands, start in the live environment.

    What *reader* could not read is in its list afterwards.
    """
    environment = application.environment
    found: List[Program] = []
    for reference in _list_references(reader or HostReader()) if references is None else references:
        for command in reference.commands:
            program = parse_program(command, environment, reference.directory, reference.variables)
            if program is not None:
                found.append(program)
    for service in application.services:
        if isinstance(service, CommandService):
            program = parse_program(" ".join(service.commands["start"]), environment, application.source, {})
            if program is not None:
                found.append(program)
    return list(dict.fromkeys(found))
