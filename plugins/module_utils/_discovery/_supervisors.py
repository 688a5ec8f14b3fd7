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
    list_names,
    read_trusted_text,
    read_without_symlinks,
)

SUPERVISOR_FILES = ["/etc/supervisord.conf", "/etc/supervisor/supervisord.conf"]
SUPERVISOR_DIRECTORIES = ["/etc/supervisor/conf.d", "/etc/supervisord.d", "/etc/supervisor.d"]
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


def parse_supervisor(path: str, text: str) -> List[PythonReference]:
    """Each program in a supervisor configuration."""
    parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(";",))
    try:
        parser.read_string(text)
    except configparser.Error:
        return []
    found = []
    for section in parser.sections():
        if not section.startswith(("program:", "eventlistener:", "fcgi-program:")):
            continue
        values: Dict[str, str] = dict(parser.items(section))
        pairs = re.findall(r"([A-Za-z_]\w*)\s*=\s*(\"[^\"]*\"|'[^']*'|[^,]*)", values.get("environment", ""))
        variables = {name: value.strip("\"' ") for name, value in pairs if PYTHON_VARIABLE.match(name)}
        found.append(
            make_reference(
                "supervisor",
                section.partition(":")[2],
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


def _find_runit_references() -> List[PythonReference]:
    found = []
    for directory in RUNIT_DIRECTORIES:
        for name in list_names(directory):
            path = os.path.join(directory, name, "run")
            text = read_trusted_text(path)
            if text:
                lines = list(filter(_is_runit_command, text.splitlines()))
                found.append(
                    PythonReference("runit", name, path, None, _find_runit_user(text), lines, None, {}, [path])
                )
    return found


def _is_runit_command(line: str) -> bool:
    return bool(find_python_calls(line)) or split_command_line(line)[:1] == ["exec"]


def _read_files(directories: List[str], suffixes: Tuple[str, ...]) -> List[Tuple[str, str]]:
    """Path and text of each file with one of *suffixes* in *directories*."""
    found = []
    for directory in directories:
        for name in list_names(directory):
            if name.endswith(suffixes) and not name.startswith("."):
                path = os.path.join(directory, name)
                found.append((path, read_trusted_text(path) or ""))
    return found


def _parse_configuration(kind: str, path: str, text: str) -> List[PythonReference]:
    if kind == "gunicorn":
        return [parse_gunicorn(path, text)]
    if kind == "supervisor":
        return parse_supervisor(path, text)
    reference = parse_uwsgi(path, text)
    return [reference] if reference else []


def find_supervisor_references(configurations: List[Dict[str, str]]) -> List[PythonReference]:
    """The references in their usual files and in *configurations*, ``{kind, path}``, that the walk found."""
    found = _find_runit_references()
    for path in SUPERVISOR_FILES:
        found += parse_supervisor(path, read_trusted_text(path) or "")
    for kind, directories, suffixes in CONFIGURATION_DIRECTORIES:
        for path, text in _read_files(directories, suffixes):
            found += _parse_configuration(kind, path, text)
    for entry in configurations:
        found += _parse_configuration(entry["kind"], entry["path"], _read_configuration(entry["path"]))
    for path, text in _read_files(APACHE_DIRECTORIES, (".conf", ".load")):
        found += parse_mod_wsgi(path, text)
    return found


def _find_runit_user(text: str) -> str:
    match = RUNIT_USER.search(text) or SETUIDGID_USER.search(text)
    return match.group(1) if match else "root"
