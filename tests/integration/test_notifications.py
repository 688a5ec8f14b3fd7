# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notifications, sent to real servers on this machine."""

from __future__ import annotations

import contextlib
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import threading

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _notifications
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._notifications import Notification, notify_channels

from tests.demo.machine import find_free_port

NEWS = Notification(
    "revert",
    "nightly",
    "upgrade",
    "hosts of wave 2 have failed: h<3>",
    "2026-11-24T01:02:03Z",
    2,
    4,
    {"reverted": ["h<3>"], "upgraded": ["h1", "h2"]},
)
CHANNEL = {
    "events": [],
    "url": None,
    "secret": None,
    "host": None,
    "port": None,
    "encryption": "none",
    "username": None,
    "password": None,
    "sender": None,
    "recipients": [],
    "validate_certs": True,
    "timeout": 5.0,
    "tries": 3,
    "pause": 1.0,
}


@contextlib.contextmanager
def web(*statuses):
    """A server that answers with *statuses*, the last one for ever; what it was sent is in ``sent``."""
    left = list(statuses)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.sent.append((dict(self.headers), body))
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        def log_message(self, *_words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.sent = []
    server.url = f"http://127.0.0.1:{server.server_port}/hook?token=nobody-may-see"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def channel(kind, **options):
    return {**CHANNEL, "kind": kind, **options}


def test_a_webhook_is_signed():
    with web(204) as server:
        assert notify_channels([channel("webhook", url=server.url, secret="key")], NEWS) == []
    ((headers, body),) = server.sent
    told = json.loads(body)
    assert (told["event"], told["run"], told["wave"], told["outcomes"]["reverted"]) == (
        "revert",
        "nightly",
        2,
        ["h<3>"],
    )
    assert headers["X-Oxzep7-Event"] == "revert"
    expected = hmac.new(b"key", headers["X-Oxzep7-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Oxzep7-Signature"] == f"sha256={expected}"


def test_slack_and_teams():
    with web(200) as server:
        assert notify_channels([channel("slack", url=server.url), channel("teams", url=server.url)], NEWS) == []
    slack, teams = (json.loads(body) for _headers, body in server.sent)
    assert slack == {
        "text": "upgrade nightly: hosts of wave 2 have failed: h&lt;3&gt; (reverted: h&lt;3&gt;; upgraded: h1, h2)"
    }
    card = teams["attachments"][0]
    assert (
        card["contentType"] == "application/vnd.microsoft.card.adaptive"
        and card["content"]["body"][1]["text"] == NEWS.format_sentence()
    )


@pytest.mark.parametrize(
    "statuses, sent, problems",
    [((500, 200), 2, 0), ((503, 503, 503), 3, 1), ((404,), 1, 1), ((429, 204), 2, 0), ((302,), 1, 1)],
)
def test_what_may_go_well_later_is_tried_again(statuses, sent, problems):
    pauses = []
    with web(*statuses) as server:
        said = notify_channels([channel("webhook", url=server.url)], NEWS, pauses.append)
    assert len(server.sent) == sent and len(said) == problems and pauses == [1.0, 2.0][: sent - 1]
    assert "nobody-may-see" not in str(said)


def test_nobody_listens_and_the_others_are_told_all_the_same():
    with web(200) as server:
        channels = [
            channel("webhook", url="http://127.0.0.1:1/?token=nobody-may-see"),
            channel("webhook", url="no url"),
            channel("slack", url=server.url),
        ]
        said = notify_channels(channels, NEWS, lambda seconds: None)
    assert (
        len(said) == 2
        and "after 3 tries: its server could not be reached" in said[0]
        and len(server.sent) == 1
        and "nobody-may-see" not in str(said)
    )


def test_who_does_not_want_it_is_not_told():
    assert notify_channels([channel("webhook", url="http://127.0.0.1:1/", events=["finish"])], NEWS) == []


class Letters:
    """Keeps what it is sent."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.kept = []

    async def handle_DATA(self, _server, _session, envelope):
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            self.kept.append(
                (
                    envelope.mail_from,
                    envelope.rcpt_tos,
                    email.message_from_bytes(envelope.content, policy=email.policy.default),
                )
            )
        return answer


@contextlib.contextmanager
def post(letters, **options):
    server = Controller(letters, hostname="127.0.0.1", port=find_free_port(), **options)
    server.start()
    yield server.port
    server.stop()


def letter(port, **options):
    return channel(
        "email",
        host="127.0.0.1",
        port=port,
        sender="ops@example.org",
        recipients=["a@example.org", "b@example.org"],
        **options,
    )


def test_email_is_tried_again_when_the_server_is_busy():
    letters = Letters("451 later", "250 OK")
    with post(letters) as port:
        assert notify_channels([letter(port)], NEWS, lambda seconds: None) == []
    ((sender, recipients, message),) = letters.kept
    assert sender == "ops@example.org" and recipients == ["a@example.org", "b@example.org"]
    assert (
        message["Subject"] == "[oxzep7] upgrade nightly: hosts of wave 2 have failed: h<3>"
        and "reverted: h<3>" in message.get_content()
    )


def test_email_with_a_login_and_a_refusal():
    def login(_server, _session, _envelope, _mechanism, data):
        return AuthResult(success=data.password == b"right", handled=False)

    letters = Letters()
    with post(
        letters, authenticator=login, auth_required=True, auth_require_tls=False, auth_exclude_mechanism=["LOGIN"]
    ) as port:
        assert notify_channels([letter(port, username="ops", password="right")], NEWS) == []
        said = notify_channels([letter(port, username="ops", password="nobody-may-see")], NEWS, lambda seconds: None)
    assert len(letters.kept) == 1 and said == [
        "channel 1 (email) did not get 'revert' after 1 tries: its server answered 535"
    ]
    with post(Letters("554 never")) as port:
        assert "its server answered 554" in notify_channels([letter(port)], NEWS)[0]


def test_causes_are_told_once_for_all_their_hosts():
    causes = {"ImportError: no (x.py, line 1)": ["h1", "h2"], **{f"cause {number}": ["h3"] for number in range(6)}}
    lines = Notification("revert", "r", "upgrade", "failed", "t", causes=causes).format_sentence().splitlines()
    assert lines[:2] == ["upgrade r: failed", "h1, h2: ImportError: no (x.py, line 1)"]
    assert len(lines) == 7 and lines[-1] == "and 2 other causes"


def test_many_hosts_are_counted_after_the_first():
    news = Notification(
        "finish", "r", "upgrade", "ended", "t", outcomes={"upgraded": [f"h{number}" for number in range(25)]}
    )
    assert (
        news.format_sentence().endswith("h19 and 5 more)")
        and len(_notifications.format_mail(news, "a@b.c", ["d@e.f"])["Subject"]) <= 150
    )
