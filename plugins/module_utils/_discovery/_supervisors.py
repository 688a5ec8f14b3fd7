# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what other supervisors and servers keep: supervisor, runit, uWSGI, gunicorn, Apache's mod_wsgi. Text in, references out."""

import configparser
import os
import re
from typing import Dict, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import KEPT, Reference, simple
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._scripts import commands, words
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    names_in,
    read_below,
    read_trusted,
)

SUPERVISOR = ["/etc/supervisord.conf", "/etc/supervisor/supervisord.conf"]
SUPERVISOR_DIRECTORIES = ["/etc/supervisor/conf.d", "/etc/supervisord.d", "/etc/supervisor.d"]
RUNIT = ["/etc/service", "/service", "/var/service", "/etc/sv", "/etc/runit/runsvdir/default"]
UWSGI = ["/etc/uwsgi/apps-enabled", "/etc/uwsgi/apps-available", "/etc/uwsgi/vassals", "/etc/uwsgi.d", "/etc/uwsgi"]
UWSGI_SETTING = re.compile(
    r"^\s*(?:-\s*)?[<\"]?(virtualenv|venv|home|pyhome|pythonpath|pp|chdir|uid|plugins?|master)[>\"]?\s*[=:>]\s*\"?([^<\"\n]+)",
    re.MULTILINE,
)
APACHE = [
    "/etc/apache2",
    "/etc/apache2/sites-enabled",
    "/etc/apache2/conf-enabled",
    "/etc/apache2/mods-enabled",
    "/etc/httpd/conf",
    "/etc/httpd/conf.d",
    "/etc/httpd/conf.modules.d",
]
GUNICORN = ["/etc/gunicorn.d"]
WSGI_HOME = re.compile(r"^\s*WSGIPythonHome\s+\"?([^\s\"]+)", re.IGNORECASE)
WSGI_PROCESS = re.compile(r"^\s*WSGIDaemonProcess\s+(\S+)(.*)$", re.IGNORECASE)
WSGI_OPTION = re.compile(r"\b(python-home|user|home)=\"?([^\s\"]+)")
GUNICORN_SETTING = re.compile(r"^(pythonpath|chdir|user)\s*=\s*[\"']([^\"']+)", re.MULTILINE)


def supervisor(path: str, text: str) -> List[Reference]:
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
        variables = {name: value.strip("\"' ") for name, value in pairs if KEPT.match(name)}
        found.append(
            simple(
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


def uwsgi(path: str, text: str) -> Optional[Reference]:
    """The application of a uWSGI configuration: INI, YAML or XML, read for the settings that choose a Python."""
    settings = {name: value.strip() for name, value in UWSGI_SETTING.findall(text)}
    places = [
        settings[name] for name in ("virtualenv", "venv", "home", "pyhome", "pythonpath", "pp") if name in settings
    ]
    if not places:
        return None
    return Reference(
        "uwsgi", os.path.basename(path), path, None, settings.get("uid"), places, settings.get("chdir"), {}, [path]
    )


def mod_wsgi(path: str, text: str) -> List[Reference]:
    """Each home directory of Python that an Apache configuration names."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        home, process = WSGI_HOME.match(line), WSGI_PROCESS.match(line)
        if home:
            found.append(simple("mod_wsgi", "WSGIPythonHome", path, None, home.group(1), number))
        elif process:
            options = dict(WSGI_OPTION.findall(process.group(2)))
            if "python-home" in options:
                found.append(
                    simple("mod_wsgi", process.group(1), path, options.get("user"), options["python-home"], number)
                )
    return found


def gunicorn(path: str, text: str) -> Reference:
    """A gunicorn configuration file; it is Python, and is searched and not run."""
    settings = dict(GUNICORN_SETTING.findall(text))
    places = [settings[name] for name in ("pythonpath", "chdir") if name in settings]
    return Reference(
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


def _configuration_text(path: str) -> str:
    try:
        return read_below(path).decode("utf-8", "replace")
    except OSError:
        return ""


def _runit() -> List[Reference]:
    found = []
    for directory in RUNIT:
        for name in names_in(directory):
            path = os.path.join(directory, name, "run")
            text = read_trusted(path)
            if text:
                lines = [line for line in text.splitlines() if commands(line) or words(line)[:1] == ["exec"]]
                found.append(Reference("runit", name, path, None, _runit_user(text), lines, None, {}, [path]))
    return found


def _files(directories: List[str], suffixes: Tuple[str, ...]) -> List[Tuple[str, str]]:
    """Path and text of each file with one of *suffixes* in *directories*."""
    paths = [
        os.path.join(directory, name)
        for directory in directories
        for name in names_in(directory)
        if name.endswith(suffixes) and not name.startswith(".")
    ]
    return [(path, read_trusted(path) or "") for path in paths]


def _of(kind: str, path: str, text: str) -> List[Reference]:
    if kind == "gunicorn":
        return [gunicorn(path, text)]
    if kind == "supervisor":
        return supervisor(path, text)
    reference = uwsgi(path, text)
    return [reference] if reference else []


def references(configurations: List[Dict[str, str]]) -> List[Reference]:
    """What all of them refer to; *configurations* are files that the walk met, by kind."""
    found = _runit()
    listed = [("supervisor", path, read_trusted(path) or "") for path in SUPERVISOR]
    listed += [("supervisor", path, text) for path, text in _files(SUPERVISOR_DIRECTORIES, (".conf", ".ini"))]
    listed += [("uwsgi", path, text) for path, text in _files(UWSGI, (".ini", ".yaml", ".yml", ".xml", ".json"))]
    listed += [("gunicorn", path, text) for path, text in _files(GUNICORN, ("",))]
    listed += [(entry["kind"], entry["path"], _configuration_text(entry["path"])) for entry in configurations]
    for kind, path, text in listed:
        found += _of(kind, path, text)
    for path, text in _files(APACHE, (".conf", ".load")):
        found += mod_wsgi(path, text)
    return found


def _runit_user(text: str) -> str:
    chosen = re.search(r"\bchpst\b.*?-u\s+:?([A-Za-z_][\w-]*)", text) or re.search(
        r"\bsetuidgid\s+([A-Za-z_][\w-]*)", text
    )
    return chosen.group(1) if chosen else "root"
