# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""URLs that are safe to show."""

import re
from urllib.parse import urlsplit, urlunsplit


def redact_url(url: str) -> str:
    """*url* without user name and password."""
    try:
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    except ValueError:
        # An invalid URL can contain a password, too.
        return re.sub(r"//.*@", "//", url)
