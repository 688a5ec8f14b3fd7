# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine that needs no other program: a tar archive for each layer, in the directory of the backup."""

import os
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._engine import BackupEngine, EngineError
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers import _sealing
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._collect import Collector, is_unchanged
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._extract import (
    DamagedArchiveError,
    EntryMaker,
    prove_entries,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._manifest import Layer
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._sealing import EncryptionSettings
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._stream import (
    ARCHIVE_SUFFIXES,
    choose_compression,
    open_reader,
    open_writer,
    write_in_thread,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import join_command, run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import compute_sha256

KEYRING_TIMEOUT = 60.0
CHECK_SECTION = """
First prove that nothing is damaged, in the directory of this file:

```sh
cd {directory}
sha256sum --check --strict <<'END'
{digests}
END
```
"""


class CountingSink:
    """Passes bytes on to *sink*, and counts them."""

    def __init__(self, sink: Callable[[bytes], object]) -> None:
        self._sink = sink
        self.length = 0

    def __call__(self, data: bytes) -> None:
        self.length += len(data)
        self._sink(data)


class ArchiveEngine(BackupEngine):
    """Writes and reads archives, encrypted as *sealing* says."""

    name = "archive"
    arguments = {
        "encryption": {"type": "str", "choices": ["none", "age", "gpg"], "default": "none"},
        "recipients": {"type": "list", "elements": "str", "default": []},
        "identity": {"type": "path", "no_log": False},
    }
    summary = "- V(archive) writes a tar archive for each layer into O(backup_dir) and needs no other program."
    documentation = """\
encryption:
  description: Encryption of archives for O(recipients). Manifests, which name files, are not encrypted.
  type: str
  choices: [none, age, gpg]
  default: none
recipients:
  description: Public keys of age, or key names of gpg; or absolute paths of files with them on the host.
  type: list
  elements: str
  default: []
identity:
  description:
    - File on the host with age's private key, to read archives. gpg uses the keyring of the account that the module
      runs as.
    - Without the key archives are written, and only their digests can be proven.
  type: path
"""

    def __init__(self, sealing: EncryptionSettings) -> None:
        self.sealing = sealing
        self._written: Dict[str, CountingSink] = {}

    @classmethod
    def from_options(cls, given: Dict[str, Any]) -> "ArchiveEngine":
        """The engine with its encryption; that needs recipients."""
        how = "" if given["encryption"] == "none" else given["encryption"]
        if how and not given["recipients"]:
            raise EngineError("encryption by %s needs recipients; set oxzep7_backup_recipients" % how)
        return cls(EncryptionSettings(how, tuple(given["recipients"]), given["identity"] or None))

    def store_layer(
        self,
        directory: str,
        name: str,
        path: str,
        paths: Optional[Sequence[str]],
        before: Optional[Tuple[str, Layer]] = None,
    ) -> Layer:
        """Write an archive; where nothing has changed since *before*, that archive gets one more name."""
        how = choose_compression()
        if before is not None and self._is_reusable(directory, before, path, paths):
            return before[1]
        file = name + ARCHIVE_SUFFIXES[how] + _sealing.ENCRYPTION_SUFFIXES[self.sealing.how]
        archive = os.path.join(directory, file)
        with open_writer(archive, how, self.sealing) as sink:
            written = CountingSink(sink)
            with write_in_thread(written) as passing:
                collector = Collector(passing)
                entries = list(collector.collect_entries(path, paths))
        self._written[archive] = written
        problems = collector.problems
        return Layer(
            path,
            file,
            how,
            self.sealing.how,
            os.stat(archive).st_size,
            compute_sha256(archive),
            entries,
            problems.unstable,
            problems.skipped,
            {},
        )

    def _is_reusable(
        self, directory: str, before: Tuple[str, Layer], path: str, paths: Optional[Sequence[str]]
    ) -> bool:
        """Whether the archive of the layer *before* is what would be written, and is in *directory* now."""
        place, layer = before
        # The recipients of an encrypted archive are unknown.
        if self.sealing.how or layer.encryption or not layer.archive or not is_unchanged(path, paths, layer.entries):
            return False
        archive = os.path.join(directory, layer.archive)
        try:
            os.link(os.path.join(place, layer.archive), archive)
        except OSError:
            return False
        if compute_sha256(archive) == layer.sha256:
            return True
        os.unlink(archive)
        return False

    def read_back(self, directory: str, layer: Layer, name: str) -> None:
        """Prove that the archive gives back every byte that was written into it.

        zstd ends a frame with a checksum of its input (RFC 8878, 3.1.1), and gzip a member (RFC 1952, 2.3.1); reading
        fails where it differs.
        """
        if not layer.archive:
            return
        archive = os.path.join(directory, layer.archive)
        expected, found = self._written[archive], CountingSink(lambda data: None)
        with open_reader(archive, layer.compression, layer.encryption, self.sealing.identity) as stream:
            stream.read_rest(found)
        if found.length != expected.length:
            raise DamagedArchiveError(
                "%s gives back %d bytes, not the %d that were written into it"
                % (layer.archive, found.length, expected.length)
            )

    def can_read(self, layer: Layer) -> bool:
        """Whether the private key is on this host; public keys can only write."""
        if layer.encryption == _sealing.GPG:
            words = ["gpg", "--batch", "--with-colons", "--list-secret-keys"]
            return bool(run_command(words, KEYRING_TIMEOUT, environment=dict(os.environ)).stdout.strip())
        return not layer.encryption or self.sealing.identity is not None

    def read_layer(self, directory: str, layer: Layer, name: str, make: Optional[EntryMaker] = None) -> None:
        """Read the archive."""
        archive = os.path.join(directory, layer.archive)
        with open_reader(archive, layer.compression, layer.encryption, self.sealing.identity) as stream:
            prove_entries(stream, layer.entries, make)

    def render_check(self, directory: str, layers: Dict[str, Layer]) -> str:
        """Compare the digests of the archives."""
        digests = ["%s  %s" % (layer.sha256, layer.archive) for layer in layers.values() if layer.archive]
        if not digests:
            return ""
        return CHECK_SECTION.format(directory=join_command([directory]), digests="\n".join(digests))

    def render_read_command(self, layer: Layer, name: str) -> str:
        """Decrypt and decompress the archive."""
        archive = join_command([layer.archive])
        if not layer.encryption:
            return "%s -dcq %s" % (layer.compression, archive)
        return "%s%s | %s -dcq" % (_sealing.render_decrypt_command(layer.encryption), archive, layer.compression)
