# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The board's own tests, run in every new generation before it is promoted."""

import os
import tempfile
import unittest

import app


class BoardTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        app.BOARD = os.path.join(self.directory.name, "board.yml")
        self.client = app.app.test_client()

    def tearDown(self):
        self.directory.cleanup()

    def test_an_empty_board_is_healthy(self):
        self.assertEqual(self.client.get("/health").get_json()["notices"], 0)

    def test_notices_are_kept_and_escaped(self):
        self.client.post("/", data={"text": "a < b"})
        self.assertEqual(self.client.get("/").data, b"<p>a &lt; b</p>")


if __name__ == "__main__":
    unittest.main()
