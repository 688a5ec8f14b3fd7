# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renews the vendored release data from the repository of the Python Enhancement Proposals: ``make refresh``."""

from __future__ import annotations

import datetime
import pathlib
import re
import sys
import urllib.request

from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle

SOURCE = "https://raw.githubusercontent.com/python/peps/main/release_management/python-releases.toml"
TIMEOUT = 60


def dated(text: str, day: datetime.date) -> str:
    """The *text* of ``sources.toml`` with the release data taken on *day*."""
    return re.sub(r"(?m)^python-releases = .*$", f"python-releases = {day.isoformat()}", text)


def renew(content: bytes, data: pathlib.Path, sources: pathlib.Path, day: datetime.date) -> None:
    """Replace *data* by *content*, if it is release data that know at least as many versions. Raises ValueError."""
    before = _lifecycle.read_release_data(data)
    incoming = data.with_suffix(".new")
    incoming.write_bytes(content)
    try:
        after = _lifecycle.read_release_data(incoming)
        if not set(before) <= set(after):
            raise ValueError("the new data lack versions that the old ones have")
        incoming.replace(data)
    finally:
        incoming.unlink(missing_ok=True)
    sources.write_text(dated(sources.read_text(encoding="utf-8"), day), encoding="utf-8")


def main() -> None:
    """Fetch and renew, or say why not."""
    try:
        with urllib.request.urlopen(SOURCE, timeout=TIMEOUT) as answer:
            content = answer.read()
        renew(
            content,
            _lifecycle.RELEASES,
            _lifecycle.DATA_SOURCES_FILE,
            datetime.datetime.now(datetime.timezone.utc).date(),
        )
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"refresh: {SOURCE}: {error}; nothing was changed")


if __name__ == "__main__":
    main()
