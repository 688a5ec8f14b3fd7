# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives the worker some work, as a program of the application does, and prints what comes back as JSON."""

import json

import jobs

found = {
    "python": jobs.describe_python.delay().get(timeout=30),
    "time": jobs.convert_time.delay("2021-03-01T12:00:00+00:00", "America/New_York").get(timeout=30),
    "sum": jobs.sum_squares([1, 2, 3]).get(timeout=30),
}
print(json.dumps(found))
