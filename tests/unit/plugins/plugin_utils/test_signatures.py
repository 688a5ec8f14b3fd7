# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures: of archives, which are verified, and of notifications, which can be."""

from __future__ import annotations

import hashlib
import hmac
import shutil
import subprocess

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters import _signatures
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import InterpreterSourceError
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _notifications


def run(folder, words, data=None):
    return subprocess.run(words.split(), cwd=folder, input=data, check=True, stdout=subprocess.PIPE).stdout


@pytest.fixture
def signed(tmp_path):
    """Options for an archive that was signed as cosign does it."""
    run(tmp_path, "openssl ecparam -name prime256v1 -genkey -noout -out private")
    run(tmp_path, "openssl ec -in private -pubout -out key")
    (tmp_path / "archive").write_bytes(b"archive")
    run(tmp_path, "openssl dgst -sha256 -sign private -out raw archive")
    (tmp_path / "signature").write_bytes(run(tmp_path, "openssl base64 -in raw"))
    return {
        "path": str(tmp_path / "archive"),
        "sha256": hashlib.sha256(b"archive").hexdigest(),
        "signature": str(tmp_path / "signature"),
        "key": str(tmp_path / "key"),
    }


@pytest.mark.skipif(not shutil.which("openssl"), reason="this machine has no openssl")
def test_only_what_the_key_signed_is_accepted(tmp_path, signed):
    assert _signatures.verify_signed_archive(tmp_path / "cache", signed) == signed["sha256"]
    (tmp_path / "archive").write_bytes(b"another")
    other = {**signed, "sha256": hashlib.sha256(b"another").hexdigest()}
    with pytest.raises(InterpreterSourceError, match="is not one by"):
        _signatures.verify_signed_archive(tmp_path / "cache", other)


@pytest.mark.skipif(not shutil.which("openssl"), reason="this machine has no openssl")
def test_what_was_signed_must_be_what_was_declared(tmp_path, signed):
    with pytest.raises(InterpreterSourceError, match="another SHA-256"):
        _signatures.verify_signed_archive(tmp_path / "cache", {**signed, "sha256": "0" * 64})
    with pytest.raises(InterpreterSourceError, match="belong together"):
        _signatures.verify_signed_archive(tmp_path / "cache", {**signed, "key": ""})


def test_a_receiver_can_tell_who_sent_a_notification_and_when():
    news = _notifications.Notification("gate", "run", "upgrade", "closed", "2026-01-01T00:00:00Z")
    message = _notifications.format_webhook(news, "secret")
    signed = b"2026-01-01T00:00:00Z." + message.body
    expected = "sha256=" + hmac.new(b"secret", signed, hashlib.sha256).hexdigest()
    assert message.headers["X-Oxzep7-Signature"] == expected
    assert "X-Oxzep7-Signature" not in _notifications.format_webhook(news, "").headers
