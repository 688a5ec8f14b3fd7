# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scanner on real packages that are known to support the target: it finds nothing in them."""

from __future__ import annotations

from tests.benchmark.plan import scanner

# Defines a coroutine of an older kind when it is called, which it is on older Pythons only; no scan can know.
CALLED_ON_OLDER_ONLY = "newrelic: newrelic/common/async_wrapper.py:"


def test_packages_that_support_the_target_give_no_findings():
    sources = scanner.read_python_files()
    assert len({name.partition(":")[0] for name, _text in sources}) >= 35
    assert [line for line in scanner.scan_sources(sources) if not line.startswith(CALLED_ON_OLDER_ONLY)] == []
