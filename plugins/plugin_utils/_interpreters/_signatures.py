# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures of archives, verified on the controller."""

from __future__ import annotations

import base64
import os
import pathlib
import shutil
import subprocess
import tempfile
import urllib.error
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.urls import open_url
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import compute_sha256
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import InterpreterError
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._install import get_file_name, resolve_digest
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path, lock_file
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import InterpreterSourceError

COMMAND_TIMEOUT = 900
FETCH_TIMEOUT = 60


def verify_signed_archive(cache: pathlib.Path, given: Mapping[str, Any]) -> str:
    """The SHA-256 of an archive after its ``signature`` by ``key`` was verified; hosts refuse an archive with another.

    *given* are the options of the module interpreter. A URL is fetched once. Raises InterpreterSourceError, OSError.
    """
    if not given.get("key") or not given.get("signature"):
        raise InterpreterSourceError("`signature` and `key` belong together; give both, or neither")
    origin, signature = str(given.get("url") or given.get("path")), str(given["signature"])
    try:
        digest = resolve_digest(str(given["sha256"]), get_file_name(origin))
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
    """Download *url* to *target*, which stays as it was on failure. Raises InterpreterSourceError, OSError."""
    incoming = target.with_name(target.name + ".incoming")
    try:
        with open_url(url, timeout=FETCH_TIMEOUT) as stream, incoming.open("wb") as kept:
            shutil.copyfileobj(stream, kept)
    except (urllib.error.URLError, ValueError) as error:
        raise InterpreterSourceError(f"{url} cannot be fetched: {error}") from None
    os.replace(incoming, target)


def verify_signature(path: pathlib.Path, signature: pathlib.Path, key: pathlib.Path) -> None:
    """Verify the *signature* of the file *path* with the public *key*. Raises InterpreterSourceError, OSError.

    The text of the key shows its kind: OpenPGP (gpg), minisign, or PEM as made by cosign, whose signatures are base64
    (``cosign sign-blob --output-signature``).
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
                    f"{signature} is not base64; write it with cosign sign-blob --output-signature"
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
        reason = (done.stderr or done.stdout).strip()[-500:]
        raise InterpreterSourceError(f"the signature of {path.name} is not one by {key}: {reason}; it was not used")
    return done.stdout


def _verify_with_gpg(path: pathlib.Path, signature: pathlib.Path, key: pathlib.Path) -> None:
    # The socket of gpg needs a short path, and its home must be private.
    with tempfile.TemporaryDirectory(prefix="oxzep7-gpg-") as home:
        common = ["--homedir", home, "--batch", "--no-tty", "--quiet", "--no-autostart"]
        _run_verifier("gpg", [*common, "--import", str(key)], path, key)
        status = _run_verifier("gpg", [*common, "--status-fd", "1", "--verify", str(signature), str(path)], path, key)
        if "[GNUPG:] VALIDSIG" not in status:
            raise InterpreterSourceError(f"the signature of {path.name} is not one by {key}; it was not used")
