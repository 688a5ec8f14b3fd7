# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tickets, on Bottle with Waitress as they were in 2020."""

import json
import os
import platform
import sys

from bottle import Bottle, response, run

application = Bottle()


@application.get("/health")
def health():
    """Its Python; a release that cannot run on a newer one is put there by a test."""
    response.status = 500 if os.path.exists("/srv/tickets/broken") and sys.version_info[:2] > (3, 8) else 200
    response.content_type = "application/json"
    return json.dumps({"application": "tickets", "python": platform.python_version()})


if __name__ == "__main__":
    run(application, server="waitress", host="0.0.0.0", port=8102, quiet=True)
