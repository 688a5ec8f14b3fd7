# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where interpreters come from, on the controller: uv's managed ones, and signatures that say who made an archive."""

from __future__ import annotations

import base64
import contextlib
import functools
import glob
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.urls import open_url
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import compute_sha256
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import InterpreterError
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._install import resolve_digest
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import DATA, expand_path, lock_file, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

COMMAND_TIMEOUT = 900
FETCH_TIMEOUT = 60
RELEASES_PATH = "/releases/download/"
PACKAGE_NAMES_FILE = DATA / "interpreter-packages.toml"
FINAL_VERSION = re.compile(r"^\d+\.\d+\.\d+$")


class InterpreterSourceError(CollectionError):
    """An interpreter that its source cannot give; the text says which, why, and what to do."""


def _run_uv_python(uv: str, words: Sequence[str], downloads: str | None, offline: bool, **settings: str) -> str:
    """Standard output of *uv* ``python`` *words*. Raises SourceError."""
    command = [
        uv,
        "--no-config",
        *(["--offline"] if offline else []),
        "python",
        *words,
        *(["--python-downloads-json-url", downloads] if downloads else []),
    ]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT,
            check=False,
            env={**os.environ, **settings},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InterpreterSourceError(f"uv: {error}") from None
    if done.returncode:
        raise InterpreterSourceError(
            f"uv python {words[0]} ended with {done.returncode}: {done.stderr.strip()[-1000:]}"
        )
    return done.stdout


@functools.cache
def list_managed_interpreters(uv: str, architecture: str, downloads: str | None) -> tuple[Mapping[str, str], ...]:
    """What *uv* can install on hosts of *architecture* with glibc, newest first: ``version``, ``key`` and ``url``. Raises SourceError.

    *downloads* is a URL or a path of a list in uv's own format, in place of the one that uv has. No network is asked for uv's own.
    """
    rows = json.loads(
        _run_uv_python(
            uv,
            ["list", "--all-versions", "--only-downloads", "--all-platforms", "--output-format", "json"],
            downloads,
            downloads is None,
        )
    )
    return tuple(
        {"version": row["version"], "key": row["key"], "url": row["url"]}
        for row in rows
        if row["implementation"] == "cpython"
        and row["variant"] == "default"
        and row["os"] == "linux"
        and row["libc"] == "gnu"
        and row["arch"] == architecture
        and FINAL_VERSION.match(row["version"])
    )


def select_newest_interpreter(rows: Sequence[Mapping[str, str]], wanted: str) -> Mapping[str, str] | None:
    """The newest of *rows* whose version is *wanted* (``3.11``, or ``3.11.9``); None where there is none."""
    fitting = [row for row in rows if row["version"] == wanted or row["version"].startswith(wanted + ".")]
    return max(fitting, key=lambda row: [int(part) for part in row["version"].split(".")], default=None)


def fetch_managed_archive(
    cache: pathlib.Path, uv: str, version: str, architecture: str, entry: Mapping[str, Any], offline: bool = False
) -> tuple[pathlib.Path, str]:
    """The archive of uv's managed Python *version*, downloaded once and verified by uv against its own list, and its SHA-256. Raises SourceError, OSError.

    *entry* may have ``mirror`` and ``downloads``, as `oxzep7_interpreters` says.
    """
    row = select_newest_interpreter(list_managed_interpreters(uv, architecture, entry.get("downloads")), version)
    if row is None:
        raise InterpreterSourceError(
            f"uv knows no Python {version} for {architecture}; update uv on the controller, or choose another source"
        )
    asked = hashlib.sha256(json.dumps([row["url"], entry.get("mirror"), entry.get("downloads")]).encode()).hexdigest()[
        :16
    ]
    folder = cache / "interpreters"
    note = folder / f"{row['key']}-{asked}.json"
    folder.mkdir(parents=True, exist_ok=True)
    with lock_file(folder / f"{asked}.lock"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            known = json.loads(note.read_text(encoding="utf-8"))
            if compute_sha256(known["path"]) == known["sha256"]:
                return pathlib.Path(known["path"]), known["sha256"]
        path = _install_managed(folder, uv, row, entry, offline)
        digest = compute_sha256(str(path))
        write_private(note, json.dumps({"path": str(path), "sha256": digest}))
        return path, digest


def _install_managed(
    folder: pathlib.Path, uv: str, row: Mapping[str, str], entry: Mapping[str, Any], offline: bool
) -> pathlib.Path:
    """Have uv install what *row* says, because that verifies the archive; the archive itself is what a host gets."""
    kept = folder / "archives"
    # A file here needs no network, and uv neither keeps a copy of it nor reads it while it is told to keep one offline.
    local = _find_local_archive(row["url"], entry.get("mirror"))
    settings = {} if local else {"UV_PYTHON_CACHE_DIR": str(kept)}
    with tempfile.TemporaryDirectory(prefix=".uv-", dir=folder) as scratch:
        mirror = ["--mirror", str(entry["mirror"])] if entry.get("mirror") else []
        _run_uv_python(
            uv,
            ["install", "--no-bin", "--install-dir", scratch, *mirror, row["key"]],
            entry.get("downloads"),
            offline and not local,
            **settings,
        )
    if local:
        return local
    name = urllib.parse.unquote(row["url"].rpartition("/")[2])
    found = sorted(kept.glob(f"*{glob.escape(name)}"))
    if not found:
        raise InterpreterSourceError(
            f"uv installed Python {row['version']}, but did not keep its archive {name} in {kept}; update uv on the controller"
        )
    return found[0]


def _find_local_archive(url: str, mirror: str | None) -> pathlib.Path | None:
    """The path of *url*, behind *mirror*, where that is a file here; uv does not copy it."""
    if mirror and RELEASES_PATH in url:
        url = f"{mirror.rstrip('/')}/{url.partition(RELEASES_PATH)[2]}"
    parts = urllib.parse.urlsplit(url)
    return pathlib.Path(urllib.parse.unquote(parts.path)) if parts.scheme == "file" else None


def find_package_names(system: Mapping[str, Any], minor: Minor) -> list[str]:
    """The packages that give *minor* on hosts whose os-release(5) says *system* (``id``, ``version``); none where that is not known."""
    with PACKAGE_NAMES_FILE.open("rb") as stream:
        known = tomllib.load(stream)["distributions"]
    entry = known.get(str(system.get("id")), {})
    entry = known.get(entry.get("as"), entry)
    release = str(system.get("version") or "")
    patterns = entry.get(release) or entry.get(release.partition(".")[0]) or entry.get("any") or {}
    names = patterns.get(f"{minor[0]}.{minor[1]}") or patterns.get("any") or []
    return [name.format(dotted=f"{minor[0]}.{minor[1]}") for name in names]


def verify_signed_archive(cache: pathlib.Path, given: Mapping[str, Any]) -> str:
    """The SHA-256 of an archive whose ``signature`` is proven to be by ``key``; hosts take no archive that has another. Raises SourceError, OSError.

    *given* are the options of the module interpreter. What has a URL is fetched once.
    """
    if not given.get("key") or not given.get("signature"):
        raise InterpreterSourceError("a signature needs its key, and a key a signature; give both, or neither")
    origin, signature = str(given.get("url") or given.get("path")), str(given["signature"])
    try:
        digest = resolve_digest(str(given["sha256"]), origin.rpartition("/")[2])
    except InterpreterError as error:
        raise InterpreterSourceError(str(error)) from None
    folder = cache / "interpreters" / "signed"
    folder.mkdir(parents=True, exist_ok=True)
    with lock_file(folder / f"{digest}.lock"):
        path = folder / f"{digest}.archive" if given.get("url") else expand_path(origin)
        if given.get("url") and not path.exists():
            download_file(origin, path)
        if compute_sha256(str(path)) != digest:
            if given.get("url"):
                path.unlink()
            raise InterpreterSourceError(f"{origin} has another SHA-256 than {digest}; it was not used")
        beside = expand_path(signature)
        if "://" in signature:
            beside = folder / f"{digest}.signature"
            download_file(signature, beside)
        verify_signature(path, beside, expand_path(str(given["key"])))
    return digest


def download_file(url: str, target: pathlib.Path) -> None:
    """Have what *url* serves in *target*, whole or not at all. Raises SourceError, OSError."""
    incoming = target.with_name(target.name + ".incoming")
    try:
        with open_url(url, timeout=FETCH_TIMEOUT) as stream, incoming.open("wb") as kept:
            shutil.copyfileobj(stream, kept)
    except (urllib.error.URLError, ValueError) as error:
        raise InterpreterSourceError(f"{url} cannot be fetched: {error}") from None
    os.replace(incoming, target)


def verify_signature(path: pathlib.Path, signature: pathlib.Path, key: pathlib.Path) -> None:
    """Raise SourceError unless *signature* is one of the file *path*, made with *key*. Raises OSError.

    The key's own text says what it is: an OpenPGP public key (gpg), one of minisign, or a PEM one as cosign makes them, whose signatures
    are base64 (``cosign sign-blob --output-signature``).
    """
    text = key.read_text(encoding="utf-8", errors="replace")
    if "BEGIN PGP PUBLIC KEY" in text:
        _verify_with_gpg(path, signature, key)
    elif "minisign public key" in text:
        _run_verifier("minisign", ["-V", "-q", "-m", str(path), "-x", str(signature), "-p", str(key)], path, key)
    elif "BEGIN PUBLIC KEY" in text:
        with tempfile.NamedTemporaryFile(prefix="oxzep7-signature-") as raw:
            try:
                raw.write(base64.b64decode(signature.read_bytes(), validate=False))
            except ValueError:
                raise InterpreterSourceError(
                    f"{signature} is no base64; write it with cosign sign-blob --output-signature"
                ) from None
            raw.flush()
            _run_verifier(
                "openssl", ["dgst", "-sha256", "-verify", str(key), "-signature", raw.name, str(path)], path, key
            )
    else:
        raise InterpreterSourceError(
            f"{key} is neither an OpenPGP public key in text form, nor one of minisign, nor a PEM public key"
        )


def _run_verifier(program: str, words: Sequence[str], path: pathlib.Path, key: pathlib.Path, **settings: str) -> str:
    if not shutil.which(program):
        raise InterpreterSourceError(
            f"the signature of {path.name} cannot be checked: the controller has no {program}; install it"
        )
    done = subprocess.run(
        [program, *words],
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT,
        check=False,
        env={**os.environ, **settings},
    )
    if done.returncode:
        raise InterpreterSourceError(
            f"the signature of {path.name} is not one by {key}: {(done.stderr or done.stdout).strip()[-500:]}; it was not used"
        )
    return done.stdout


def _verify_with_gpg(path: pathlib.Path, signature: pathlib.Path, key: pathlib.Path) -> None:
    # gpg's socket needs a short path, and its home is private.
    with tempfile.TemporaryDirectory(prefix="oxzep7-gpg-") as home:
        common = ["--homedir", home, "--batch", "--no-tty", "--quiet", "--no-autostart"]
        _run_verifier("gpg", [*common, "--import", str(key)], path, key)
        said = _run_verifier("gpg", [*common, "--status-fd", "1", "--verify", str(signature), str(path)], path, key)
        if "[GNUPG:] VALIDSIG" not in said:
            raise InterpreterSourceError(f"the signature of {path.name} is not one by {key}; it was not used")
