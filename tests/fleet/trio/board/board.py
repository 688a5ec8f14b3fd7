# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A notice board, on Flask as it was in 2020."""

import os
import platform
import sys

from flask import Flask, jsonify

application = Flask(__name__)


@application.route("/health")
def health():
    """Its Python; a release that cannot run on a newer one is put there by a test."""
    broken = os.path.exists("/srv/board/broken") and sys.version_info[:2] > (3, 8)
    return jsonify(application="board", python=platform.python_version()), 500 if broken else 200


if __name__ == "__main__":
    application.run("0.0.0.0", 8101)
