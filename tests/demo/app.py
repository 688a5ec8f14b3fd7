# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small web application: a notice board, kept in YAML."""

import os
import platform

import yaml
from flask import Flask, jsonify, request
from markupsafe import escape

if os.environ.get("BOARD_REFUSES") == ".".join(platform.python_version_tuple()[:2]):
    raise SystemExit(f"this release of the board does not support Python {platform.python_version()}")

app = Flask(__name__)
BOARD = os.environ.get("BOARD_FILE", "board.yml")


def read_notices():
    """Every notice, oldest first."""
    if not os.path.exists(BOARD):
        return []
    with open(BOARD) as stream:
        return yaml.safe_load(stream) or []


@app.route("/health")
def show_health():
    """The interpreter this process runs on, and that the board can be read."""
    return jsonify(python=platform.python_version(), notices=len(read_notices()))


@app.route("/", methods=["GET", "POST"])
def show_board():
    """Read the board, or pin a notice to it."""
    if request.method == "POST":
        pinned = read_notices() + [request.form["text"]]
        with open(BOARD, "w") as stream:
            yaml.safe_dump(pinned, stream)
    return "\n".join(f"<p>{escape(text)}</p>" for text in read_notices())
