# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine that needs nothing installed: a tar archive of its own for each layer, in the backup's directory."""

import os
from typing import Callable, Dict, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._backup import _sealing
from ansible_collections.oxzep7.python.plugins.module_utils._backup._collect import Collector, is_unchanged
from ansible_collections.oxzep7.python.plugins.module_utils._backup._extract import (
    DamagedArchiveError,
    EntryMaker,
    prove_entries,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._manifest import Layer
from ansible_collections.oxzep7.python.plugins.module_utils._backup._sealing import EncryptionSettings
from ansible_collections.oxzep7.python.plugins.module_utils._backup._stream import (
    ARCHIVE_SUFFIXES,
    choose_compression,
    open_reader,
    open_writer,
    write_in_thread,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import compute_sha256

KEYRING_TIMEOUT = 60.0


class CountingSink:
    """Passes bytes on to *sink*, and counts them."""

    def __init__(self, sink: Callable[[bytes], object]) -> None:
        self._sink = sink
        self.length = 0

    def __call__(self, data: bytes) -> None:
        self.length += len(data)
        self._sink(data)


class ArchiveEngine:
    """Writes and reads archives, encrypted as *sealing* says."""

    def __init__(self, sealing: EncryptionSettings) -> None:
        self.sealing = sealing
        self._written: Dict[str, CountingSink] = {}

    @property
    def name(self) -> str:
        """What manifests call it."""
        return "archive"

    def store_layer(
        self,
        directory: str,
        name: str,
        path: str,
        paths: Optional[Sequence[str]],
        before: Optional[Tuple[str, Layer]] = None,
    ) -> Layer:
        """Write the layer *name* into *directory*: the tree *path*, or only *paths* of the whole file system. Raises StreamError, OSError.

        Where nothing has changed since *before*, a layer and the directory it is in, its archive gets one more name.
        """
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
        met = collector.met
        return Layer(
            path,
            file,
            how,
            self.sealing.how,
            os.stat(archive).st_size,
            compute_sha256(archive),
            entries,
            met.unstable,
            met.skipped,
            {},
        )

    def _is_reusable(
        self, directory: str, before: Tuple[str, Layer], path: str, paths: Optional[Sequence[str]]
    ) -> bool:
        """Whether the archive of the layer *before* is what would be written, and is in *directory* now."""
        place, layer = before
        # For whom another one was encrypted cannot be told.
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

    def read_back(self, directory: str, layer: Layer) -> None:
        """Prove that the archive of *layer*, which this object has just written into *directory*, gives back every byte.

        zstd ends a frame with a checksum of what it was given (RFC 8878, 3.1.1), and gzip a member (RFC 1952, 2.3.1); reading fails where it is another.
        Raises Damaged, StreamError, OSError.
        """
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
        """Whether the content of *layer* can be read here at all: whoever only has public keys cannot."""
        if layer.encryption == _sealing.GPG:
            return bool(
                run_command(
                    ["gpg", "--batch", "--with-colons", "--list-secret-keys"],
                    KEYRING_TIMEOUT,
                    environment=dict(os.environ),
                ).stdout.strip()
            )
        return not layer.encryption or self.sealing.identity is not None

    def read_layer(self, directory: str, layer: Layer, _name: str, make: Optional[EntryMaker] = None) -> None:
        """Prove the archive of *layer* in *directory*, and give its entries to *make*. Raises Damaged, StreamError, OSError."""
        with open_reader(
            os.path.join(directory, layer.archive), layer.compression, layer.encryption, self.sealing.identity
        ) as stream:
            prove_entries(stream, layer.entries, make)

    def finish_backup(self, directory: str) -> None:
        """Do nothing: all that belongs to a backup is in its *directory*."""

    def forget_backup(self, directory: str) -> None:
        """Do nothing: what belongs to a backup goes with its *directory*."""
