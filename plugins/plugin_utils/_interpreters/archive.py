# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source ``archive`` on the controller."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._install import get_file_name, resolve_digest
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._signatures import verify_signed_archive
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import (
    ControllerSource,
    HostActions,
    InterpreterSourceError,
    UnpackPlace,
)


class ArchiveController(ControllerSource):
    """Verifies signatures, and sends archives that are on the controller."""

    def list_needed_files(self, entry: Mapping[str, Any]) -> list[str]:
        """As the base."""
        return [str(entry["path"])] if entry.get("path") else []

    def is_reusable(self, options: Mapping[str, Any]) -> bool:
        """As the base: a signature is verified in any case."""
        return not _is_signed(options)

    def provide_here(self, options: Mapping[str, Any], place: UnpackPlace) -> str | None:
        """As the base: the archive is unpacked here."""
        path, url = options.get("path"), options.get("url")
        origin = str(path or url)
        if _is_signed(options):
            digest = verify_signed_archive(place.cache, {**options, "sha256": read_checksums(str(options["sha256"]))})
        else:
            digest = resolve_digest(read_checksums(str(options.get("sha256") or "")), get_file_name(origin))
        here = str(expand_path(str(path))) if path else None
        return place.unpack(str(options["version"]), digest, redact_url(origin), here, str(url) if url else None)

    def provide_interpreter(self, options: Mapping[str, Any], host: HostActions) -> dict[str, Any]:
        """As the base: the archive is sent only to a host that lacks the interpreter."""
        asked = dict(options)
        if options.get("path") or _is_signed(options):
            asked["sha256"] = read_checksums(str(options.get("sha256") or ""))
        if _is_signed(options):
            asked["sha256"] = verify_signed_archive(expand_path(str(options["cache_dir"])), asked)
        if not options.get("path"):
            return host.run_module(asked)
        asked["origin"] = str(options["path"])
        answer = host.run_module({**asked, "path": None})
        if answer.get("failed") or answer.get("installed"):
            return answer
        return host.send_archive(expand_path(asked["origin"]), asked)


def _is_signed(options: Mapping[str, Any]) -> bool:
    return bool(options.get("signature") or options.get("key"))


def read_checksums(given: str) -> str:
    """*given*, or the text of the file with checksums at the path *given*. Raises InterpreterSourceError."""
    if "://" in given or "/" not in given:
        return given
    try:
        return pathlib.Path(given).expanduser().absolute().read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InterpreterSourceError(f"the checksum {given} cannot be read: {error}") from None


SOURCE = ArchiveController()
