# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renewing the vendored release data."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle

from tests.tools import refresh


def test_release_data_are_renewed_whole_or_not_at_all(tmp_path):
    data, sources = tmp_path / "python-releases.toml", tmp_path / "sources.toml"
    content = _lifecycle.RELEASES.read_bytes()
    data.write_bytes(content)
    sources.write_text(_lifecycle.DATA_SOURCES_FILE.read_text(encoding="utf-8"), encoding="utf-8")
    for broken in (b"no toml = = ", b"[metadata]\n[release]\n"):
        with pytest.raises(ValueError):
            refresh.renew(broken, data, sources, datetime.date(2027, 1, 2))
    assert data.read_bytes() == content and sorted(path.name for path in tmp_path.iterdir()) == [
        "python-releases.toml",
        "sources.toml",
    ]
    refresh.renew(content + b"\n", data, sources, datetime.date(2027, 1, 2))
    assert (
        "python-releases = 2027-01-02" in sources.read_text(encoding="utf-8") and data.read_bytes() == content + b"\n"
    )
