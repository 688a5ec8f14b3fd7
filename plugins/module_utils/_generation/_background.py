# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compilation of a new environment's modules beside its proof."""

import inspect
import os
from typing import List

from ansible_collections.oxzep7.python.plugins.module_utils._generation import _compile
from ansible_collections.oxzep7.python.plugins.module_utils._generation._install import INSTALL_TIMEOUT, PUBLIC_UMASK
from ansible_collections.oxzep7.python.plugins.module_utils._generation._workplace import Workplace
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import RunningCommand, require_success
from ansible_collections.oxzep7.python.plugins.module_utils._packages._installed import find_site_packages

# No service imports these, and they are a third of the compilation of many environments.
INSTALLERS = ("pip", "setuptools", "wheel")
# Not every file of every package compiles on every Python. What is needed is imported later, so the status is ignored.
# The record of the scratch directory goes last.
SHELL_SCRIPT = 'scratch=$1; shift; "$@" >/dev/null 2>&1; cat; rm -rf "$scratch/cache"; rm -rf "$scratch"'


def _list_entries(path: str) -> List[str]:
    """Paths of the modules and packages of the environment *path*, last name first."""
    entries = []
    for site in find_site_packages(path):
        for name in sorted(os.listdir(site), reverse=True):
            if name not in INSTALLERS:
                entries.append(os.path.join(site, name))
    return entries


class BackgroundCompiler:
    """Compiles the modules of an environment beside its proof, and removes the scratch directory at the end.

    The base interpreter compiles, without the environment's ``site``, because its ``.pth`` files must not run as the
    builder. The proof imports in alphabetical order and compiles what it imports, so this starts with the last name.
    Unless it must be *complete*, it leaves a busy host alone; the rest is compiled when it is imported.
    """

    def __init__(self, place: Workplace, complete: bool) -> None:
        load = "all" if complete else str(os.cpu_count() or 1)
        program = [place.order.interpreter, "-I", "-S", "-c", inspect.getsource(_compile), load]
        command = ["/bin/sh", "-c", SHELL_SCRIPT, "sh", place.scratch] + program + _list_entries(place.path)
        source, self._end_of_proof = os.pipe()
        try:
            self._running = RunningCommand(command, place.builder, source=source, umask=PUBLIC_UMASK)
        finally:
            os.close(source)

    def stop_and_wait(self) -> None:
        """End the compilation, because the proof has ended, and wait for it. Raises CommandError."""
        os.close(self._end_of_proof)
        require_success("finish", self._running.wait(INSTALL_TIMEOUT))
