# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of the unit tests: how fast a machine is decides no test."""

try:
    from hypothesis import HealthCheck, settings
except ImportError:
    # The oldest Python of managed hosts has none, and its tests need none.
    settings = None

if settings is not None:
    settings.register_profile("slow machines", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("slow machines")
