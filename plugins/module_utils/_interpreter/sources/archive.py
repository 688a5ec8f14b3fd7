# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interpreters in archives of relocatable trees."""

import os
from typing import Any, Dict, Optional

from ansible.module_utils.urls import open_url
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import is_matching_version
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._install import (
    ArchiveOrder,
    get_file_name,
    install_archive,
    list_installed_interpreters,
    resolve_digest,
)
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._source import (
    InterpreterRequest,
    InterpreterSource,
)

HEAD_TIMEOUT = 15.0


class ArchiveSource(InterpreterSource):
    """A relocatable tree in an archive, which the host downloads or the controller sends."""

    name = "archive"
    documentation = r"""
description: V(archive) for a relocatable tree in an archive.
options:
  url:
    description: With V(archive), URL from which the host fetches the archive.
    type: str
  path:
    description: With V(archive), its path on the controller; it is sent only if the host lacks the interpreter.
    type: path
  sha256:
    description:
      - With V(archive), its hexadecimal SHA-256, or a file with it as a URL or as a path on the controller.
      - Such a file has only the digest, or lines of digest and file name as C(sha256sum) writes them.
    type: str
  signature:
    description:
      - With V(archive), its detached signature, a URL or a path on the controller. The controller verifies it once for
        each SHA-256.
    type: str
  key:
    description:
      - Path on the controller of the public key that must have made the signature.
      - An OpenPGP key in text form, checked by C(gpg); one of C(minisign); or a PEM key of C(cosign), whose signatures
        are those that C(cosign sign-blob --output-signature) writes, checked by C(openssl).
    type: path
"""
    options = {
        "url": {"type": "str"},
        "path": {"type": "path"},
        "sha256": {"type": "str"},
        "signature": {"type": "str"},
        "key": {"type": "path", "no_log": False},
    }
    required = ("sha256",)
    entry_required = ("version", "sha256")
    entry_required_one_of = ("url", "path")

    def resolve_request(self, request: InterpreterRequest) -> InterpreterRequest:
        """*request* with its SHA-256, read from the file with checksums if it names one. Raises InterpreterError."""
        name = get_file_name(_get_origin(request.options))
        digest = resolve_digest(request.options.get("sha256") or "", name)
        return request._replace(options=dict(request.options, sha256=digest))

    def find_installed(self, request: InterpreterRequest, directory: str) -> Optional[Dict[str, Any]]:
        """The interpreter under *directory* from the archive with the SHA-256 of *request*, or None."""
        digest = (request.options.get("sha256") or "").lower()
        for entry in list_installed_interpreters(directory):
            if entry["sha256"] == digest and is_matching_version(entry["version"], request.version):
                return entry
        return None

    def measure_download(self, options: Dict[str, Any]) -> Optional[int]:
        """As the base: the length that the server of the URL states."""
        if not options.get("url"):
            return None
        with open_url(options["url"], method="HEAD", timeout=HEAD_TIMEOUT) as answer:
            length = answer.headers.get("Content-Length")
            return int(length) if length and length.isdigit() else None

    def needs_controller(self, request: InterpreterRequest, directory: str) -> bool:
        """As the base."""
        reachable = request.options.get("url") or request.options.get("path")
        return not reachable and not self.find_installed(request, directory)

    def obtain_interpreter(
        self, request: InterpreterRequest, directory: str, check_mode: bool, changes: Changes
    ) -> Dict[str, Any]:
        """Install the archive unless an interpreter from it is installed. Raises InterpreterError, OSError.

        In check mode the version of an archive that is not installed is the one of *request*.
        """
        present = self.find_installed(request, directory)
        if present:
            return present
        origin = _get_origin(request.options) or "an archive"
        prefix = os.path.join(directory, request.version)
        changes.add("install Python %s from %s" % (request.version, origin), prefix, None, origin)
        if check_mode:
            program = "python" + ".".join(request.version.split(".")[:2])
            return {"version": request.version, "prefix": prefix, "path": os.path.join(prefix, "bin", program)}
        order = ArchiveOrder(
            request.version, request.options.get("url"), request.options.get("path"), request.options["sha256"], origin
        )
        return install_archive(order, directory)


def _get_origin(options: Dict[str, Any]) -> str:
    """What messages and the marker call the archive."""
    return redact_url(options.get("origin") or options.get("url") or options.get("path") or "")
