# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of the unit tests, in which how fast a machine is decides no test; and what several of them use."""

import os

import pytest

try:
    from hypothesis import HealthCheck, settings
except ImportError:
    # The oldest Python of managed hosts has none, and its tests need none.
    settings = None

if settings is not None:
    settings.register_profile("slow machines", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("slow machines")


# Calls of the module os that make something durable or change a name, and what is noted of their arguments.
NOTED_CALLS = {
    "fsync": lambda handle: os.readlink(f"/proc/self/fd/{handle}"),
    "rename": lambda old, new: new,
    "mkdir": lambda path, *rest: path,
    "symlink": lambda target, path: path,
    "sync": lambda: "everything",
}


@pytest.fixture
def watch_calls(monkeypatch):
    """A function that returns the list in which calls of the given names are noted; they are made all the same."""

    def watch_one(name, found):
        real = getattr(os, name)

        def call(*arguments, **options):
            found.append((name, NOTED_CALLS[name](*arguments)))
            return real(*arguments, **options)

        monkeypatch.setattr(os, name, call)

    def watch(*names):
        found = []
        for name in names:
            watch_one(name, found)
        return found

    return watch
