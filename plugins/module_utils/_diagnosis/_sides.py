# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each side of a comparison runs with: the variables, directory and mask that its service has."""

import os
import re
import shlex
from typing import Any, Dict, FrozenSet, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._services import observe_services
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._variables import (
    is_transient,
    merge_running,
    move_paths,
    split_assignments,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, build_process_environment
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import read_trusted_text
from ansible_collections.oxzep7.python.plugins.module_utils._services._systemctl import (
    is_systemd_running,
    run_systemctl,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services.unit import UnitService

SHOW_TIMEOUT = 20.0
ENVIRON_LIMIT = 1 << 20
PROPERTIES = "Environment,EnvironmentFiles,UnsetEnvironment,ExecSearchPath,WorkingDirectory,UMask,MainPID,User"
DEFAULT_MASK = 0o022


class Side(NamedTuple):
    """A generation in a comparison: its name, its directory, and what its interpreter is started with."""

    identifier: str
    path: str
    variables: Dict[str, str]
    directory: str = "/"
    umask: int = DEFAULT_MASK

    def get_python(self) -> str:
        """The interpreter."""
        return os.path.join(self.path, "bin", "python")


class ServiceSettings(NamedTuple):
    """What a start of the service gives its process now, and what the *running* process was given.

    ``names`` are those that the unit itself sets. ``origin`` says where all of it is from.
    """

    variables: Dict[str, str]
    directory: str
    umask: int
    origin: str
    names: FrozenSet[str] = frozenset()
    running: Optional[Dict[str, str]] = None
    running_umask: Optional[int] = None


def build_sides(
    application: Application, before: Dict[str, Any], after: Dict[str, Any], live: str, settings: ServiceSettings
) -> Tuple[Side, Side]:
    """The sides of the generations *before* and *after*; that called *live* runs as the process of the service does."""
    sides = []
    for generation in (before, after):
        variables, umask = settings.variables, settings.umask
        if generation["id"] == live and settings.running is not None:
            variables = merge_running(variables, settings.running, settings.names)
            umask = settings.umask if settings.running_umask is None else settings.running_umask
        # The live path leads to one of them, and what is below it is named by that.
        moved = move_paths(variables, application.environment, generation["path"])
        sides.append(Side(generation["id"], generation["path"], moved, settings.directory, umask))
    return sides[0], sides[1]


def read_settings(application: Application, account: Identity) -> ServiceSettings:
    """The settings of the first service that runs as *account*; without one, those of this collection's commands."""
    plain = build_process_environment(account)
    directory = application.source if application.source and os.path.isdir(application.source) else "/"
    for service in application.services:
        if isinstance(service, UnitService) and service.name.endswith(".service") and is_systemd_running():
            settings = _read_unit(service, account)
            if settings:
                return settings
    try:
        states = observe_services([entry for entry in application.services if not isinstance(entry, UnitService)])
    except (CollectionError, OSError):
        states = {}
    for service, state in states.items():
        for pid in state.pids:
            running = read_process_variables(pid, account)
            if running is not None:
                origin = "process %d of %s" % (pid, service.get_label())
                kept = {name: value for name, value in running.items() if not is_transient(name)}
                return ServiceSettings(kept, directory, read_process_mask(pid), origin)
    return ServiceSettings(plain, directory, DEFAULT_MASK, "this collection, as its commands are run")


def _read_unit(service: UnitService, account: Identity) -> Optional[ServiceSettings]:
    shown = run_systemctl(service.user, ["show", "--property=" + PROPERTIES, "--", service.name], SHOW_TIMEOUT)
    if shown.rc != 0:
        return None
    values = parse_properties(shown.stdout)
    owner = service.user or (values.get("User") or ["root"])[0]
    if owner not in (account.name, str(account.uid)):
        # What another account is given is not for this one to see.
        return None
    manager = run_systemctl(service.user, ["show-environment"], SHOW_TIMEOUT)
    variables = split_assignments([unquote_word(line) for line in manager.stdout.splitlines()])
    variables.update({"HOME": account.home, "USER": account.name, "LOGNAME": account.name})
    # What the kernel and systemd take from a configuration is not inherited by services of the system.
    own = split_assignments(split_words(" ".join(values.get("Environment", []))))
    for entry in values.get("EnvironmentFiles", []):
        path = entry.rpartition(" (")[0] or entry
        own.update(parse_environment_file(read_trusted_text(path) or ""))
    search = ":".join(values.get("ExecSearchPath", []))
    if search and "PATH" not in own:
        own["PATH"] = search.replace(" ", ":")
    variables.update(own)
    for name in split_words(" ".join(values.get("UnsetEnvironment", []))):
        if "=" not in name or variables.get(name.split("=", 1)[0]) == name.split("=", 1)[1]:
            variables.pop(name.split("=", 1)[0], None)
    directory = (values.get("WorkingDirectory") or ["/"])[0].lstrip("!-")
    directory = account.home if directory == "~" else directory
    mask = (values.get("UMask") or ["0022"])[0]
    pid = (values.get("MainPID") or ["0"])[0]
    number = int(pid) if pid.isdigit() else 0
    running = read_process_variables(number, account) if number else None
    return ServiceSettings(
        variables,
        directory if directory.startswith("/") and os.path.isdir(directory) else "/",
        int(mask, 8) if re.fullmatch(r"[0-7]{1,4}", mask) else DEFAULT_MASK,
        service.get_label(),
        frozenset(own),
        running,
        read_process_mask(number) if running is not None else None,
    )


def read_process_variables(pid: int, account: Identity) -> Optional[Dict[str, str]]:
    """The variables with which the process *pid* was started; None if it is not one of *account*, or has ended.

    A file with an id can be written by the account, and must not lead to the variables of another one.
    """
    try:
        if os.stat("/proc/%d" % pid).st_uid != account.uid:
            return None
        with open("/proc/%d/environ" % pid, "rb") as stream:
            data = stream.read(ENVIRON_LIMIT)
    except OSError:
        return None
    words = [os.fsdecode(word) for word in data.split(b"\0")]
    return {name: value for name, value in split_assignments(words).items() if name}


def read_process_mask(pid: int) -> int:
    """The mask for new files that the process *pid* has, or the usual one."""
    found = re.search(r"^Umask:\s*([0-7]+)$", read_trusted_text("/proc/%d/status" % pid) or "", re.MULTILINE)
    return int(found.group(1), 8) if found else DEFAULT_MASK


def parse_properties(text: str) -> Dict[str, List[str]]:
    """The values of each property in *text*, as ``systemctl show`` prints them; some have several lines."""
    found: Dict[str, List[str]] = {}
    for line in text.splitlines():
        name, sign, value = line.partition("=")
        if sign and value:
            found.setdefault(name, []).append(value)
    return found


def split_words(text: str) -> List[str]:
    """The words of *text*, which systemd has quoted as a shell does."""
    try:
        return [word.replace("\\$", "$").replace("\\`", "`") for word in shlex.split(text)]
    except ValueError:
        return text.split()


def unquote_word(line: str) -> str:
    """One assignment of ``systemctl show-environment``, whose value may be quoted as in ``$'...'``."""
    name, sign, value = line.partition("=")
    if value.startswith("$'") and value.endswith("'"):
        return name + sign + value[2:-1].replace("\\'", "'").replace("\\\\", "\\")
    words = split_words(value)
    return name + sign + (words[0] if len(words) == 1 else value)


def parse_environment_file(text: str) -> Dict[str, str]:
    """The variables that a file sets as systemd reads it (systemd.exec(5), EnvironmentFile=)."""
    found: Dict[str, str] = {}
    joined = re.sub(r"\\\n", "", text)
    for match in re.finditer(
        r"""^[ \t]*([A-Za-z_]\w*)[ \t]*=[ \t]*((?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\n"'])*)$""",
        joined,
        re.MULTILINE | re.DOTALL,
    ):
        value = match.group(2).strip()
        if value[:1] == value[-1:] == '"' and len(value) > 1:
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        elif value[:1] == value[-1:] == "'" and len(value) > 1:
            value = value[1:-1]
        found[match.group(1)] = value
    return found
