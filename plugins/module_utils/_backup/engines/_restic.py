# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine for fleets: a repository of restic 0.14 or later, with a snapshot for each layer.

A snapshot holds the stream that an archive would hold; restic deduplicates and encrypts it.
"""

import contextlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from typing import IO, Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._engine import BackupEngine, EngineError
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._collect import Collector
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._extract import (
    DamagedArchiveError,
    EntryMaker,
    prove_entries,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._manifest import Layer
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._stream import (
    StreamError,
    open_program_output,
    widen_pipe,
    write_all,
    write_in_thread,
)
from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_text
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    build_process_environment,
    get_current_identity,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    CommandResult,
    join_command,
    run_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import compute_sha256

RESTIC_TIMEOUT = 6 * 3600.0
# restic cuts the stream where its content says, so equal parts are kept once.
STREAM_SUFFIX = ".tar"
MANIFEST_TAG = "manifest"
IDENTIFIER_LENGTH = len("20260101T000000Z-00000000")
# restic's design.rst, "Repository Format": files of these directories are named by the SHA-256 of their content.
NAMED_BY_CONTENT = ("data", "index", "keys", "snapshots")
AT_TOP = ("config", "locks")
# A missing repository: the exit status since restic 0.17, and the text of older releases.
ABSENT_EXIT_CODE = 10
ABSENT_TEXT = ("Is there a repository at the following location", "does not exist")
CHECK_SECTION = """
The content is in a repository of restic. Set `RESTIC_REPOSITORY`, and `RESTIC_PASSWORD` or `RESTIC_PASSWORD_FILE`.
First prove that nothing is damaged:

```sh
restic check --read-data
```
"""


def make_backup_tag(directory: str) -> str:
    """The tag of the snapshots of the backup in *directory*: application and identifier, whatever its prefix."""
    return "%s/%s" % (os.path.basename(os.path.dirname(directory)), os.path.basename(directory)[-IDENTIFIER_LENGTH:])


class _RepositoryAbsentError(CollectionError):
    """The repository does not exist yet."""


class ResticError(EngineError):
    """A repository that cannot be used, or a command of restic that failed; the text has no secrets."""


def _pack_directory(directory: str, handle: int) -> None:
    """Write the files of *directory* to the open file *handle* as a tar archive. Raises OSError."""
    with os.fdopen(os.dup(handle), "wb") as into, tarfile.open(fileobj=into, mode="w|") as packed:
        for name in sorted(os.listdir(directory)):
            packed.add(os.path.join(directory, name), name)


def _open_scratch() -> IO[bytes]:
    return tempfile.TemporaryFile()


class _SnapshotStream:
    """A `restic backup` that keeps its standard input as one file of a snapshot."""

    def __init__(self, words: List[str], environment: Dict[str, str]) -> None:
        self.words = ["restic", "backup", "--json", "--quiet"] + words
        # Its output may exceed the memory, and is not read while it works.
        self._output = [_open_scratch(), _open_scratch()]
        # AnsibleModule.run_command would need all of the input in memory.
        self._working = subprocess.Popen(  # pylint: disable=ansible-bad-function
            self.words,
            stdin=subprocess.PIPE,
            stdout=self._output[0],
            stderr=self._output[1],
            env=environment,
        )
        self.into = self._working.stdin.fileno() if self._working.stdin else -1
        widen_pipe(self.into)

    def wait_result(self) -> CommandResult:
        """Close its standard input, and wait for its result."""
        if self._working.stdin:
            self._working.stdin.close()
        rc = self._working.wait()
        texts = []
        for stream in self._output:
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
            stream.close()
        return CommandResult(self.words, rc, texts[0], texts[1])

    def kill(self) -> None:
        """Stop it before it has made a snapshot."""
        self._working.kill()
        self.wait_result()


def _find_snapshot(done: CommandResult) -> str:
    """The identifier of the snapshot that `restic backup` made. Raises ResticError."""
    for line in reversed(done.stdout.splitlines()):
        row = json.loads(line)
        if row.get("message_type") == "summary":
            return str(row["snapshot_id"])
    raise ResticError("restic did not report the snapshot that it made: %s" % done.last_lines(3))


class ResticEngine(BackupEngine):
    """Keeps layers in the repository at *location*, opened with *password* or the file with it.

    *variables* are further variables of restic's process environment, such as keys of S3.
    """

    name = "restic"
    arguments = {
        "repository": {"type": "str", "no_log": True},
        "repository_password": {"type": "str", "no_log": True},
        "repository_password_file": {"type": "path", "no_log": False},
        "repository_environment": {"type": "dict", "no_log": True, "default": {}},
    }
    summary = """\
- V(restic) makes a snapshot for each layer in O(repository), deduplicated and encrypted. The host needs restic 0.14 or
  later.
"""
    documentation = """\
repository:
  description: Repository of restic, in the form of E(RESTIC_REPOSITORY).
  type: str
repository_password:
  description: Password of the repository.
  type: str
repository_password_file:
  description: File on the host with the password of the repository.
  type: path
repository_environment:
  description: Further environment variables of restic, such as E(AWS_SECRET_ACCESS_KEY).
  type: dict
  default: {}
"""
    version_command = ["restic", "version"]

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
        # By directory, the process that will keep the manifest of the backup that is being made there. For so small a
        # snapshot, restic spends most of the time deriving a key from the password; it does so while a layer is read.
        self._manifests: Dict[str, _SnapshotStream] = {}

    @classmethod
    def from_options(cls, given: Dict[str, Any]) -> "ResticEngine":
        """The engine with its repository, which may be missing where it is not used."""
        variables = sorted((str(name), str(value)) for name, value in given["repository_environment"].items())
        return cls(
            given["repository"] or "", given["repository_password"], given["repository_password_file"], tuple(variables)
        )

    def check_options(self, what: str) -> None:
        """Require a repository and its password."""
        if not self.location or not (self.password or self.password_file):
            raise EngineError(
                "%s needs a repository and its password; set oxzep7_backup_repository, and "
                "oxzep7_backup_repository_password or oxzep7_backup_repository_password_file" % what
            )

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
        secrets = [value for _name, value in self.variables] + [self.password or ""]
        # The location of a repository can have credentials.
        secrets.append(self.location if "@" in self.location else "")
        return redact_text(text, secrets)

    @staticmethod
    def _is_absent(done: CommandResult) -> bool:
        return done.rc == ABSENT_EXIT_CODE or any(text in done.stderr for text in ABSENT_TEXT)

    def store_layer(
        self,
        directory: str,
        name: str,
        path: str,
        paths: Optional[Sequence[str]],
        before: Optional[Tuple[str, Layer]] = None,
    ) -> Layer:
        """Make a snapshot; the repository is made if it does not exist."""
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
            # Its messages say why it ended.
            pass
        except BaseException:
            stream.kill()
            raise
        done = stream.wait_result()
        if done.rc != 0 and self._is_absent(done):
            raise _RepositoryAbsentError
        self._check_result(["backup"], done)
        snapshot = _find_snapshot(done)
        problems = collector.problems
        return Layer(
            path, "", self.name, "", 0, "", entries, problems.unstable, problems.skipped, {"snapshot": snapshot}
        )

    def _drop_manifest(self, directory: str) -> None:
        """Stop the process that would have kept the manifest of the backup in *directory*."""
        waiting = self._manifests.pop(directory, None)
        if waiting is not None:
            waiting.kill()

    def find_damage(self, directory: str, layers: Sequence[Layer]) -> List[str]:
        """Damaged files of a repository on this host, what restic finds, and missing snapshots."""
        found = self._find_damaged_files() if os.path.isdir(self.location) else []
        if not found:
            checked = self._run_restic(["check", "--quiet", "--no-lock"])
            if checked.rc != 0:
                found.append(self._hide_secrets(checked.last_lines(3)))
        return found or self._find_missing_snapshots(directory, layers)

    def _find_damaged_files(self) -> List[str]:
        """Files of a local repository that differ from their names, or do not belong to it. Raises OSError."""
        found = []
        for name in sorted(set(os.listdir(self.location)) - set(AT_TOP + NAMED_BY_CONTENT)):
            found.append("%s does not belong to the repository" % name)
        for place in NAMED_BY_CONTENT:
            for folder, _below, names in os.walk(os.path.join(self.location, place)):
                for name in sorted(names):
                    path = os.path.join(folder, name)
                    if name.endswith("-tmp") or compute_sha256(path) != name:
                        found.append("%s is not as it was written" % path)
        return found

    def _find_missing_snapshots(self, directory: str, layers: Sequence[Layer]) -> List[str]:
        """Snapshots of the backup in *directory* that the repository lacks. Raises ResticError."""
        expected = {str(layer.about["snapshot"]) for layer in layers if "snapshot" in layer.about}
        known = self._list_snapshots(directory)
        found = []
        for name in sorted(expected):
            if not any(other.startswith(name) for other in known):
                found.append("snapshot %s is gone" % name)
        # The snapshot of the manifest is one more.
        if not found and len(known) <= len(expected):
            found.append("the snapshot of its manifest is gone")
        return found

    def read_layer(self, directory: str, layer: Layer, name: str, make: Optional[EntryMaker] = None) -> None:
        """Read the snapshot."""
        words = ["restic", "dump", "--no-lock", str(layer.about["snapshot"]), "/" + name + STREAM_SUFFIX]
        try:
            with open_program_output(words, self._make_environment()) as stream:
                prove_entries(stream, layer.entries, make)
        except (DamagedArchiveError, StreamError) as error:
            raise type(error)(self._hide_secrets(str(error)))

    def finish_backup(self, directory: str) -> None:
        """Keep the manifest and the runbook in the repository too, for the loss of the host."""
        stream = self._manifests.pop(directory, None) or self._open_stream(directory, MANIFEST_TAG)
        try:
            with contextlib.suppress(BrokenPipeError):
                _pack_directory(directory, stream.into)
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
        """Remove all snapshots of the backup, and the data that only they need."""
        self._drop_manifest(directory)
        snapshots = self._list_snapshots(directory)
        if snapshots:
            self._run_checked(["forget", "--quiet", "--prune"] + snapshots)

    def render_check(self, directory: str, layers: Dict[str, Layer]) -> str:
        """Have restic check the repository."""
        return CHECK_SECTION if any(layer.entries for layer in layers.values()) else ""

    def render_read_command(self, layer: Layer, name: str) -> str:
        """Dump the snapshot."""
        return join_command(["restic", "dump", str(layer.about["snapshot"]), "/" + name + STREAM_SUFFIX])
