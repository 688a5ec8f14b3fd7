# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The metadata of wheels: what a wheel requires."""

from __future__ import annotations

import dataclasses
import email.parser
import pathlib
import re
import zipfile

METADATA_LIMIT = 4 << 20
METADATA_PATTERN = re.compile(r"[^/]+\.dist-info/METADATA")


@dataclasses.dataclass(frozen=True)
class WheelMetadata:
    """What a wheel says of itself: ``Requires-Dist`` and ``Requires-Python`` as written."""

    requires: tuple[str, ...] = ()
    requires_python: str = ""


def parse_metadata(text: str) -> WheelMetadata:
    """The metadata that the file METADATA with *text* has."""
    headers = email.parser.HeaderParser().parsestr(text)
    requires = [" ".join(str(line).split()) for line in headers.get_all("Requires-Dist") or []]
    return WheelMetadata(tuple(requires), str(headers["Requires-Python"] or ""))


def read_wheel_metadata(wheel: pathlib.Path) -> WheelMetadata:
    """The metadata in the file *wheel*. Raises ValueError, OSError."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(name for name in archive.namelist() if METADATA_PATTERN.fullmatch(name))
            with archive.open(name) as stream:
                return parse_metadata(stream.read(METADATA_LIMIT).decode("utf-8", "replace"))
    except (StopIteration, zipfile.BadZipFile, RuntimeError) as error:
        raise ValueError(f"{wheel} is no wheel: {error or 'it has no METADATA'}") from None
