# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Django settings; the database is SQLAlchemy's, so Django has none."""

import os

DEBUG = False
SECRET_KEY = os.environ.get("LEDGER_SECRET_KEY", "not-secret-in-tests")
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "ledger.urls"
DATABASES = {}
INSTALLED_APPS = []
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
USE_TZ = True
DATABASE_URL = os.environ.get("LEDGER_DATABASE", "sqlite:////srv/ledger/data/ledger.sqlite3")
RECEIPTS = os.environ.get("LEDGER_RECEIPTS", "/srv/ledger/data/receipts")
