# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor modules of an Oxzep7 Python: this one pure, ``_native`` compiled for each version."""

from oxzep7_vendor._native import fletcher


def checksum(data):
    """Checksum of *data*, hexadecimal, as vendor tools print it."""
    return "%04x" % fletcher(data)
