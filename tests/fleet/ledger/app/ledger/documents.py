# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receipts as pictures, statements as XML, exports as YAML."""

import io

import yaml
from lxml import etree
from PIL import Image, ImageDraw


def receipt(entry):
    """A PNG picture of *entry*."""
    image = Image.new("RGB", (240, 60), "white")
    ImageDraw.Draw(image).text((8, 20), "%s: %.2f" % (entry["account"], entry["cents"] / 100), fill="black")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def statement(entries):
    """An XML statement of *entries*."""
    root = etree.Element("statement")
    for entry in entries:
        etree.SubElement(root, "entry", account=entry["account"], cents=str(entry["cents"]))
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def export(entries):
    """A YAML export of *entries*."""
    return yaml.safe_dump([{key: entry[key] for key in ("account", "cents")} for entry in entries])
