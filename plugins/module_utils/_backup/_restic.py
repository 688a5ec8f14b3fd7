# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine for fleets: the same streams as archives, in a repository of restic, deduplicated and encrypted, a snapshot each. 0.14 and later."""

import contextlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from typing import IO, Dict, List, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._backup._collect import Collector
from ansible_collections.oxzep7.python.plugins.module_utils._backup._extract import (
    DamagedArchiveError,
    EntryMaker,
    prove_entries,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._manifest import Layer
from ansible_collections.oxzep7.python.plugins.module_utils._backup._stream import (
    StreamError,
    open_program_output,
    widen_pipe,
    write_all,
    write_in_thread,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    build_process_environment,
    get_current_identity,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult, run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import compute_sha256

RESTIC_TIMEOUT = 6 * 3600.0
# The stream is what an archive would be; restic cuts it where its content says, so what is equal is kept once.
STREAM_SUFFIX = ".tar"
MANIFEST_TAG = "manifest"
IDENTIFIER_LENGTH = len("20260101T000000Z-00000000")
# restic's design.rst, "Repository Format": in these directories files are called by the SHA-256 of their content.
NAMED_BY_CONTENT = ("data", "index", "keys", "snapshots")
AT_TOP = ("config", "locks")
# A repository that is not there (restic's exit status since 0.17; older ones say it in words).
ABSENT_EXIT_CODE = 10
ABSENT_TEXT = ("Is there a repository at the following location", "does not exist")


def make_backup_tag(directory: str) -> str:
    """The tag of the snapshots of the backup in *directory*, whatever becomes of its name: application and identifier."""
    return "%s/%s" % (os.path.basename(os.path.dirname(directory)), os.path.basename(directory)[-IDENTIFIER_LENGTH:])


class _RepositoryAbsentError(CollectionError):
    """The repository is not there yet."""


class ResticError(CollectionError):
    """A repository that cannot be used, or a command of restic that failed; without the password, and without the repository's own credentials."""


def _open_scratch() -> IO[bytes]:
    return tempfile.TemporaryFile()


class _SnapshotStream:
    """A `restic backup` that keeps what it is given on its standard input as one file of a snapshot."""

    def __init__(self, words: List[str], environment: Dict[str, str]) -> None:
        self.words = ["restic", "backup", "--json", "--quiet"] + words
        # It may say more than there is memory, and nobody reads while it is written to.
        self._said = [_open_scratch(), _open_scratch()]
        # AnsibleModule.run_command would need all of the input in memory.
        self._working = subprocess.Popen(
            self.words,
            stdin=subprocess.PIPE,
            stdout=self._said[0],  # pylint: disable=ansible-bad-function
            stderr=self._said[1],
            env=environment,
        )
        self.into = self._working.stdin.fileno() if self._working.stdin else -1
        widen_pipe(self.into)

    def wait_result(self) -> CommandResult:
        """How it ended, now that nothing more is given to it."""
        if self._working.stdin:
            self._working.stdin.close()
        rc = self._working.wait()
        texts = []
        for stream in self._said:
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
            stream.close()
        return CommandResult(self.words, rc, texts[0], texts[1])

    def kill(self) -> None:
        """End it before it has made a snapshot."""
        self._working.kill()
        self.wait_result()


class ResticRepository:
    """Where it is, the password or the file with it, and what else restic finds in its process environment, such as keys of S3."""

    def __init__(
        self,
        location: str,
        password: Optional[str],
        password_file: Optional[str],
        variables: Tuple[Tuple[str, str], ...] = (),
    ) -> None:
        self.location = location
        self.password = password
        self.password_file = password_file
        self.variables = variables
        # By directory, what will keep the manifest of the backup that is being made in it. Deriving a key from the password takes most of the time of
        # so small a snapshot, and it may as well take it while a layer is read.
        self._manifests: Dict[str, _SnapshotStream] = {}

    @property
    def name(self) -> str:
        """What manifests call it."""
        return "restic"

    def _make_environment(self) -> Dict[str, str]:
        given = {
            "RESTIC_REPOSITORY": self.location,
            "RESTIC_PASSWORD": self.password,
            "RESTIC_PASSWORD_FILE": self.password_file,
            "RESTIC_PROGRESS_FPS": "0.0001",
        }
        found = dict(
            build_process_environment(get_current_identity()), **{key: value for key, value in given.items() if value}
        )
        return dict(found, **dict(self.variables))

    def _run_restic(self, words: List[str], stdin: str = "") -> CommandResult:
        return run_command(["restic"] + words, RESTIC_TIMEOUT, environment=self._make_environment(), stdin=stdin)

    def _run_checked(self, words: List[str], stdin: str = "") -> CommandResult:
        return self._check_result(words, self._run_restic(words, stdin))

    def _check_result(self, words: List[str], done: CommandResult) -> CommandResult:
        if done.rc != 0:
            raise ResticError(
                self._hide_secrets("restic %s ended with %d: %s" % (words[0], done.rc, done.last_lines(3)))
            )
        return done

    def _hide_secrets(self, text: str) -> str:
        for secret in [self.password, self.location if "@" in self.location else ""] + [
            value for _name, value in self.variables
        ]:
            if secret:
                text = text.replace(secret, "***")
        return text

    @staticmethod
    def _is_absent(done: CommandResult) -> bool:
        return done.rc == ABSENT_EXIT_CODE or any(text in done.stderr for text in ABSENT_TEXT)

    def store_layer(
        self,
        directory: str,
        name: str,
        path: str,
        paths: Optional[Sequence[str]],
        _before: Optional[Tuple[str, Layer]] = None,
    ) -> Layer:
        """Make a snapshot for the layer *name* of the backup in *directory*: of the tree *path*, or only of *paths*. Raises ResticError, OSError."""
        if not shutil.which("restic"):
            raise ResticError("this host has no restic; install it, or use the archive engine")
        try:
            return self._store_snapshot(directory, name, path, paths)
        except _RepositoryAbsentError:
            self._drop_manifest(directory)
            self._run_checked(["init", "--quiet"])
            return self._store_snapshot(directory, name, path, paths)

    def _open_stream(self, directory: str, tag: str) -> _SnapshotStream:
        return _SnapshotStream(
            ["--tag", make_backup_tag(directory), "--tag", tag, "--stdin", "--stdin-filename", tag + STREAM_SUFFIX],
            self._make_environment(),
        )

    def _store_snapshot(self, directory: str, name: str, path: str, paths: Optional[Sequence[str]]) -> Layer:
        stream = self._open_stream(directory, name)
        if directory not in self._manifests:
            self._manifests[directory] = self._open_stream(directory, MANIFEST_TAG)
        try:
            with write_in_thread(lambda data: write_all(stream.into, data)) as sink:
                collector = Collector(sink)
                entries = list(collector.collect_entries(path, paths))
        except BrokenPipeError:
            # Its own words say why it ended.
            pass
        except BaseException:
            stream.kill()
            raise
        done = stream.wait_result()
        if done.rc != 0 and self._is_absent(done):
            raise _RepositoryAbsentError
        self._check_result(["backup"], done)
        snapshot = next(
            (
                row["snapshot_id"]
                for row in map(json.loads, done.stdout.splitlines()[::-1])
                if row.get("message_type") == "summary"
            ),
            None,
        )
        if snapshot is None:
            raise ResticError("restic did not say which snapshot it made: %s" % done.last_lines(3))
        met = collector.met
        return Layer(path, "", self.name, "", 0, "", entries, met.unstable, met.skipped, {"snapshot": snapshot})

    def _drop_manifest(self, directory: str) -> None:
        """Let go of what would have kept the manifest of the backup in *directory*."""
        waiting = self._manifests.pop(directory, None)
        if waiting is not None:
            waiting.kill()

    def can_read(self, _layer: Layer) -> bool:
        """Whether it can be read here: with its password, always."""
        return True

    def find_repository_damage(self, directory: str, layers: Sequence[Layer]) -> List[str]:
        """What is wrong with the repository of the backup in *directory*, which has *layers*: files that are not what their names say, where it is on this
        host, what restic finds, and snapshots that are gone.
        """
        found = []
        strange = (
            sorted(set(os.listdir(self.location)) - set(AT_TOP + NAMED_BY_CONTENT))
            if os.path.isdir(self.location)
            else []
        )
        found += ["%s does not belong to the repository" % name for name in strange]
        for place in NAMED_BY_CONTENT if os.path.isdir(self.location) else ():
            for folder, _below, names in os.walk(os.path.join(self.location, place)):
                found += [
                    "%s is not as it was written" % os.path.join(folder, name)
                    for name in sorted(names)
                    if name.endswith("-tmp") or compute_sha256(os.path.join(folder, name)) != name
                ]
        if not found:
            checked = self._run_restic(["check", "--quiet", "--no-lock"])
            if checked.rc != 0:
                found.append(self._hide_secrets(checked.last_lines(3)))
        if not found:
            expected = {str(layer.about["snapshot"]) for layer in layers if "snapshot" in layer.about}
            there = self._list_snapshots(directory)
            found += [
                "snapshot %s is gone" % name
                for name in sorted(expected)
                if not any(known.startswith(name) for known in there)
            ]
            # That of the manifest is one more.
            found += ["the snapshot of its manifest is gone"] if not found and len(there) <= len(expected) else []
        return found

    def read_layer(self, _directory: str, layer: Layer, name: str, make: Optional[EntryMaker] = None) -> None:
        """Prove the snapshot of *layer*, which is called *name*, and give its entries to *make*. Raises Damaged, StreamError, OSError."""
        words = ["restic", "dump", "--no-lock", str(layer.about["snapshot"]), "/" + name + STREAM_SUFFIX]
        try:
            with open_program_output(words, self._make_environment()) as stream:
                prove_entries(stream, layer.entries, make)
        except (DamagedArchiveError, StreamError) as error:
            raise type(error)(self._hide_secrets(str(error)))

    def finish_backup(self, directory: str) -> None:
        """Keep the manifest and the runbook of the backup in *directory* in the repository, too, for when the host is lost. Raises ResticError, OSError."""
        stream = self._manifests.pop(directory, None) or self._open_stream(directory, MANIFEST_TAG)
        try:
            with contextlib.suppress(BrokenPipeError), os.fdopen(os.dup(stream.into), "wb") as into, tarfile.open(
                fileobj=into, mode="w|"
            ) as packed:
                for name in sorted(os.listdir(directory)):
                    packed.add(os.path.join(directory, name), name)
        except BaseException:
            stream.kill()
            raise
        self._check_result(["backup"], stream.wait_result())

    def _list_snapshots(self, directory: str) -> List[str]:
        """The identifiers of all snapshots of the backup in *directory*. Raises ResticError."""
        words = ["snapshots", "--json", "--quiet", "--no-lock", "--tag", make_backup_tag(directory)]
        listed = self._run_restic(words)
        if self._is_absent(listed):
            return []
        return [row["id"] for row in json.loads(self._check_result(words, listed).stdout) or []]

    def forget_backup(self, directory: str) -> None:
        """Give all snapshots of the backup in *directory* up, and the space that only they need. Raises ResticError."""
        self._drop_manifest(directory)
        snapshots = self._list_snapshots(directory)
        if snapshots:
            self._run_checked(["forget", "--quiet", "--prune"] + snapshots)
