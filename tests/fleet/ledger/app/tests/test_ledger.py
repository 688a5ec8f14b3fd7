# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the service promises."""

import io

import pytest
import requests
import yaml
from dateutil.parser import isoparse
from lxml import etree
from PIL import Image

from ledger import documents, worker


@pytest.mark.parametrize("cents", [[], [1], [5, -5], [100, 250, -30], list(range(50))])
def test_balance_is_the_sum(store, cents):
    for amount in cents:
        store.add("rent", amount)
    store.add("other", 7)
    assert store.balance("rent") == sum(cents)


def test_entries_are_booked_and_exported(client):
    answer = client.post("/entries", {"account": "rent", "cents": 1234}, content_type="application/json")
    assert answer.status_code == 201
    assert yaml.safe_load(client.get("/entries").content) == [{"account": "rent", "cents": 1234}]


def test_statement_is_xml(client):
    client.post("/entries", {"account": "a<b", "cents": 5}, content_type="application/json")
    root = etree.fromstring(client.get("/statement").content)
    assert [entry.get("account") for entry in root] == ["a<b"]


def test_health_names_the_interpreter(client):
    body = client.get("/health").json()
    assert body["python"].startswith("3.")
    assert body["entries"] == 0


def test_unknown_paths_and_methods_are_refused(client):
    assert client.get("/nothing").status_code == 404
    assert client.delete("/entries").status_code == 405


def test_receipts_are_drawn_once(store, tmp_path):
    store.add("rent", 99)
    assert worker.draw(store, str(tmp_path / "receipts")) == 1
    assert worker.draw(store, str(tmp_path / "receipts")) == 0
    with Image.open(str(tmp_path / "receipts" / "1.png")) as image:
        assert image.size == (240, 60)


def test_receipt_is_a_picture():
    image = Image.open(io.BytesIO(documents.receipt({"account": "x", "cents": 1})))
    assert image.format == "PNG"


def test_libraries_of_the_environment_work_together():
    request = requests.Request("GET", "http://localhost/entries", params={"a": "b"}).prepare()
    assert request.url == "http://localhost/entries?a=b"
    assert isoparse("2021-02-01").year == 2021
