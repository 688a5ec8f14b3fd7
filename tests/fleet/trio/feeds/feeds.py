# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Feeds, on Tornado as it was in 2020, which is compiled."""

import os
import platform
import sys

import tornado.ioloop
import tornado.speedups
import tornado.web


class Health(tornado.web.RequestHandler):
    """Its Python; a release that cannot run on a newer one is put there by a test."""

    def get(self):
        if os.path.exists("/srv/feeds/broken") and sys.version_info[:2] > (3, 8):
            self.set_status(500)
        self.write(
            {
                "application": "feeds",
                "python": platform.python_version(),
                "masked": len(tornado.speedups.websocket_mask(b"1234", b"abcd")),
            }
        )


if __name__ == "__main__":
    tornado.web.Application([("/health", Health)]).listen(8103, "0.0.0.0")
    tornado.ioloop.IOLoop.current().start()
