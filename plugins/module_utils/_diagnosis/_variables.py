# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment variables that may be shown, and those that influence a Python. Functions of data, without effects.

Only values of names that are known to be settings are shown; every other variable may hold a secret.
"""

import re
from typing import Dict, FrozenSet, List, Mapping, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import (
    SECRET_LENGTH,
    SECRET_PARAMETER,
    find_secrets,
    redact_text,
)

VALUE_LENGTH = 300
HIDDEN = "set"
SHOWN = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|TZ|LANG|LANGUAGE|LC_[A-Z]+|TMPDIR|TEMP|TMP|UMASK|VIRTUAL_ENV|CONDA_PREFIX|PWD"
    r"|LD_[A-Z_]+|PYTHON[A-Z0-9]+|OPENSSL_(?:CONF|MODULES|ENGINES|ia32cap)|(?:SSL|CURL|REQUESTS)_[A-Z]+"
    r"|[A-Z]+_NUM_THREADS|MALLOC_[A-Z_]+|GLIBC_TUNABLES|XDG_[A-Z_]+|MPLBACKEND|DJANGO_SETTINGS_MODULE|FLASK_APP"
)
# What decides how an interpreter starts and which files it finds.
INFLUENTIAL = re.compile(r"PATH|TZ|LANG|LANGUAGE|LC_[A-Z]+|LD_[A-Z_]+|PYTHON[A-Z0-9]+|OPENSSL_[A-Z_]+|SSL_[A-Z_]+")
# What a manager gives each process anew, and what shells keep for themselves.
TRANSIENT = re.compile(
    r"INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_[A-Z_]+|MAINPID|MANAGERPID|NOTIFY_SOCKET|LISTEN_[A-Z]+|WATCHDOG_[A-Z]+"
    r"|MEMORY_PRESSURE_[A-Z]+|OLDPWD|PWD|SHLVL|_|FDSTORE|SUPERVISOR_[A-Z_]+|LC_CTYPE"
)


def is_transient(name: str) -> bool:
    """Whether the variable *name* differs from process to process, and so says nothing."""
    return TRANSIENT.fullmatch(name) is not None


def is_influential(name: str) -> bool:
    """Whether the variable *name* decides how a Python starts."""
    return INFLUENTIAL.fullmatch(name) is not None


def show_value(name: str, value: Optional[str]) -> str:
    """The *value* of the variable *name* as it may be shown."""
    if value is None:
        return "not set"
    if not SHOWN.fullmatch(name) or SECRET_PARAMETER.search(name):
        return HIDDEN
    return redact_text(value)[:VALUE_LENGTH] or "empty"


def list_secrets(variables: Mapping[str, str]) -> FrozenSet[str]:
    """Values of *variables* that must not be shown, and secrets of URLs in others."""
    hidden = {value for name, value in variables.items() if SECRET_PARAMETER.search(name) and not is_transient(name)}
    return frozenset(value for value in hidden if len(value) >= SECRET_LENGTH) | find_secrets(dict(variables))


def merge_running(
    declared: Mapping[str, str], running: Mapping[str, str], names: FrozenSet[str] = frozenset()
) -> Dict[str, str]:
    """*declared* variables with what a *running* process has of them, of *names* and of influential ones."""
    merged = dict(declared)
    for name in set(names) | {name for name in list(declared) + list(running) if is_influential(name)}:
        if is_transient(name):
            continue
        if name in running:
            merged[name] = running[name]
        else:
            merged.pop(name, None)
    return merged


def move_paths(variables: Mapping[str, str], live: str, path: str) -> Dict[str, str]:
    """*variables* with the directory *path* in the place of the live path, wherever that is named."""
    return {name: move_path(value, live, path) for name, value in variables.items()}


def move_path(text: str, live: str, path: str) -> str:
    """*text* with the directory *path* in the place of *live* and what is below it."""
    return re.sub(r"(?<![\w.-])%s(?![\w.-])" % re.escape(live), lambda _match: path, text)


def split_assignments(words: List[str]) -> Dict[str, str]:
    """The variables that *words* of the form ``name=value`` set."""
    return dict(word.split("=", 1) for word in words if "=" in word)
