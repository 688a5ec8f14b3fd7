# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extras with which packages were asked for."""

import json

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._packages._requested import (
    parse_recorded_extras,
    parse_requirement_extras,
)

# As uv 0.13 wrote it.
RECEIPT = """\
[tool]
requirements = [
    { name = "httpie", extras = ["socks"], specifier = "==3.2.2" },
    { name = "requests", extras = ["security", "Use_Chardet"] },
    { name = "plain", specifier = ">=1" },
]
entrypoints = [
    { name = "http", install-path = "/usr/local/bin/http", from = "httpie" },
]
"""
PIPX = json.dumps(
    {
        "main_package": {"package": "httpie", "package_or_url": "httpie[socks]==3.2.2"},
        "injected_packages": {"requests": {"package_or_url": "requests[security, use_chardet]"}, "six": {}},
    }
)


def test_requirements_files_name_extras():
    text = (
        "# app[commented]\n-r other[x].txt\nUvicorn[Standard]==0.13 \\\n    --hash=sha256:0\n"
        "celery [redis, msgpack] >= 5 ; python_version < '3.12'\nplain\nnone[]\n"
        "psycopg[binary] @ https://h/p.whl\nhttps://h/x[y].whl\nceleRy[sqs]\n"
    )
    assert parse_requirement_extras(text) == {
        "uvicorn": ["standard"],
        "celery": ["msgpack", "redis", "sqs"],
        "psycopg": ["binary"],
    }


@pytest.mark.parametrize("pipx, uv", [(PIPX, None), (None, RECEIPT), (PIPX, RECEIPT)])
def test_records_of_tools_name_extras(pipx, uv):
    assert parse_recorded_extras(pipx, uv) == {"httpie": ["socks"], "requests": ["security", "use-chardet"]}


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"main_package": []}', '{"injected_packages": [1]}'])
def test_what_cannot_be_read_says_nothing(text):
    assert parse_recorded_extras(text, text) == {}
