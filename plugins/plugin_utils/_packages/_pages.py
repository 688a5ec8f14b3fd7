# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an index page or a folder lists: files of a package."""

from __future__ import annotations

import dataclasses
import html.parser
import json
import pathlib
import urllib.parse
from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._metadata import read_wheel_metadata

JSON_TYPE = "application/vnd.pypi.simple.v1+json"


@dataclasses.dataclass(frozen=True)
class PackageFile:
    """One published file: name, ``Requires-Python`` as written, date of publication (ISO 8601), whether yanked."""

    name: str
    requires_python: str
    published: str | None
    yanked: bool
    location: str
    sha256: str | None


class _AnchorParser(html.parser.HTMLParser):
    """The anchors of a page in HTML."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.found: list[PackageFile] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep each anchor that names a file."""
        values = {name: value or "" for name, value in attrs}
        if tag == "base" and "href" in values:
            self.base = urllib.parse.urljoin(self.base, values["href"])
        if tag != "a" or "href" not in values:
            return
        url = urllib.parse.urlsplit(urllib.parse.urljoin(self.base, values["href"]))
        hashed = dict(urllib.parse.parse_qsl(url.fragment)).get("sha256")
        self.found.append(
            PackageFile(
                urllib.parse.unquote(url.path.rsplit("/", 1)[-1]),
                values.get("data-requires-python", ""),
                values.get("data-upload-time", "")[:10] or None,
                "data-yanked" in values,
                url._replace(fragment="").geturl(),
                hashed,
            )
        )


def read_page(text: str, kind: str, base: str) -> list[PackageFile]:
    """The files that the page *text* of media type *kind* at the URL *base* lists. Raises ValueError."""
    if kind != JSON_TYPE:
        page = _AnchorParser(base)
        page.feed(text)
        return page.found
    return [_parse_file_entry(entry, base) for entry in json.loads(text)["files"]]


def _parse_file_entry(entry: Mapping[str, Any], base: str) -> PackageFile:
    return PackageFile(
        entry["filename"],
        entry.get("requires-python") or "",
        (entry.get("upload-time") or "")[:10] or None,
        bool(entry.get("yanked")),
        urllib.parse.urljoin(base, entry["url"]),
        entry.get("hashes", {}).get("sha256"),
    )


def read_folder(folder: pathlib.Path) -> dict[str, list[PackageFile]]:
    """The wheels and sources in *folder* by normalized package name."""
    found: dict[str, list[PackageFile]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.endswith((".whl", ".tar.gz", ".zip")):
            name = normalize_name(
                path.name.split("-")[0] if path.name.endswith(".whl") else path.name.rpartition("-")[0]
            )
            found.setdefault(name, []).append(
                PackageFile(
                    path.name,
                    _read_requires_python(path) if path.suffix == ".whl" else "",
                    None,
                    False,
                    str(path),
                    None,
                )
            )
    return found


def _read_requires_python(wheel: pathlib.Path) -> str:
    try:
        return read_wheel_metadata(wheel).requires_python
    except (OSError, ValueError):
        return ""
