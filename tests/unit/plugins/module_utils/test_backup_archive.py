# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trees that go into an archive and come back equal; archives and manifests that are damaged or hostile."""

import json
import os
import random
import shutil
import socket
import subprocess

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._backup._store import make_next_identifier
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers import _entry
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._collect import Collector
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._entry import (
    ArchiveEntry,
    ManifestError,
    check_entries,
    make_tar_header,
    parse_entry,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._extract import (
    DamagedArchiveError,
    RestoredTree,
    prove_entries,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._stream import (
    StreamError,
    open_reader,
    open_writer,
)

ENGINES = [how for how in ("gzip", "zstd") if how == "gzip" or shutil.which("zstd")]


def kept(tree, archive, how="gzip"):
    """The entries of *tree* in the new *archive*, and what was met."""
    handle = os.open(str(tree), os.O_RDONLY | os.O_DIRECTORY)
    try:
        with open_writer(str(archive), how) as sink:
            collector = Collector(sink)
            return list(collector.collect_tree(handle)), collector.problems
    finally:
        os.close(handle)


def put_back(archive, entries, target, how="gzip"):
    """Restore *archive* into the new directory *target*; returns what could not be given."""
    os.mkdir(str(target), 0o700)
    handle = os.open(str(target), os.O_RDONLY | os.O_DIRECTORY)
    try:
        tree = RestoredTree(handle, os.geteuid() == 0)
        with open_reader(str(archive), how) as stream:
            prove_entries(stream, check_entries(entries), tree.make_entry)
        tree.finish_directories()
        return tree.not_given
    finally:
        os.close(handle)


def described(root):
    """Everything of stat(2) and listxattr(2) for every path below *root*, and its content; hard links by first name."""
    found, links = {}, {}
    for folder, below, names in os.walk(os.fsencode(str(root))):
        for path in [folder] + [os.path.join(folder, name) for name in below + names]:
            state = os.lstat(path)
            relative = os.path.relpath(path, os.fsencode(str(root)))
            content = os.readlink(path) if os.path.islink(path) else None
            if content is None and os.path.isfile(path):
                with open(path, "rb") as stream:
                    content = stream.read()
            attributes = {}
            for name in os.listxattr(path, follow_symlinks=False):
                attributes[name] = os.getxattr(path, name, follow_symlinks=False)
            first = links.setdefault(state.st_ino, []) if os.path.isfile(path) and state.st_nlink > 1 else None
            if first is not None:
                first.append(relative)
            found[relative] = (state.st_mode, state.st_uid, state.st_gid, state.st_mtime_ns, content, attributes)
    return found, sorted(sorted(set(group)) for group in links.values())


@pytest.fixture
def tree(tmp_path):
    """A tree with every kind of entry that is kept."""
    root = tmp_path / "tree"
    (root / "lib" / "deep" / ("long" * 30)).mkdir(parents=True)
    (root / "lib" / "deep" / ("long" * 30) / ("name" * 40)).write_text("far below\n")
    (root / "empty").mkdir(mode=0o700)
    (root / "bin").mkdir()
    (root / "bin" / "tool").write_bytes(os.urandom(3000000))
    (root / "bin" / "tool").chmod(0o755)
    (root / "bin" / "again").symlink_to("tool")
    (root / "bin" / "nowhere").symlink_to("/not/there/" + "x" * 120)
    os.link(str(root / "bin" / "tool"), str(root / "lib" / "same"))
    os.mkfifo(str(root / "pipe"), 0o620)
    (root / "nothing").touch()
    with open(os.path.join(os.fsencode(str(root)), b"not \xff utf-8"), "wb") as stream:
        stream.write(b"x" * 512)
    (root / "bin" / "set").write_text("x")
    (root / "bin" / "set").chmod(0o2755)
    try:
        os.setxattr(str(root / "nothing"), "user.note", b"\x00\xffbinary=\n")
        os.setxattr(str(root / "empty"), "user.note", b"of a directory")
    except OSError:
        pass
    for number, name in enumerate(["nothing", "bin/tool", "pipe", "empty", "lib/deep", "bin", "lib", "."]):
        os.utime(str(root / name), ns=(0, 1600000000123456789 + number if name != "nothing" else -1500000000))
    os.utime(str(root / "bin" / "again"), ns=(0, 999999999), follow_symlinks=False)
    return root


@pytest.mark.parametrize("how", ENGINES)
def test_a_tree_comes_back_equal(tree, tmp_path, how):
    entries, met = kept(tree, tmp_path / "archive", how)
    assert met.skipped == {} and met.unstable == []
    again = [parse_entry(json.loads(json.dumps(entry.to_row()))) for entry in entries]
    assert again == entries
    assert put_back(tmp_path / "archive", again, tmp_path / "back", how) == {}
    assert described(tmp_path / "back") == described(tree)


@pytest.mark.parametrize("how", ENGINES)
def test_tar_gives_the_same_tree_back(tree, tmp_path, how):
    kept(tree, tmp_path / "archive", how)
    (tmp_path / "back").mkdir()
    program = {"gzip": "gzip", "zstd": "zstd"}[how]
    subprocess.check_call(
        "%s -dcq <%s | tar -C %s --xattrs --xattrs-include='*' --numeric-owner -xpf -"
        % (program, tmp_path / "archive", tmp_path / "back"),
        shell=True,
    )
    assert described(tmp_path / "back") == described(tree)


def test_what_is_no_file_is_named(tree, tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        where = os.getcwd()
        os.chdir(str(tree))
        try:
            listening.bind("talk")
        finally:
            os.chdir(where)
        _entries, met = kept(tree, tmp_path / "archive")
    assert met.skipped == {"talk": "a socket"}


def test_a_file_that_changes_while_it_is_read_is_read_again(tree, tmp_path):
    class Busy(Collector):
        """Somebody writes into the file, so many times, while it is read."""

        changes = 1

        def _copy_content(self, handle, entry):
            digest = Collector._copy_content(self, handle, entry)
            if entry.path == "nothing" and self.changes:
                self.changes -= 1
                with open(str(tree / "nothing"), "a") as stream:
                    stream.write("more\n")
            return digest

    def collected(archive, changes):
        handle = os.open(str(tree), os.O_RDONLY)
        with open_writer(str(archive), "gzip") as sink:
            busy = Busy(sink)
            busy.changes = changes
            entries = list(busy.collect_tree(handle))
        os.close(handle)
        return entries, busy.problems

    entries, met = collected(tmp_path / "one", 1)
    assert [entry.superseded for entry in entries if entry.path == "nothing"] == [True, False] and met.unstable == []
    put_back(tmp_path / "one", entries, tmp_path / "back")
    assert (tmp_path / "back" / "nothing").read_text() == "more\n"
    entries, met = collected(tmp_path / "two", 100)
    assert met.unstable == ["nothing"] and [entry.superseded for entry in entries if entry.path == "nothing"] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("how", ENGINES)
def test_damage_is_always_found(tree, tmp_path, how):
    (tree / "bin" / "tool").write_bytes(b"some content of a program" * 40)
    entries, _met = kept(tree, tmp_path / "archive", how)
    whole = (tmp_path / "archive").read_bytes()
    chance = random.Random(20261122)
    for number in range(250):
        data = bytearray(whole)
        if number % 5 == 4:
            del data[chance.randrange(len(data)) :]
        elif number % 5 == 3:
            data += bytes([chance.randrange(256)])
        else:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        (tmp_path / "archive").write_bytes(bytes(data))
        try:
            with open_reader(str(tmp_path / "archive"), how) as stream:
                prove_entries(stream, entries)
        except (DamagedArchiveError, StreamError):
            continue
        # A flipped bit that the compression ignores, such as a time in gzip's own header, changes no restored content;
        # the digest of the archive in the manifest finds it.
        assert number % 5 < 3 and len(data) == len(whole)


TOP = ArchiveEntry("", _entry.DIRECTORY, 0o755, 1000, 1000, 0)
DIGEST = "0" * 64


def file(path, **changes):
    return ArchiveEntry(path, _entry.FILE, 0o644, 1000, 1000, 0, 1, DIGEST)._replace(**changes)


@pytest.mark.parametrize(
    "entries, expected",
    [
        ([], None),
        ([TOP], None),
        ([TOP, file("a")], None),
        ([TOP, file("../a")], "not a path inside"),
        ([TOP, file("/etc/passwd")], "not a path inside"),
        ([TOP, file("a/../../b")], "not a path inside"),
        ([TOP, file("./a")], "not a path inside"),
        ([TOP, file("a//b")], "not a path inside"),
        ([TOP, file("a/")], "not a path inside"),
        ([file("a")], "must come first and once"),
        ([TOP, TOP], "must come first and once"),
        ([TOP._replace(kind=_entry.FIFO)], "a directory that"),
        ([TOP, file("a/b")], "the directory of it does not precede it"),
        ([TOP, file("a"), file("a/b")], "the directory of it does not precede it"),
        (
            [TOP, ArchiveEntry("a", _entry.SYMLINK, 0o777, 0, 0, 0, target="/etc"), file("a/passwd")],
            "the directory of it does not precede it",
        ),
        ([TOP, ArchiveEntry("a", _entry.SYMLINK, 0o777, 0, 0, 0, target="/etc/passwd"), file("a")], "is listed twice"),
        ([TOP, file("a"), file("a")], "is listed twice"),
        ([TOP, ArchiveEntry("a", _entry.HARD_LINK, 0o644, 0, 0, 0, target="/etc/shadow")], "is not a file before"),
        (
            [TOP, ArchiveEntry("a", _entry.HARD_LINK, 0o644, 0, 0, 0, target="b"), file("b")],
            "is not a file before",
        ),
        (
            [
                TOP,
                ArchiveEntry("a", _entry.SYMLINK, 0o777, 0, 0, 0, target="/etc/shadow"),
                ArchiveEntry("b", _entry.HARD_LINK, 0o644, 0, 0, 0, target="a"),
            ],
            "is not a file before",
        ),
        (
            [TOP, file("a", superseded=True), ArchiveEntry("b", _entry.HARD_LINK, 0o644, 0, 0, 0, target="a")],
            "is not a file before",
        ),
        ([TOP, file("a", uid=0, mode=0o4755)], None),
    ],
)
def test_a_manifest_that_leads_outside_is_refused(entries, expected):
    if expected is None:
        assert check_entries(entries) == entries
    else:
        with pytest.raises(ManifestError, match=expected):
            check_entries(entries)


ROW = file("a").to_row()


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        "a",
        {**ROW, "type": "device"},
        {**ROW, "type": "socket"},
        {**ROW, "type": ["file"]},
        {**ROW, "path": None},
        {**ROW, "path": "a\0b"},
        {**ROW, "mode": 420},
        {**ROW, "mode": "99999"},
        {**ROW, "mode": "0x44"},
        {**ROW, "uid": -1},
        {**ROW, "uid": True},
        {**ROW, "gid": "root"},
        {**ROW, "size": -1},
        {**ROW, "size": 1.5},
        {**ROW, "mtime": None},
        {**ROW, "sha256": "ab"},
        {**ROW, "sha256": "g" * 64},
        {**ROW, "xattrs": ["x"]},
        {**ROW, "xattrs": {"user.a": "no base64!"}},
        {**ROW, "device": 1},
        {**ROW, "target": "b"},
        {**ROW, "superseded": "yes"},
        {},
    ],
)
def test_a_row_that_nobody_writes_is_refused(row):
    with pytest.raises(ManifestError):
        parse_entry(row)


def test_nothing_in_an_archive_is_believed(tree, tmp_path):
    """An archive that is whole in itself, but not the manifest's, writes nothing that the manifest does not say."""
    entries, _met = kept(tree, tmp_path / "archive")
    other = [entry if entry.path != "nothing" else entry._replace(path="nothinG") for entry in entries]
    with pytest.raises(DamagedArchiveError, match="nothinG differs from the manifest"):
        put_back(tmp_path / "archive", other, tmp_path / "back")
    with pytest.raises(DamagedArchiveError, match="something follows its last entry"):
        put_back(tmp_path / "archive", entries[:-1], tmp_path / "less")
    with pytest.raises(DamagedArchiveError):
        put_back(tmp_path / "archive", entries + [entries[-1]._replace(path="more")], tmp_path / "more")


def test_headers_are_what_tar_writes():
    made = make_tar_header(ArchiveEntry("a", _entry.FILE, 0o644, 5, 6, 7 * 10**9, 3, DIGEST))
    assert len(made) == 512 and made[:4] == b"./a\0" and made[257:265] == b"ustar\00000"
    assert len(make_tar_header(file("a", mtime=1))) == 512 * 3 and b"27 mtime=0.000000001\n" not in make_tar_header(
        file("a", mtime=1)
    )
    assert b"21 mtime=0.000000001\n" in make_tar_header(
        file("a", mtime=1)
    ) and b"mtime=-1.500000000\n" in make_tar_header(file("a", mtime=-1500000000))


@pytest.mark.parametrize(
    "owner, entry, strange",
    [
        (5, file("a", uid=0, mode=0o4755), True),
        (5, file("a", gid=0, mode=0o2755), True),
        (5, file("a", uid=0, gid=5, mode=0o2755), False),
        (5, file("a", uid=5, mode=0o4755), False),
        (0, file("a", uid=0, mode=0o4755), False),
        (5, file("a", uid=0, mode=0o755), False),
    ],
)
def test_what_would_run_as_root_in_a_tree_of_somebody_else_is_named(owner, entry, strange):
    assert _entry.find_setid_files([TOP._replace(uid=owner), entry]) == (["a"] if strange else [])


@pytest.mark.parametrize(
    "known, moment, expected",
    [
        ([], 0, "19700101T000000Z-00000000"),
        ([], 1700000000.5, "20231114T221320Z-1dcd6500"),
        (["20231114T221320Z-00000001"], 1700000000.5, "20231114T221320Z-1dcd6500"),
        (["20231114T221320Z-1dcd6500", "20200101T000000Z-00000000"], 1700000000.5, "20231114T221320Z-1dcd6501"),
        (["20261122T000000Z-0000ffff"], 1700000000.5, "20261122T000000Z-00010000"),
    ],
)
def test_a_newer_backup_is_called_later(known, moment, expected):
    assert make_next_identifier(known, moment) == expected
