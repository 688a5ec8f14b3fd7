# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the environment that is there says of itself, and who builds beside it."""

import os
from typing import Any, Dict, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, controller_of, of_uid
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_text


class BuildError(Exception):
    """A generation that could not be built or proven; nothing of it is left. ``details`` is evidence."""

    def __init__(self, text: str, details: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(text)
        self.details = details or {}


def configuration(environment: str) -> Dict[str, str]:
    """The keys of *environment*'s ``pyvenv.cfg``, lower-case. Raises BuildError where there is none."""
    text = read_text(os.path.join(environment, "pyvenv.cfg"))
    if text is None:
        raise BuildError("%s is not an environment: it has no pyvenv.cfg; correct `environment`" % environment)
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {key.strip().lower(): value.strip() for key, value in pairs}


def version_of(environment: str) -> str:
    """The Python version that *environment* was made with, from its ``pyvenv.cfg``. Raises BuildError."""
    values = configuration(environment)
    version = values.get("version") or values.get("version_info")
    if not version:
        raise BuildError("%s/pyvenv.cfg does not say which Python made it" % environment)
    return ".".join(version.split(".")[:3])


def builder_of(application: Application) -> Identity:
    """Who writes the generations: the user who controls the directory around them, or the live environment's owner."""
    controller = controller_of(os.path.dirname(application.environment))
    return controller if controller.uid != 0 else of_uid(os.stat(application.environment).st_uid)


def shares_site(values: Dict[str, str]) -> bool:
    """Whether an environment of this configuration sees the interpreter's packages."""
    return values.get("include-system-site-packages", "false").lower() == "true"
