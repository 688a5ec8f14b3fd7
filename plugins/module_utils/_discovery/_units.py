# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads systemd's unit files: services, timers, sockets and user units, with drop-ins and instances of templates."""

import itertools
import os
import re
from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import (
    PythonReference,
    parse_python_variables,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._scripts import split_command_line
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import HostReader

SYSTEM_UNIT_DIRECTORIES = [
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
]
USER_UNIT_DIRECTORIES = [
    "/etc/systemd/user",
    "/run/systemd/user",
    "/usr/local/lib/systemd/user",
    "/usr/lib/systemd/user",
]
HOME_UNIT_DIRECTORIES = [".config/systemd/user", ".local/share/systemd/user"]
LINK_DIRECTORIES = (".wants", ".requires", ".upholds")
UNIT_SUFFIXES = (".service", ".timer", ".socket")
TRIGGER_KINDS = {".timer": "timer", ".socket": "socket"}
COMMAND_PREFIXES = "@-:+!|"


class SystemdUnit(NamedTuple):
    """A unit. *files* are in systemd's order; *triggers* is the unit that a timer or socket starts."""

    name: str
    files: List[str]
    user: Optional[str]
    commands: List[str]
    variables: Dict[str, str]
    environment_files: List[str]
    directory: Optional[str]
    triggers: Optional[str]


class UnitStart(NamedTuple):
    """How a unit starts its service: the words of its last ``ExecStart``, all variables, and the working directory.

    Variables may be secrets, which are not for an inventory.
    """

    words: List[str]
    variables: Dict[str, str]
    directory: Optional[str]


def _get_template(name: str) -> Optional[str]:
    match = re.match(r"^([^@]+@)[^.]+(\.\w+)$", name)
    return match.group(1) + match.group(2) if match else None


def find_unit_files(name: str, directories: List[str], reader: HostReader) -> List[str]:
    """The unit file of *name* and its drop-ins (systemd.unit(5)), in order; an instance has those of its template."""
    template = _get_template(name)
    names = [template, name] if template else [name]
    main = _find_main_file(reversed(names), directories)
    parts = name.split("-")
    for count in range(1, len(parts)):
        # A drop-in directory of a prefix, such as app-.service.d.
        names.append("-".join(parts[:count]) + "-" + os.path.splitext(name)[1])
    drop_ins: Dict[str, str] = {}
    for unit in names:
        for directory in reversed(directories):
            folder = os.path.join(directory, unit + ".d")
            for entry in reader.list_names(folder):
                if entry.endswith(".conf"):
                    drop_ins[entry] = os.path.join(folder, entry)
    return main + [drop_ins[entry] for entry in sorted(drop_ins)]


def _find_main_file(names: Iterable[str], directories: List[str]) -> List[str]:
    """The first unit file called one of *names*, in a list; empty without one."""
    for name in names:
        for directory in directories:
            path = os.path.join(directory, name)
            if os.path.lexists(path):
                return [path]
    return []


def parse_unit(name: str, files: List[str], texts: List[str]) -> SystemdUnit:
    """The unit *name* whose *files* contain *texts*, in systemd's order; an empty assignment resets a list."""
    user: Optional[str] = None
    directory: Optional[str] = None
    triggers: Optional[str] = None
    commands: Dict[str, List[str]] = {}
    variables: Dict[str, str] = {}
    environment_files: List[str] = []
    for line in "\n".join(texts).replace("\\\n", " ").splitlines():
        key, separator, value = line.strip().partition("=")
        key, value = key.strip(), _expand_specifiers(value.strip(), name)
        if not separator or key.startswith(("#", ";", "[")):
            continue
        if key == "User":
            user = value or None
        elif key in ("WorkingDirectory", "RootDirectory"):
            directory = value.lstrip("-") or None
        elif key in ("Unit", "Service"):
            triggers = value or None
        elif key == "Environment":
            variables = dict(variables, **parse_python_variables(value)) if value else {}
        elif key == "EnvironmentFile":
            environment_files = environment_files + [value.lstrip("-")] if value else []
        elif key.startswith("Exec"):
            commands[key] = commands.get(key, []) + [value.lstrip(COMMAND_PREFIXES)] if value else []
    return SystemdUnit(
        name,
        files,
        user,
        list(itertools.chain.from_iterable(commands.values())),
        variables,
        environment_files,
        directory,
        triggers,
    )


def _expand_specifiers(value: str, name: str) -> str:
    stem = os.path.splitext(name)[0]
    prefix, separator, instance = stem.partition("@")
    for specifier, text in (
        ("%%", "\0"),
        ("%i", instance),
        ("%I", instance.replace("-", "/")),
        ("%n", name),
        ("%N", stem),
        ("%p", prefix if separator else stem),
        ("\0", "%"),
    ):
        value = value.replace(specifier, text)
    return value


def read_units(directories: List[str], reader: HostReader) -> List[SystemdUnit]:
    """Every service, timer and socket in *directories*, sorted by name; links name the instances of templates."""
    found = []
    for name in sorted(_list_unit_names(directories, reader)):
        unit = _read_unit(name, directories, reader)
        if unit:
            found.append(unit)
    return found


def _list_unit_names(directories: List[str], reader: HostReader) -> Set[str]:
    names = set()
    for directory in directories:
        for entry in reader.list_names(directory):
            if entry.endswith(UNIT_SUFFIXES):
                names.add(entry)
            elif entry.endswith(LINK_DIRECTORIES):
                for link in reader.list_names(os.path.join(directory, entry)):
                    if link.endswith(UNIT_SUFFIXES):
                        names.add(link)
            elif entry.endswith(".d") and entry[:-2].endswith(UNIT_SUFFIXES):
                names.add(entry[:-2])
    return names


def _read_unit(name: str, directories: List[str], reader: HostReader) -> Optional[SystemdUnit]:
    files = find_unit_files(name, directories, reader)
    texts = []
    for path in files:
        text = reader.read_text(path)
        if text is not None:
            texts.append(text)
    return parse_unit(name, files, texts) if texts else None


def _parse_assignments(text: str) -> Dict[str, str]:
    """The assignments ``NAME=value`` in *text*, with any names."""
    pairs = (word.partition("=") for word in split_command_line(text))
    return {name: value for name, separator, value in pairs if separator}


def parse_unit_start(name: str, texts: List[str]) -> Tuple[UnitStart, List[str]]:
    """What the *texts* of the files of the unit *name* say of its start, and its files with variables."""
    words: List[str] = []
    variables: Dict[str, str] = {}
    files: List[str] = []
    directory: Optional[str] = None
    for line in "\n".join(texts).replace("\\\n", " ").splitlines():
        key, separator, value = line.strip().partition("=")
        key, value = key.strip(), _expand_specifiers(value.strip(), name)
        if not separator or key.startswith(("#", ";", "[")):
            continue
        if key == "ExecStart":
            words = split_command_line(value.lstrip(COMMAND_PREFIXES))
        elif key == "WorkingDirectory":
            directory = value.lstrip("-") or None
        elif key == "Environment":
            variables = dict(variables, **_parse_assignments(value)) if value else {}
        elif key == "EnvironmentFile":
            files = files + [value.lstrip("-")] if value else []
    return UnitStart(words, variables, directory), files


def _strip_quotes(value: str) -> str:
    """*value* of a line in a file of variables, which is all of the line's rest (systemd.exec(5), EnvironmentFile=)."""
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def read_unit_start(name: str, directories: List[str], reader: HostReader) -> Optional[UnitStart]:
    """How the service *name*, also without its suffix, starts in *directories*; None for one without ``ExecStart``."""
    name = name if name.endswith(".service") else name + ".service"
    texts = [reader.read_text(path) or "" for path in find_unit_files(name, directories, reader)]
    start, files = parse_unit_start(name, texts)
    variables = dict(start.variables)
    for path in files:
        for line in (reader.read_text(path) or "").splitlines():
            if not line.lstrip().startswith(("#", ";")):
                name, separator, value = line.strip().partition("=")
                if separator:
                    variables[name.strip()] = _strip_quotes(value.strip())
    return start._replace(variables=variables) if start.words else None


def _build_references(
    directories: List[str], kind: Optional[str], user: Optional[str], reader: HostReader
) -> List[PythonReference]:
    """A reference for each unit in *directories* that *reader* can read."""
    found = read_units(directories, reader)
    by_name = {unit.name: unit for unit in found}
    references = []
    for unit in found:
        suffix = os.path.splitext(unit.name)[1]
        if suffix in TRIGGER_KINDS:
            target = unit.triggers or os.path.splitext(unit.name)[0] + ".service"
            served = by_name.get(target) or _find_triggered_instance(target, by_name, directories, reader)
            if served is None:
                continue
            references.append(
                _build_reference(
                    unit.name, kind or TRIGGER_KINDS[suffix], unit.files, user or served.user, served, reader
                )
            )
        elif not _has_instances(unit.name, by_name):
            references.append(
                _build_reference(unit.name, kind or "service", unit.files, user or unit.user, unit, reader)
            )
    return references


def _has_instances(name: str, names: Iterable[str]) -> bool:
    """Whether *name* is a template of which *names* has an instance."""
    if not name.endswith("@.service"):
        return False
    return any(other.startswith(name[:-8]) and other != name for other in names)


def _find_triggered_instance(
    target: str, by_name: Dict[str, SystemdUnit], directories: List[str], reader: HostReader
) -> Optional[SystemdUnit]:
    template = _get_template(target)
    if template is None and target.endswith(".service"):
        return by_name.get(target[:-8] + "@.service")
    if template not in by_name:
        return None
    return _read_unit(target, directories, reader)


def _build_reference(
    name: str, kind: str, files: List[str], user: Optional[str], unit: SystemdUnit, reader: HostReader
) -> PythonReference:
    variables: Dict[str, str] = dict(unit.variables)
    for path in unit.environment_files:
        for line in (reader.read_text(path) or "").splitlines():
            if not line.lstrip().startswith(("#", ";")):
                variables.update(parse_python_variables(line))
    return PythonReference(
        kind=kind,
        name=name,
        source=files[0] if files else "",
        line=None,
        user=user or "root",
        commands=unit.commands,
        directory=unit.directory,
        variables=variables,
        files=files + unit.environment_files,
    )


def find_unit_references(homes: List[Tuple[str, str]], reader: HostReader) -> List[PythonReference]:
    """A reference for each unit of the system, of all users, and of each of *homes* ``(user, directory)``."""
    found = _build_references(SYSTEM_UNIT_DIRECTORIES, None, None, reader)
    found += _build_references(USER_UNIT_DIRECTORIES, "user-unit", "every user", reader)
    for user, home in homes:
        directories = [os.path.join(home, place) for place in HOME_UNIT_DIRECTORIES]
        found += _build_references(directories, "user-unit", user, reader)
    return found
