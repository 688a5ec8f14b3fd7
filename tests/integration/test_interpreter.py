# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""interpreter: check, do, do again, check again; and everything that it must refuse."""

from __future__ import annotations

import base64
import functools
import gzip
import http.server
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import threading

import pytest

from tests.fleet import archives
from tests.integration.conftest import write_tar


@pytest.fixture(scope="module")
def archive():
    packed = next((path for minor in ("3.9", "3.10", "3.11") if (path := archives.pack_interpreter(minor))), None)
    if packed is None:
        pytest.skip("no interpreter on this machine can be packed into an archive")
    return packed


@pytest.fixture(scope="module")
def server(archive):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(archive.parent))
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_address[1]}"
    running.shutdown()
    running.server_close()


def minor_of(archive):
    return ".".join(archive.name.split("-")[1].split(".")[:2])


def test_archive_from_a_url(module, archive, server, tmp_path):
    target = tmp_path / "interpreters"
    results = module.run_four_times(
        "interpreter",
        source="archive",
        version=minor_of(archive),
        url=f"{server}/{archive.name}",
        sha256=archives.hash_archive(archive),
        directory=str(target),
    )
    version = archive.name.split("-")[1]
    assert results[1]["version"] == results[2]["version"] == version
    assert results[1]["path"] == str(target / version / "bin" / f"python{minor_of(archive)}")
    assert results[1]["diff"]["after"] == {str(target / minor_of(archive)): f"{server}/{archive.name}"}
    assert sorted(os.listdir(target)) == [".lock", version]


def test_one_that_was_seen_is_not_asked_for_again_unless_it_must_be_signed(module, tmp_path):
    seen = {
        "source": "archive",
        "wanted": "3.9",
        "version": "3.9.18",
        "path": "/opt/x/bin/python3.9",
        "prefix": "/opt/x",
    }
    asked = {
        "source": "archive",
        "version": "3.9",
        "url": "http://127.0.0.1:1/x.tar.gz",
        "sha256": "0" * 64,
        "directory": str(tmp_path / "none"),
    }
    for check in (True, False):
        answer = module("interpreter", check=check, **asked, known=[seen])
        assert not answer["changed"] and [answer[key] for key in ("version", "path", "prefix")] == [
            "3.9.18",
            "/opt/x/bin/python3.9",
            "/opt/x",
        ]
    signed = module(
        "interpreter",
        **asked,
        known=[seen],
        signature=str(tmp_path / "sig"),
        key=str(tmp_path / "key"),
        cache_dir=str(tmp_path / "cache"),
    )
    assert signed["failed"] and not (tmp_path / "none").exists()
    assert "cannot be fetched" in module("interpreter", **asked, known=[{**seen, "wanted": "3.10"}])["msg"]


def test_a_checksum_may_be_in_a_file_of_its_own(module, archive, server, tmp_path):
    target = str(tmp_path / "interpreters")
    common = {"source": "archive", "version": minor_of(archive), "directory": target}
    detached = archive.name + ".sha256"
    results = module.run_four_times(
        "interpreter", url=f"{server}/{archive.name}", sha256=f"{server}/{detached}", **common
    )
    assert results[3]["version"] == archive.name.split("-")[1]
    again = module("interpreter", path=str(archive), sha256=str(archive.parent / detached), **common)
    assert not again["changed"] and again["installed"]
    for wrong, expected in (
        (f"{server}/none", "the checksum"),
        (str(tmp_path / "none"), "No such file"),
        (str(archive), "cannot be read"),
    ):
        assert expected in module.expect_failure("interpreter", path=str(archive), sha256=wrong, **common)
    other = tmp_path / "SHA256SUMS"
    other.write_text("0" * 64 + "  other.tar.gz\n" + "1" * 64 + "  another.tar.gz\n")
    assert f"has no SHA-256 for {archive.name}" in module.expect_failure(
        "interpreter", path=str(archive), sha256=str(other), **common
    )


def test_an_archive_of_zstd_is_read_where_the_host_can(module, archive, tmp_path):
    if not shutil.which("zstd"):
        pytest.skip("this machine has no zstd")
    packed = tmp_path / "python.tar.zst"
    with (
        gzip.open(archive) as plain,
        subprocess.Popen(["zstd", "-1qc"], stdin=subprocess.PIPE, stdout=packed.open("wb")) as working,
    ):
        shutil.copyfileobj(plain, working.stdin)
        working.stdin.close()
    options = {
        "source": "archive",
        "version": minor_of(archive),
        "path": str(packed),
        "directory": str(tmp_path / "interpreters"),
    }
    module.run_four_times("interpreter", sha256=archives.hash_archive(packed), **options)
    broken = tmp_path / "broken.tar.zst"
    broken.write_bytes(packed.read_bytes()[:-1000])
    message = module(
        "interpreter",
        **{
            **options,
            "path": str(broken),
            "sha256": archives.hash_archive(broken),
            "directory": str(tmp_path / "other"),
        },
    )["msg"]
    assert "was refused" in message and not [name for name in os.listdir(tmp_path / "other") if name != ".lock"]


def test_archive_on_the_controller(module, archive, tmp_path):
    results = module.run_four_times(
        "interpreter",
        source="archive",
        version=minor_of(archive),
        path=str(archive),
        sha256=archives.hash_archive(archive),
        directory=str(tmp_path / "interpreters"),
    )
    assert results[3]["installed"] and results[3]["version"] == archive.name.split("-")[1]


def test_existing_is_checked_and_never_changed(module, interpreters):
    minor, path = interpreters[0]
    result = module("interpreter", source="existing", version=minor, path=path)
    assert not result["changed"] and result["version"].startswith(minor + ".") and result["path"] == path


def test_existing_of_another_version_is_refused(module, interpreters):
    message = module.expect_failure("interpreter", source="existing", version="3.4", path=interpreters[0][1])
    assert "is Python 3." in message and "not 3.4" in message


def test_existing_that_is_no_program(module, tmp_path):
    assert "is not an executable file" in module.expect_failure(
        "interpreter", source="existing", version="3.9", path=str(tmp_path)
    )


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"sha256": "0" * 64}, "but 0000"),
        ({"url": "http://127.0.0.1:9/none.tar.gz"}, "cannot be fetched"),
        ({"missing": True}, "answered 404"),
        ({"version": "3.4"}, "not 3.4"),
    ],
)
def test_bad_archives_are_refused_and_leave_nothing(module, archive, server, tmp_path, options, expected):
    arguments = {
        "source": "archive",
        "version": minor_of(archive),
        "url": f"{server}/{archive.name}",
        "sha256": archives.hash_archive(archive),
        "directory": str(tmp_path / "interpreters"),
        **options,
    }
    if arguments.pop("missing", False):
        arguments["url"] += ".missing"
    result = module("interpreter", **arguments)
    assert result["failed"] and expected in result["msg"], result["msg"]
    assert os.listdir(tmp_path / "interpreters") == [".lock"]


def test_a_full_archive_has_its_tree_in_an_install_directory(module, archive, tmp_path):
    tree = tmp_path / "full" / "python"
    tree.mkdir(parents=True)
    (tree / "build").mkdir()
    subprocess.run(["tar", "-xzf", archive, "-C", tree], check=True)
    (next(path for path in tree.iterdir() if path.name != "build")).rename(tree / "install")
    packed = tmp_path / "full.tar.gz"
    subprocess.run(["tar", "-czf", packed, "-C", tmp_path / "full", "python"], check=True)
    result = module(
        "interpreter",
        source="archive",
        version=minor_of(archive),
        path=str(packed),
        sha256=archives.hash_archive(packed),
        directory=str(tmp_path / "interpreters"),
    )
    assert not result.get("failed") and result["path"].endswith(
        f"/interpreters/{archive.name.split('-')[1]}/bin/python{minor_of(archive)}"
    ), result


def link(target):
    info = tarfile.TarInfo("python/bin/python3.9")
    info.type = tarfile.SYMTYPE
    info.linkname = target
    return info


@pytest.mark.parametrize(
    "members, expected",
    [
        ([("../outside", b"x")], "leads outside"),
        ([(link("/usr/bin/python3"), b"")], "outside the archive"),
        ([("readme", b"x")], "holds no bin/python3"),
        ([("python/bin/python3.9", b"#!/bin/sh\nexit 1\n")], "does not run on this host"),
    ],
)
def test_archives_that_are_not_what_they_should_be(module, tmp_path, members, expected):
    digest = write_tar(tmp_path / "archive.tar.gz", members)
    result = module(
        "interpreter",
        source="archive",
        version="3.9",
        url=f"file://{tmp_path}/archive.tar.gz",
        sha256=digest,
        directory=str(tmp_path / "interpreters"),
    )
    assert result["failed"] and expected in result["msg"], result["msg"]
    assert os.listdir(tmp_path / "interpreters") == [".lock"] and not (tmp_path / "outside").exists()


def test_an_archive_path_that_does_not_exist(module, tmp_path):
    message = module.expect_failure(
        "interpreter",
        source="archive",
        version="3.9",
        path=str(tmp_path / "none"),
        sha256="0" * 64,
        directory=str(tmp_path / "i"),
    )
    assert "does not exist on the controller" in message


@pytest.fixture
def managed(archive, tmp_path):
    """A list of archives in uv's own format that has one, and its version."""
    version = archive.name.split("-")[1]
    major, minor, patch = map(int, version.split("."))
    listed = tmp_path / "downloads.json"
    listed.write_text(
        json.dumps(
            {
                f"cpython-{version}-linux-{os.uname().machine}-gnu": {
                    "name": "cpython",
                    "arch": {"family": os.uname().machine, "variant": None},
                    "os": "linux",
                    "libc": "gnu",
                    "major": major,
                    "minor": minor,
                    "patch": patch,
                    "prerelease": "",
                    "url": f"file://{archive}",
                    "sha256": archives.hash_archive(archive),
                    "variant": None,
                    "build": "20260101",
                }
            }
        )
    )
    return listed


def test_a_managed_python_of_uv(module, archive, managed, tmp_path):
    target = tmp_path / "interpreters"
    results = module.run_four_times(
        "interpreter",
        source="uv",
        version=minor_of(archive),
        downloads=str(managed),
        offline=True,
        directory=str(target),
        cache_dir=str(tmp_path / "cache"),
    )
    version = archive.name.split("-")[1]
    assert results[2]["version"] == version and results[2]["path"] == str(
        target / version / "bin" / f"python{minor_of(archive)}"
    )
    assert json.loads((target / version / ".oxzep7.json").read_text())["sha256"] == archives.hash_archive(archive)


def test_what_uv_does_not_have_or_cannot_verify_is_refused(module, archive, managed, tmp_path):
    common = {"source": "uv", "downloads": str(managed), "offline": True, "directory": str(tmp_path / "interpreters")}
    message = module.expect_failure("interpreter", version="3.4", cache_dir=str(tmp_path / "cache"), **common)
    assert "uv knows no Python 3.4" in message and "update uv" in message
    text = managed.read_text()
    managed.write_text(text.replace(archives.hash_archive(archive), "0" * 64))
    message = module.expect_failure(
        "interpreter", version=minor_of(archive), cache_dir=str(tmp_path / "other"), **common
    )
    assert "uv python install ended with" in message and "ash" in message
    assert not (tmp_path / "interpreters").exists()


def signed(program, archive, folder):
    """Path of a new public key, and of a signature of *archive* by it, made by *program*."""
    key, signature = folder / f"{program}.pub", folder / f"{program}.sig"
    folder.mkdir(exist_ok=True)
    if program == "gpg":
        # gpg's socket needs a short path.
        with tempfile.TemporaryDirectory() as home:
            common = ["gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
            subprocess.run(
                [*common, "--quick-generate-key", "builder@example.org", "ed25519", "sign"],
                check=True,
                capture_output=True,
            )
            key.write_bytes(subprocess.run([*common, "--armor", "--export"], check=True, capture_output=True).stdout)
            subprocess.run([*common, "--output", signature, "--detach-sign", archive], check=True, capture_output=True)
    elif program == "minisign":
        subprocess.run(["minisign", "-G", "-W", "-p", key, "-s", folder / "secret"], check=True, capture_output=True)
        subprocess.run(
            ["minisign", "-S", "-s", folder / "secret", "-m", archive, "-x", signature],
            check=True,
            capture_output=True,
            input=b"\n",
        )
    else:
        subprocess.run(
            ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / "secret.pem"],
            check=True,
            capture_output=True,
        )
        subprocess.run(
            ["openssl", "ec", "-in", folder / "secret.pem", "-pubout", "-out", key], check=True, capture_output=True
        )
        raw = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", folder / "secret.pem", archive], check=True, capture_output=True
        ).stdout
        signature.write_bytes(base64.b64encode(raw))
    return key, signature


@pytest.mark.parametrize("program", ["gpg", "minisign", "openssl"])
def test_a_signed_archive(module, archive, server, tmp_path, program):
    if not shutil.which(program):
        pytest.skip(f"this machine has no {program}")
    key, signature = signed(program, archive, tmp_path / "own")
    common = {
        "source": "archive",
        "version": minor_of(archive),
        "sha256": archives.hash_archive(archive),
        "cache_dir": str(tmp_path / "cache"),
    }
    module.run_four_times(
        "interpreter",
        url=f"{server}/{archive.name}",
        signature=str(signature),
        key=str(key),
        directory=str(tmp_path / "one"),
        **common,
    )
    assert module(
        "interpreter",
        path=str(archive),
        signature=str(signature),
        key=str(key),
        directory=str(tmp_path / "two"),
        **common,
    )["installed"]
    other, _signature = signed(program, archive, tmp_path / "other")
    for place in ({"url": f"{server}/{archive.name}"}, {"path": str(archive)}):
        message = module.expect_failure(
            "interpreter",
            signature=str(signature),
            key=str(other),
            directory=str(tmp_path / "three"),
            **place,
            **common,
        )
        assert "is not one by" in message and "it was not used" in message
    assert not (tmp_path / "three").exists()


def test_a_signature_needs_its_key(module, archive, tmp_path):
    common = {
        "source": "archive",
        "version": minor_of(archive),
        "sha256": archives.hash_archive(archive),
        "path": str(archive),
    }
    assert "give both, or neither" in module.expect_failure(
        "interpreter", signature=str(archive), directory=str(tmp_path / "i"), **common
    )
    (tmp_path / "key").write_text("nothing of a key")
    message = module.expect_failure(
        "interpreter", signature=str(archive), key=str(tmp_path / "key"), directory=str(tmp_path / "i"), **common
    )
    assert "is neither an OpenPGP public key" in message


def test_packages_that_are_there_are_not_asked_for(module, interpreters):
    minor, path = interpreters[0]
    result = module("interpreter", source="package", version=minor, path=path, packages=["no-such-package"])
    assert not result["changed"] and result["path"] == path


def test_a_mirror_of_uvs_archives_may_be_a_folder(module, archive, managed, tmp_path):
    mirror = tmp_path / "mirror" / "20260101"
    mirror.mkdir(parents=True)
    (mirror / archive.name).symlink_to(archive)
    listed = json.loads(managed.read_text())
    for row in listed.values():
        row["url"] = f"https://github.com/astral-sh/python-build-standalone/releases/download/20260101/{archive.name}"
    managed.write_text(json.dumps(listed))
    result = module(
        "interpreter",
        source="uv",
        version=minor_of(archive),
        downloads=str(managed),
        mirror=f"file://{tmp_path}/mirror",
        offline=True,
        directory=str(tmp_path / "interpreters"),
        cache_dir=str(tmp_path / "cache"),
    )
    assert not result.get("failed") and result["version"] == archive.name.split("-")[1], result
