# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An interpreter that can be had again is kept by its address, as long as it can."""

from __future__ import annotations

import functools
import http.server
import json
import threading

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import find_archive_reference
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import MARKER_NAME


@pytest.fixture
def server(tmp_path):
    (tmp_path / "python.tar.gz").write_bytes(b"an archive")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


@pytest.mark.parametrize(
    "marker, expected",
    [
        ({"source": "{0}/python.tar.gz", "sha256": "0" * 64}, True),
        ({"source": "{0}/gone.tar.gz", "sha256": "0" * 64}, False),
        ({"source": "/srv/python.tar.gz", "sha256": "0" * 64}, False),
        ({"source": "{0}/python.tar.gz"}, False),
        (None, False),
    ],
)
def test_an_archive_that_its_server_still_has(tmp_path, server, marker, expected):
    if marker is not None:
        (tmp_path / MARKER_NAME).write_text(
            json.dumps({"version": "3.9.18", **marker, "source": marker["source"].format(server)})
        )
    found = find_archive_reference(str(tmp_path))
    assert (found is not None) == expected
    if found:
        assert found == {
            "version": "3.9.18",
            "url": f"{server}/python.tar.gz",
            "sha256": "0" * 64,
            "prefix": str(tmp_path),
        }
