# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the configurations of supervisor, runit, uWSGI, gunicorn and Apache's mod_wsgi."""

import configparser
import os
import re
from typing import Dict, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import (
    PYTHON_VARIABLE,
    PythonReference,
    make_reference,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._scripts import (
    find_python_calls,
    split_command_line,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    HostReader,
    read_without_symlinks,
)

SUPERVISOR_FILES = ["/etc/supervisord.conf", "/etc/supervisor/supervisord.conf"]
SUPERVISOR_DIRECTORIES = ["/etc/supervisor/conf.d", "/etc/supervisord.d", "/etc/supervisor.d"]
PROGRAM_NAME = "%(program_name)s"
RUNIT_DIRECTORIES = ["/etc/service", "/service", "/var/service", "/etc/sv", "/etc/runit/runsvdir/default"]
RUNIT_USER = re.compile(r"\bchpst\b.*?-u\s+:?([A-Za-z_][\w-]*)")
SETUIDGID_USER = re.compile(r"\bsetuidgid\s+([A-Za-z_][\w-]*)")
UWSGI_DIRECTORIES = [
    "/etc/uwsgi/apps-enabled",
    "/etc/uwsgi/apps-available",
    "/etc/uwsgi/vassals",
    "/etc/uwsgi.d",
    "/etc/uwsgi",
]
UWSGI_PATH_SETTINGS = ("virtualenv", "venv", "home", "pyhome", "pythonpath", "pp")
UWSGI_SETTING = re.compile(
    r"^\s*(?:-\s*)?[<\"]?(virtualenv|venv|home|pyhome|pythonpath|pp|chdir|uid|plugins?|master)[>\"]?"
    r"\s*[=:>]\s*\"?([^<\"\n]+)",
    re.MULTILINE,
)
APACHE_DIRECTORIES = [
    "/etc/apache2",
    "/etc/apache2/sites-enabled",
    "/etc/apache2/conf-enabled",
    "/etc/apache2/mods-enabled",
    "/etc/httpd/conf",
    "/etc/httpd/conf.d",
    "/etc/httpd/conf.modules.d",
]
# Kind, directories, and the suffixes of configurations in them.
CONFIGURATION_DIRECTORIES: List[Tuple[str, List[str], Tuple[str, ...]]] = [
    ("supervisor", SUPERVISOR_DIRECTORIES, (".conf", ".ini")),
    ("uwsgi", UWSGI_DIRECTORIES, (".ini", ".yaml", ".yml", ".xml", ".json")),
    ("gunicorn", ["/etc/gunicorn.d"], ("",)),
]
WSGI_HOME = re.compile(r"^\s*WSGIPythonHome\s+\"?([^\s\"]+)", re.IGNORECASE)
WSGI_PROCESS = re.compile(r"^\s*WSGIDaemonProcess\s+(\S+)(.*)$", re.IGNORECASE)
WSGI_OPTION = re.compile(r"\b(python-home|user|home)=\"?([^\s\"]+)")
GUNICORN_SETTING = re.compile(r"^(pythonpath|chdir|user)\s*=\s*[\"']([^\"']+)", re.MULTILINE)


def _read_sections(text: str, kinds: Tuple[str, ...]) -> List[Tuple[str, Dict[str, str]]]:
    """Name and values of each section of one of *kinds* in the supervisor configuration *text*."""
    parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(";",))
    try:
        parser.read_string(text)
    except configparser.Error:
        return []
    found = []
    for section in parser.sections():
        kind, _separator, name = section.partition(":")
        if kind in kinds and name:
            found.append((name, dict(parser.items(section))))
    return found


def _name_supervised(name: str, values: Dict[str, str]) -> str:
    """What ``supervisorctl`` calls the program *name* outside of groups: it, or all of its processes."""
    alone = values.get("numprocs", "1") == "1" and values.get("process_name", PROGRAM_NAME) in (PROGRAM_NAME, name)
    return name if alone else name + ":*"


def parse_supervisor_groups(text: str) -> Dict[str, str]:
    """The group of each program that the supervisor configuration *text* puts into one."""
    groups = {}
    for group, values in _read_sections(text, ("group",)):
        for program in values.get("programs", "").split(","):
            groups[program.strip()] = group
    return groups


def _name_grouped(references: List[PythonReference], groups: Dict[str, str]) -> List[PythonReference]:
    """*references* with the names that programs of supervisor have in their *groups*."""
    found = []
    for reference in references:
        name, _separator, processes = reference.name.partition(":")
        if reference.kind == "supervisor" and name in groups:
            reference = reference._replace(name="%s:%s" % (groups[name], processes or name))
        found.append(reference)
    return found


def parse_supervisor(path: str, text: str) -> List[PythonReference]:
    """Each program in a supervisor configuration, with the name that ``supervisorctl`` gives it outside of groups."""
    found = []
    for name, values in _read_sections(text, ("program", "eventlistener", "fcgi-program")):
        pairs = re.findall(r"([A-Za-z_]\w*)\s*=\s*(\"[^\"]*\"|'[^']*'|[^,]*)", values.get("environment", ""))
        variables = {key: value.strip("\"' ") for key, value in pairs if PYTHON_VARIABLE.match(key)}
        found.append(
            make_reference(
                "supervisor",
                _name_supervised(name, values),
                path,
                values.get("user") or "root",
                values.get("command", ""),
                directory=values.get("directory"),
                variables=variables,
            )
        )
    return found


def parse_uwsgi(path: str, text: str) -> Optional[PythonReference]:
    """The application in a uWSGI configuration (INI, YAML or XML), or None if no setting chooses a Python."""
    settings = {name: value.strip() for name, value in UWSGI_SETTING.findall(text)}
    places = [settings[name] for name in UWSGI_PATH_SETTINGS if name in settings]
    if not places:
        return None
    return PythonReference(
        "uwsgi", os.path.basename(path), path, None, settings.get("uid"), places, settings.get("chdir"), {}, [path]
    )


def parse_mod_wsgi(path: str, text: str) -> List[PythonReference]:
    """Each home directory of Python in an Apache configuration."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        home, process = WSGI_HOME.match(line), WSGI_PROCESS.match(line)
        if home:
            found.append(make_reference("mod_wsgi", "WSGIPythonHome", path, None, home.group(1), number))
        elif process:
            options = dict(WSGI_OPTION.findall(process.group(2)))
            if "python-home" in options:
                found.append(
                    make_reference(
                        "mod_wsgi", process.group(1), path, options.get("user"), options["python-home"], number
                    )
                )
    return found


def parse_gunicorn(path: str, text: str) -> PythonReference:
    """The application of a gunicorn configuration, a Python file that is searched and not run."""
    settings = dict(GUNICORN_SETTING.findall(text))
    places = [settings[name] for name in ("pythonpath", "chdir") if name in settings]
    return PythonReference(
        "gunicorn",
        os.path.basename(path),
        path,
        None,
        settings.get("user"),
        places,
        settings.get("chdir") or os.path.dirname(path),
        {},
        [path],
    )


def _read_configuration(path: str) -> str:
    try:
        return read_without_symlinks(path).decode("utf-8", "replace")
    except OSError:
        return ""


def _find_runit_references(reader: HostReader) -> List[PythonReference]:
    found = []
    for directory in RUNIT_DIRECTORIES:
        for name in reader.list_names(directory):
            path = os.path.join(directory, name, "run")
            text = reader.read_text(path)
            if text:
                lines = list(filter(_is_runit_command, text.splitlines()))
                found.append(
                    PythonReference("runit", name, path, None, _find_runit_user(text), lines, None, {}, [path])
                )
    return found


def _is_runit_command(line: str) -> bool:
    return bool(find_python_calls(line)) or split_command_line(line)[:1] == ["exec"]


def _read_files(reader: HostReader, directories: List[str], suffixes: Tuple[str, ...]) -> List[Tuple[str, str]]:
    """Path and text of each file with one of *suffixes* in *directories*."""
    found = []
    for directory in directories:
        for name in reader.list_names(directory):
            if name.endswith(suffixes) and not name.startswith("."):
                path = os.path.join(directory, name)
                found.append((path, reader.read_text(path) or ""))
    return found


def _parse_configuration(kind: str, path: str, text: str) -> List[PythonReference]:
    if kind == "gunicorn":
        return [parse_gunicorn(path, text)]
    if kind == "supervisor":
        return parse_supervisor(path, text)
    reference = parse_uwsgi(path, text)
    return [reference] if reference else []


def find_supervisor_references(configurations: List[Dict[str, str]], reader: HostReader) -> List[PythonReference]:
    """The references in their usual files, and in *configurations*, ``{kind, path}``, that *reader* can read."""
    texts = [("supervisor", path, reader.read_text(path) or "") for path in SUPERVISOR_FILES]
    for kind, directories, suffixes in CONFIGURATION_DIRECTORIES:
        texts += [(kind, path, text) for path, text in _read_files(reader, directories, suffixes)]
    for entry in configurations:
        texts.append((entry["kind"], entry["path"], _read_configuration(entry["path"])))
    found, groups = _find_runit_references(reader), {}  # type: List[PythonReference], Dict[str, str]
    for kind, path, text in texts:
        found += _parse_configuration(kind, path, text)
        if kind == "supervisor":
            groups.update(parse_supervisor_groups(text))
    found = _name_grouped(found, groups)
    for path, text in _read_files(reader, APACHE_DIRECTORIES, (".conf", ".load")):
        found += parse_mod_wsgi(path, text)
    return found


def _find_runit_user(text: str) -> str:
    match = RUNIT_USER.search(text) or SETUIDGID_USER.search(text)
    return match.group(1) if match else "root"
