# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine for fleets: layers in a repository of restic, deduplicated and encrypted, a snapshot each. 0.14 and later."""

import concurrent.futures
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from typing import IO, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple, cast

from ansible_collections.oxzep7.python.plugins.module_utils._backup._collect import Collector
from ansible_collections.oxzep7.python.plugins.module_utils._backup._entry import DIRECTORY, FIFO, FILE, HARD_LINK, SYMLINK, Entry
from ansible_collections.oxzep7.python.plugins.module_utils._backup._extract import Damaged, Maker, Taker
from ansible_collections.oxzep7.python.plugins.module_utils._backup._manifest import Layer
from ansible_collections.oxzep7.python.plugins.module_utils._backup._stream import StreamError
from ansible_collections.oxzep7.python.plugins.module_utils._files import sha256_of
from ansible_collections.oxzep7.python.plugins.module_utils._identity import current, environment_for
from ansible_collections.oxzep7.python.plugins.module_utils._runner import Result, run

LONG = 6 * 3600.0
CHUNK = 1 << 20
IDENTIFIER_LENGTH = len("20260101T000000Z-00000000")
# restic's design.rst, "Repository Format": in these directories files are called by the SHA-256 of their content.
NAMED_BY_CONTENT = ("data", "index", "keys", "snapshots")
AT_TOP = ("config", "locks")
# A repository that is not there (restic's exit status since 0.17; older ones say it in words).
ABSENT = 10
ABSENT_TEXT = ("Is there a repository at the following location", "does not exist")


def label_of(directory: str) -> str:
    """The tag of the snapshots of the backup in *directory*, whatever becomes of its name: application and identifier."""
    return "%s/%s" % (os.path.basename(os.path.dirname(directory)), os.path.basename(directory)[-IDENTIFIER_LENGTH:])


class ResticError(Exception):
    """A repository that cannot be used, or a command of restic that failed; without the password, and without the repository's own credentials."""


class Repository(NamedTuple):
    """Where it is, the password or the file with it, and what else restic finds in its process environment, such as keys of S3."""

    location: str
    password: Optional[str]
    password_file: Optional[str]
    variables: Tuple[Tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """What manifests call it."""
        return "restic"

    def _environment(self) -> Dict[str, str]:
        given = {"RESTIC_REPOSITORY": self.location, "RESTIC_PASSWORD": self.password, "RESTIC_PASSWORD_FILE": self.password_file,
                 "RESTIC_PROGRESS_FPS": "0.0001"}
        found = dict(environment_for(current()), **{key: value for key, value in given.items() if value})
        return dict(found, **dict(self.variables))

    def _ask(self, words: List[str], stdin: str = "") -> Result:
        return run(["restic"] + words, LONG, environment=self._environment(), stdin=stdin)

    def _must(self, words: List[str], stdin: str = "") -> Result:
        return self._well(words, self._ask(words, stdin))

    def _well(self, words: List[str], done: Result) -> Result:
        if done.rc != 0:
            raise ResticError(self._hidden("restic %s ended with %d: %s" % (words[0], done.rc, done.last_lines(3))))
        return done

    def _hidden(self, text: str) -> str:
        for secret in [self.password, self.location if "@" in self.location else ""] + [value for _name, value in self.variables]:
            if secret:
                text = text.replace(secret, "***")
        return text

    @staticmethod
    def _is_absent(done: Result) -> bool:
        return done.rc == ABSENT or any(text in done.stderr for text in ABSENT_TEXT)

    def keep(self, directory: str, name: str, path: str, paths: Optional[Sequence[str]], _before: Optional[Tuple[str, Layer]] = None) -> Layer:
        """Make a snapshot for the layer *name* of the backup in *directory*: of the tree *path*, or only of *paths*. Raises ResticError, OSError."""
        collector = Collector(None)
        words = ["backup", "--json", "--quiet", "--one-file-system", "--tag", label_of(directory), "--tag", name]
        chosen = [path] if paths is None else [item for item in paths if os.path.lexists(item)]
        if not chosen:
            return Layer(path, "", "", "", 0, "", list(collector.everything(path, paths)), [], collector.met.skipped, {})
        with tempfile.NamedTemporaryFile() as listed, concurrent.futures.ThreadPoolExecutor(max_workers=1) as beside:
            listed.write(b"".join(os.fsencode(item) + b"\0" for item in chosen))
            listed.flush()
            # restic tells no digests of files; they are taken while it works.
            reading = beside.submit(lambda: list(collector.everything(path, paths)))
            done = self._made(words + ["--files-from-raw", listed.name])
            entries = reading.result()
        snapshot = next((row["snapshot_id"] for row in map(json.loads, done.stdout.splitlines()[::-1]) if row.get("message_type") == "summary"), None)
        if snapshot is None:
            raise ResticError("restic did not say which snapshot it made: %s" % done.last_lines(3))
        # What is now as it was before restic looked is what restic has seen.
        unstable = sorted(set(collector.met.unstable) | set(_changed(path, entries)))
        return Layer(path, "", self.name, "", 0, "", entries, unstable, collector.met.skipped, {"snapshot": snapshot, "place": path})

    def _made(self, words: List[str]) -> Result:
        """The result of *words*; the repository is made first if it is not there. Raises ResticError."""
        if not shutil.which("restic"):
            raise ResticError("this host has no restic; install it, or use the archive engine")
        done = self._ask(words)
        if done.rc != 0 and self._is_absent(done):
            self._must(["init", "--quiet"])
            done = self._ask(words)
        return self._well(words, done)

    def reads(self, _layer: Layer) -> bool:
        """Whether it can be read here: with its password, always."""
        return True

    def damage(self) -> List[str]:
        """What is wrong with the repository as a whole: files that are not what their names say, where it is on this host, and what restic finds."""
        found = []
        strange = sorted(set(os.listdir(self.location)) - set(AT_TOP + NAMED_BY_CONTENT)) if os.path.isdir(self.location) else []
        found += ["%s does not belong to the repository" % name for name in strange]
        for place in NAMED_BY_CONTENT if os.path.isdir(self.location) else ():
            for folder, _below, names in os.walk(os.path.join(self.location, place)):
                found += ["%s is not as it was written" % os.path.join(folder, name) for name in sorted(names)
                          if name.endswith("-tmp") or sha256_of(os.path.join(folder, name)) != name]
        if not found:
            checked = self._ask(["check", "--quiet", "--no-lock"])
            if checked.rc != 0:
                found.append(self._hidden(checked.last_lines(3)))
        return found

    def through(self, _directory: str, layer: Layer, make: Optional[Maker] = None) -> None:
        """Prove the snapshot of *layer* against its entries, and give them to *make*, see `_extract.through`. Raises Damaged, StreamError, OSError."""
        # Its output may be larger than memory.
        with subprocess.Popen(["restic", "dump", "--no-lock", "--archive", "tar", str(layer.about["snapshot"]), str(layer.about["place"])],  # pylint: disable=ansible-bad-function
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self._environment()) as working:
            problem = None
            try:
                matched(cast("IO[bytes]", working.stdout), layer, make)
            except (tarfile.TarError, EOFError) as error:
                problem = str(error)
            except BaseException:
                working.kill()
                raise
            said = working.stderr.read().decode("utf-8", "replace").strip() if working.stderr else ""
            if working.wait() != 0 or problem:
                raise StreamError(self._hidden("restic dump ended with %d: %s" % (working.returncode, said or problem)))

    def finish(self, directory: str) -> None:
        """Keep the manifest and the runbook of the backup in *directory* in the repository, too, for when the host is lost. Raises ResticError."""
        self._must(["backup", "--quiet", "--tag", label_of(directory), "--tag", "manifest", "--", directory])

    def forget(self, directory: str) -> None:
        """Give all snapshots of the backup in *directory* up, and the space that only they need. Raises ResticError."""
        words = ["snapshots", "--json", "--quiet", "--tag", label_of(directory)]
        listed = self._ask(words)
        if self._is_absent(listed):
            return
        self._well(words, listed)
        snapshots = [row["id"] for row in json.loads(listed.stdout) or []]
        if snapshots:
            self._must(["forget", "--quiet", "--prune"] + snapshots)


def matched(stream: "IO[bytes]", layer: Layer, make: Optional[Maker]) -> None:
    """Prove that the tar archive *stream* has every entry of *layer* and no other; each is given to *make* once it is proven, and its content while it is.

    Attributes are those of the manifest. Raises Damaged, TarError, OSError.
    """
    waiting = {entry.path: entry for entry in layer.entries if not entry.superseded}
    # restic prints another name of a file as one more file, and a FIFO not at all.
    late = {entry.path: entry for entry in waiting.values() if entry.kind in (HARD_LINK, FIFO)}
    # The tree itself, and the directories on the way to chosen paths, are in no dump; the manifest knows them.
    early: Set[str] = {""}
    _made(make, waiting.pop(""))
    with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape") as archive:
        for member in archive:
            path = _below(member.name, str(layer.about["place"]))
            for above in _directories(path) if layer.about.get("paths") is not None else ():
                if above in waiting:
                    early.add(above)
                    _made(make, waiting.pop(above))
            entry = waiting.pop(path, None)
            if entry is None and not (path in early and member.isdir()):
                raise Damaged("%s is in the snapshot once more than in the manifest" % member.name)
            if path and path.rpartition("/")[0] in waiting:
                raise Damaged("%s is in the snapshot before its directory" % member.name)
            if entry is not None and path not in late:
                _one(archive, member, entry, make)
    _give_rest([entry for entry in waiting.values() if entry.path not in late], layer, make)
    for entry in late.values():
        _made(make, entry)


def _give_rest(entries: Sequence[Entry], layer: Layer, make: Optional[Maker]) -> None:
    """Give *make* those *entries* of *layer* that no snapshot of it has. Raises Damaged for any other, OSError."""
    for entry in entries:
        if entry.kind != DIRECTORY or layer.about.get("paths") is None:
            raise Damaged("%s is not in the snapshot" % (entry.path or "its beginning"))
        _made(make, entry)


def _directories(path: str) -> Iterator[str]:
    """Each directory on the way to *path*."""
    parts = path.split("/")
    for count in range(1, len(parts)):
        yield "/".join(parts[:count])


def _made(make: Optional[Maker], entry: Entry) -> None:
    """Give *entry*, which has no content, to *make*. Raises OSError."""
    if make:
        with make(entry):
            pass


def _changed(root: str, entries: Sequence[Entry]) -> Iterator[str]:
    """The files among *entries* of the tree *root* that are not now what they were when they were read."""
    for entry in entries:
        if entry.kind == FILE and not entry.superseded:
            try:
                state = os.lstat(os.path.join(root, entry.path))
            except OSError:
                yield entry.path
                continue
            if (state.st_size, state.st_mtime_ns) != (entry.size, entry.mtime):
                yield entry.path


def _below(name: str, base: str) -> str:
    """The path below *base* that the member *name* of a dumped archive has."""
    path = name.strip("/")
    top = base.strip("/")
    if top and (path == top or path.startswith(top + "/")):
        path = path[len(top):].strip("/")
    return "" if path == "." else path


def _one(archive: tarfile.TarFile, member: tarfile.TarInfo, entry: Entry, make: Optional[Maker]) -> None:
    """Prove *member* against *entry*, and give it to *make*. Raises Damaged, TarError, OSError."""
    kinds = {FILE: member.isfile(), DIRECTORY: member.isdir(), SYMLINK: member.issym()}
    if not kinds[entry.kind] or (entry.kind == FILE and member.size != entry.size) or (entry.kind == SYMLINK and member.linkname != entry.target):
        raise Damaged("%s is not what the manifest says" % (entry.path or "its beginning"))
    if entry.kind != FILE:
        _made(make, entry)
    elif make:
        with make(entry) as take:
            _content(archive.extractfile(member), entry, take)
    else:
        _content(archive.extractfile(member), entry, None)


def _content(content: Optional[IO[bytes]], entry: Entry, take: Optional[Taker]) -> None:
    digest = hashlib.sha256()
    for block in iter(lambda: content.read(CHUNK) if content else b"", b""):
        digest.update(block)
        if take:
            take(block)
    if digest.hexdigest() != entry.sha256:
        raise Damaged("the content of %s is not what the manifest says" % entry.path)
