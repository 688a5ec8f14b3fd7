# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials in URLs are in nothing that is shown or stored."""

import json

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._credentials import (
    find_secrets,
    redact,
    redact_text,
    redact_url,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError, PromotionRefused

SECRET = "planted-S3cret"


@pytest.mark.parametrize(
    "url, expected",
    [
        ("https://me:secret@example.org/x", "https://example.org/x"),
        ("https://me:se@cret@example.org/x", "https://example.org/x"),
        ("https://me:se/cr?e#t@example.org/x", "https://example.org/x"),
        ("https://token@example.org/x", "https://example.org/x"),
        ("https://me:secret@host:8080/a?b#c", "https://host:8080/a?b#c"),
        ("https://me:secret@[::1]:8080/a", "https://[::1]:8080/a"),
        ("https://host/a@b", "https://host/a@b"),
        ("https://[::1]:8080/a@b", "https://[::1]:8080/a@b"),
        ("https://host:8080/a@b?c=d@e", "https://host:8080/a@b?c=d@e"),
        ("ssh://git@example.org/x.git", "ssh://example.org/x.git"),
        ("file:///src/a@b", "file:///src/a@b"),
        ("/src/linked", "/src/linked"),
        ("git@example.org:x.git", "git@example.org:x.git"),
        ("https://me:secret@[broken/x", "https://[broken/x"),
        ("redis://:secret@example.org/0", "redis://example.org/0"),
        ("https://host/x?token=abc&b=1", "https://host/x?token=***&b=1"),
        ("https://host/x?b=1&X-Amz-Signature=abc", "https://host/x?b=1&X-Amz-Signature=***"),
        ("https://host/x?sv=2020&sig=a%2Bb#egg=x", "https://host/x?sv=2020&sig=***#egg=x"),
        ("https://host/x#access_token=abc", "https://host/x#access_token=***"),
        ("https://host/x?to%6ben=abc", "https://host/x?to%6ben=***"),
        ("https://host/x?api_key=&b=1", "https://host/x?api_key=&b=1"),
        ("https://host/x.whl#sha256=0123", "https://host/x.whl#sha256=0123"),
    ],
)
def test_credentials_are_left_out(url, expected):
    assert redact_url(url) == expected == redact_url(expected)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("nothing here, me@example.org", "nothing here, me@example.org"),
        ("fetch https://me:pw@a/x: timed out", "fetch https://a/x: timed out"),
        ("url='https://me:pw@a/x',\nand <https://b?token=c>", "url='https://a/x',\nand <https://b?token=***>"),
        ("https://a/x,https://me:pw@b/y", "https://a/x,https://b/y"),
        ("https://a/?next=https://me:pw@b/y", "https://a/?next=https://b/y"),
        ("--index-url=https://me:pw@a/simple --no-deps", "--index-url=https://a/simple --no-deps"),
        ("git+https://pw@a/x.git@v1#egg=x", "git+https://a/x.git@v1#egg=x"),
        ("rest:https://me:pw@a/r", "rest:https://a/r"),
        ('{"url": "postgresql://me:pw@db/x?sslmode=on"}', '{"url": "postgresql://db/x?sslmode=on"}'),
        ("https://host:8001), then mail me@b", "https://host:8001), then mail me@b"),
    ],
)
def test_urls_in_text_lose_them_too(text, expected):
    assert redact_text(text) == expected


def test_long_texts_take_no_long_time():
    text = ("a" * 1000 + " ") * 200 + "x://" + "a" * 100000 + "@" + "b" * 100000
    assert redact_text(text).endswith("x://" + "b" * 100000)


def test_secrets_of_options_are_removed_where_they_stand_alone():
    options = {
        "url": "https://me:%s@a/x" % SECRET,
        "entries": [{"mirror": "https://b/x?token=q%2Bplanted-token&x=visible"}, ("https://whole-token-1@c/",)],
        "remote": "ssh://deploying@d/x",
        "short": "https://me:pw@e/",
        "number": 1,
    }
    secrets = find_secrets(options)
    assert secrets == {SECRET, "q%2Bplanted-token", "q+planted-token", "whole-token-1"}
    text = "Basic me:%s; header q+planted-token; deploying pw" % SECRET
    assert redact(text, secrets) == "Basic me:***; header ***; deploying pw"
    assert SECRET not in json.dumps(redact({"a": [options], options["url"]: ("x",)}, secrets))


def test_passwords_with_characters_that_end_a_url_are_found():
    assert "pa/ss word" in find_secrets("https://me:pa/ss word@host/x")


def test_an_error_never_shows_them():
    url = "https://me:%s@a/x?sig=%s" % (SECRET, SECRET)
    for error in (CollectionError(url), PromotionRefused("cannot fetch " + url, "try " + url)):
        assert SECRET not in str(error) and SECRET not in repr(error) and "https://a/x?sig=***" in str(error)
    assert str(CollectionError()) == ""


def test_records_and_journals_never_have_them(tmp_path):
    state = ApplicationState(str(tmp_path), "billing")
    record = dict(state.read(), history=[{"reason": "https://me:%s@a/x gave no answer" % SECRET}])
    state.write(record)
    state.open_promotion(record)
    state.append_event("run", "reverted", reason="https://a/?token=" + SECRET)
    texts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(texts) == 3 and not any(SECRET in text for text in texts)
    assert state.read()["history"] == [{"reason": "https://a/x gave no answer"}]
