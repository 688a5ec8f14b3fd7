# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the messages of a resolver speak of."""

from __future__ import annotations

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._conflicts import (
    WHEELLESS_PATTERN,
    find_mentioned_names,
)


# Messages of uv 0.8 to 0.13.
@pytest.mark.parametrize(
    "text, expected",
    [
        ("Because python-ldap>=3.1.0 has no usable wheels and django-auth-ldap>=2.1.0 depends on it", ["python-ldap"]),
        ("Because python-ldap==3.4.0 has no wheels with a matching Python ABI tag", ["python-ldap"]),
        ("Because a has no wheels and that `b>=1,<2` has no usable wheels", ["a", "b"]),
        ("and b>=1,<2 has no usable wheels and you require a", ["b"]),
        ("Because only a==1 is available and you require a>1", []),
    ],
)
def test_packages_without_wheels_are_found(text, expected):
    assert WHEELLESS_PATTERN.findall(text) == expected


def test_names_are_found_with_their_versions_and_extras_in_the_order_of_the_text():
    text = "Because Zope.Interface==5.0 depends on b>=1 and you require queue[redis]==2 and b, c-extra is not meant"
    assert find_mentioned_names(text, ["b", "c", "queue", "zope-interface"]) == ["zope-interface", "b", "queue"]
