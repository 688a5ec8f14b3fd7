# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notifications of a run: their content, their formats, and their delivery. They name hosts, outcomes and causes."""

from __future__ import annotations

import dataclasses
import email.message
import hashlib
import hmac
import json
import smtplib
import ssl
import time
import urllib.error
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.module_utils.urls import open_url
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError

WEBHOOK, SLACK, TEAMS, EMAIL = "webhook", "slack", "teams", "email"
EVENTS = ("run", "wave", "gate", "revert", "finish")
SCHEMA = 1
NAMED_HOSTS = 20
NAMED_CAUSES = 5
# What a server says when the same may go well a little later (RFC 9110, 15.5.9 and 15.6; RFC 6585, 4).
RETRY_STATUSES = (408, 429)


@dataclasses.dataclass(frozen=True)
class Notification:
    """What happened: one of `EVENTS`, in a run, with what it was about.

    ``outcomes`` are hosts by outcome, ``causes`` hosts by the line that says why they failed.
    """

    event: str
    run: str
    kind: str
    text: str
    moment: str
    wave: int | None = None
    waves: int | None = None
    outcomes: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    causes: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)

    def format_sentence(self) -> str:
        """Format the notification as a sentence."""
        parts = [f"{outcome}: {_list_hosts(hosts)}" for outcome, hosts in sorted(self.outcomes.items()) if hosts]
        told = f"{self.kind} {self.run}: {self.text}" + (f" ({'; '.join(parts)})" if parts else "")
        causes = [f"{_list_hosts(hosts)}: {cause}" for cause, hosts in list(self.causes.items())[:NAMED_CAUSES]]
        more = len(self.causes) - NAMED_CAUSES
        return "\n".join([told, *causes, *([f"and {more} other causes"] if more > 0 else [])])


def _list_hosts(hosts: Sequence[str]) -> str:
    more = len(hosts) - NAMED_HOSTS
    return ", ".join(hosts[:NAMED_HOSTS]) + (f" and {more} more" if more > 0 else "")


@dataclasses.dataclass(frozen=True)
class HttpMessage:
    """One message over HTTP: body and headers."""

    body: bytes
    headers: Mapping[str, str]


def format_webhook(news: Notification, secret: str) -> HttpMessage:
    """Format *news* as JSON. With a *secret*, it is signed by the HMAC of time, a dot and the body."""
    body = json.dumps({"schema": SCHEMA, **dataclasses.asdict(news)}, sort_keys=True).encode()
    headers = {"Content-Type": "application/json", "X-Oxzep7-Event": news.event, "X-Oxzep7-Timestamp": news.moment}
    if secret:
        headers["X-Oxzep7-Signature"] = (
            "sha256=" + hmac.new(secret.encode(), news.moment.encode() + b"." + body, hashlib.sha256).hexdigest()
        )
    return HttpMessage(body, headers)


def format_slack(news: Notification) -> HttpMessage:
    """Format *news* for the incoming webhooks of Slack; its markup characters are escaped."""
    text = news.format_sentence().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return HttpMessage(json.dumps({"text": text}).encode(), {"Content-Type": "application/json"})


def format_teams(news: Notification) -> HttpMessage:
    """*news* as the webhooks of Teams' workflows take it: a message with an adaptive card."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": f"{news.kind} {news.run}", "weight": "Bolder", "wrap": True},
            {"type": "TextBlock", "text": news.format_sentence(), "wrap": True},
        ],
    }
    return HttpMessage(
        json.dumps(
            {
                "type": "message",
                "attachments": [
                    {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
                ],
            }
        ).encode(),
        {"Content-Type": "application/json"},
    )


def format_mail(news: Notification, sender: str, recipients: Sequence[str]) -> email.message.EmailMessage:
    """*news* as a message."""
    message = email.message.EmailMessage()
    message["Subject"] = f"[oxzep7] {news.kind} {news.run}: {news.text}"[:150]
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    # So that mail programs show one run as one conversation.
    message["References"] = f"<{news.run}@oxzep7.invalid>"
    message.set_content(news.format_sentence() + "\n")
    return message


class DeliveryError(CollectionError):
    """A notification that was not delivered; the text has no address or password. ``again``: a retry may succeed."""

    def __init__(self, text: str, again: bool) -> None:
        super().__init__(text)
        self.again = again


def _post_message(channel: Mapping[str, Any], message: HttpMessage) -> None:
    try:
        with open_url(
            channel["url"],
            method="POST",
            data=message.body,
            headers=dict(message.headers),
            timeout=channel["timeout"],
            validate_certs=channel["validate_certs"],
            follow_redirects="none",
        ) as answer:
            if answer.getcode() >= 300:
                raise DeliveryError(f"its server answered {answer.getcode()}", False)
    except urllib.error.HTTPError as error:
        raise DeliveryError(
            f"its server answered {error.code}", error.code >= 500 or error.code in RETRY_STATUSES
        ) from None
    except ValueError as error:
        raise DeliveryError(f"its URL cannot be used ({type(error).__name__})", False) from None
    except OSError as error:
        raise DeliveryError(
            f"its server could not be reached ({type(getattr(error, 'reason', None) or error).__name__})", True
        ) from None


def _send_mail(channel: Mapping[str, Any], message: email.message.EmailMessage) -> None:
    context = ssl.create_default_context()
    if not channel["validate_certs"]:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        port = channel["port"] or {"none": 25, "starttls": 587, "tls": 465}[channel["encryption"]]
        server: smtplib.SMTP = (
            smtplib.SMTP_SSL(channel["host"], port, timeout=channel["timeout"], context=context)
            if channel["encryption"] == "tls"
            else smtplib.SMTP(channel["host"], port, timeout=channel["timeout"])
        )
        with server:
            if channel["encryption"] == "starttls":
                server.starttls(context=context)
            if channel["username"]:
                server.login(channel["username"], channel["password"] or "")
            refused = server.send_message(message)
        if refused:
            raise DeliveryError(f"its server refused {len(refused)} of the recipients", False)
    except smtplib.SMTPResponseException as error:
        raise DeliveryError(f"its server answered {error.smtp_code}", 400 <= error.smtp_code < 500) from None
    except smtplib.SMTPRecipientsRefused as error:
        raise DeliveryError(
            "its server refused every recipient", all(400 <= code < 500 for code, _text in error.recipients.values())
        ) from None
    except (smtplib.SMTPException, OSError) as error:
        raise DeliveryError(
            f"its server could not be reached ({type(error).__name__})",
            not isinstance(error, ssl.SSLCertVerificationError),
        ) from None


def send_notification(channel: Mapping[str, Any], news: Notification) -> None:
    """Send *news* over *channel* once. Raises DeliveryError."""
    kind = channel["kind"]
    if kind == EMAIL:
        _send_mail(channel, format_mail(news, channel["sender"], channel["recipients"]))
    else:
        _post_message(
            channel,
            format_webhook(news, channel["secret"] or "")
            if kind == WEBHOOK
            else format_slack(news)
            if kind == SLACK
            else format_teams(news),
        )


def notify_channels(
    channels: Sequence[Mapping[str, Any]], news: Notification, sleep: Callable[[float], None] = time.sleep
) -> list[str]:
    """Send *news* over all *channels* that subscribe to it; return the reason of each failure. Failures never raise."""
    problems = []
    for number, channel in enumerate(channels, 1):
        if channel["events"] and news.event not in channel["events"]:
            continue
        for attempt in range(1, channel["tries"] + 1):
            try:
                send_notification(channel, news)
                break
            except DeliveryError as error:
                if not error.again or attempt == channel["tries"]:
                    problems.append(
                        f"channel {number} ({channel['kind']}) did not get {news.event!r} after {attempt} tries: "
                        f"{error}"
                    )
                    break
                sleep(channel["pause"] * 2 ** (attempt - 1))
    return problems
