# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service on a database of its own."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledger.settings")
os.environ["LEDGER_DATABASE"] = "sqlite://"


@pytest.fixture
def store(tmp_path):
    from ledger.store import Store

    return Store("sqlite:///%s" % (tmp_path / "ledger.sqlite3"))


@pytest.fixture
def client(store, monkeypatch):
    import django

    django.setup()
    from django.test import Client

    from ledger import views

    monkeypatch.setattr(views, "store", store)
    return Client()
