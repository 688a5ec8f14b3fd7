# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller half of backup: fetches the backup, and proves the copy."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shlex
import shutil
from typing import IO, Any

from ansible.errors import AnsibleError
from ansible_collections.oxzep7.python.plugins.module_utils._names import APPLICATION_NAME, BACKUP_ID
from ansible_collections.oxzep7.python.plugins.plugin_utils._action import CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path, make_file_name

MANIFEST_NAME, SEAL_NAME = "manifest.json", "manifest.sha256"


def hash_stream(stream: IO[bytes]) -> str:
    """SHA-256 of what *stream* has."""
    digest = hashlib.sha256()
    for block in iter(lambda: stream.read(1 << 20), b""):
        digest.update(block)
    return digest.hexdigest()


class ActionModule(CollectionAction):
    """Run the module; then fetch the backup on request, unless the controller has it."""

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """One module execution, and with ``fetch_dir`` one transfer for each file of the backup."""
        result = self.run_module(self.list_arguments(), task_vars)
        if given["fetch_dir"] and result.get("directory") and not result.get("failed"):
            try:
                place = expand_path(given["fetch_dir"]) / make_file_name(task_vars["inventory_hostname"])
                result["fetched"] = str(self._fetch_backup(result["directory"], place))
            except (AnsibleError, OSError, ValueError, KeyError) as error:
                result.update(
                    failed=True,
                    msg=f"backup {result['backup']} is in {result['directory']}, but could not be fetched: {error}",
                )
        return result

    def _fetch_backup(self, directory: str, place: pathlib.Path) -> pathlib.Path:
        """Copy the backup in *directory* of the host below *place*, completely or not at all; returns the copy.

        Raises AnsibleError, OSError, ValueError.
        """
        application, identifier = directory.rstrip("/").split("/")[-2:]
        final = place / APPLICATION_NAME(application) / BACKUP_ID(identifier)
        if final.exists():
            return final
        incoming = final.with_name(f".incoming-{identifier}")
        shutil.rmtree(incoming, ignore_errors=True)
        incoming.mkdir(parents=True, mode=0o700)
        # The account that is logged in cannot read files of root, and gets a copy of its own.
        shared = self._connection._shell.join_path(self._make_tmp_path(), "backup")
        try:
            source, target, owner = (shlex.quote(path) for path in (directory, shared, os.path.dirname(shared)))
            self._run_command(f"cp -R -- {source} {target} && chown -R --reference={owner} -- {target}")
            self._fetch_file(shared, incoming, MANIFEST_NAME)
            self._fetch_file(shared, incoming, SEAL_NAME)
            manifest = (incoming / MANIFEST_NAME).read_bytes()
            if (incoming / SEAL_NAME).read_text(encoding="ascii").split()[0] != hashlib.sha256(manifest).hexdigest():
                raise ValueError(f"{MANIFEST_NAME} is not as it was written")
            told = json.loads(manifest)
            expected = {
                "RESTORE.md": told["runbook"],
                **{layer["archive"]: layer["sha256"] for layer in told["layers"].values() if layer["archive"]},
            }
            for name, digest in expected.items():
                self._fetch_file(shared, incoming, name)
                with (incoming / name).open("rb") as stream:
                    if hash_stream(stream) != digest:
                        raise ValueError(f"{name} is not as it was written")
            incoming.rename(final)
        finally:
            self._remove_tmp_path(os.path.dirname(shared))
            shutil.rmtree(incoming, ignore_errors=True)
        return final

    def _fetch_file(self, shared: str, incoming: pathlib.Path, name: str) -> None:
        if os.path.basename(name) != name:
            raise ValueError(f"{name!r} is not the name of a file")
        target = incoming / name
        target.touch(mode=0o600)
        self._connection.fetch_file(self._connection._shell.join_path(shared, name), str(target))
        with target.open("rb") as stream:
            os.fsync(stream.fileno())

    def _run_command(self, command: str) -> None:
        done = self._low_level_execute_command(command)
        if done.get("rc") != 0:
            raise AnsibleError(f"{command}: {done.get('stderr') or done.get('stdout')}")
