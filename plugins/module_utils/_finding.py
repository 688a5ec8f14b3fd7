# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shape of a finding of a host."""

from typing import Any, Dict


def build_finding(
    key: str, title: str, detail: str, remediation: str, severity: str = "error", blocking: bool = True
) -> Dict[str, Any]:
    """A finding; *key* is stable across releases."""
    return {
        "key": key,
        "severity": severity,
        "title": title,
        "detail": detail,
        "blocking": blocking,
        "remediation": remediation,
    }
