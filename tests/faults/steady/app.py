# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers with the Python that it runs on and the environment that it runs from."""

import http.server
import json
import platform
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    """One answer for every path."""

    def do_GET(self) -> None:
        """Tell version and prefix."""
        body = json.dumps({"python": platform.python_version(), "prefix": sys.prefix}).encode("utf-8")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    http.server.HTTPServer(("127.0.0.1", 8003), Handler).serve_forever()
