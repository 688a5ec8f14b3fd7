# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds of every name that is accepted."""

from __future__ import annotations

import os
import shlex

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils import _names
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = [kind for kind in vars(_names).values() if isinstance(kind, _names.NameType)]
# Names that others have chosen; they are quoted wherever a shell reads them.
FOREIGN = (_names.ACCOUNT_NAME, _names.SERVICE_NAME, _names.DATABASE_NAME)
IDENTIFIERS = [kind for kind in NAMES if not any(kind is foreign for foreign in FOREIGN)]


@pytest.mark.parametrize("kind", IDENTIFIERS, ids=lambda kind: kind.subject)
@settings(max_examples=40)
@given(data=st.data())
def test_every_accepted_identifier_is_safe(kind, data):
    value = data.draw(st.one_of(st.from_regex(kind.pattern), st.from_regex(kind.pattern, fullmatch=True), st.text()))
    if kind.matches(value):
        assert os.path.basename(value) == value and value not in (".", "..")
        assert not value.startswith(("-", "~", ".")) and len(value.encode("utf-8")) <= 200
        assert shlex.quote(value) == value


@pytest.mark.parametrize("kind", NAMES, ids=lambda kind: kind.subject)
@settings(max_examples=40)
@given(data=st.data())
def test_every_accepted_name_is_one_line_and_no_option(kind, data):
    value = data.draw(st.one_of(st.from_regex(kind.pattern), st.text()))
    if kind.matches(value):
        assert "/" not in value and not value.startswith("-")
        assert value.isprintable() and value.splitlines() == [value]
