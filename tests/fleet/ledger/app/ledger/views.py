# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the service answers."""

import json
import platform
import sys

import oxzep7_vendor
from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_http_methods

from ledger.documents import export, statement
from ledger.store import Store

store = Store(settings.DATABASE_URL)


@require_GET
def health(_request):
    """The interpreter this process runs on, and that database and vendor modules work."""
    return JsonResponse(
        {
            "python": platform.python_version(),
            "prefix": sys.prefix,
            "entries": len(store.all()),
            "vendor": oxzep7_vendor.checksum(b"ledger"),
        }
    )


@require_http_methods(["GET", "POST"])
def entries(request):
    """Book an entry, or list them."""
    if request.method == "POST":
        body = json.loads(request.body)
        return JsonResponse({"id": store.add(body["account"], int(body["cents"]))}, status=201)
    return HttpResponse(export(store.all()), content_type="application/yaml")


@require_GET
def statement_view(_request):
    """The statement."""
    return HttpResponse(statement(store.all()), content_type="application/xml")
