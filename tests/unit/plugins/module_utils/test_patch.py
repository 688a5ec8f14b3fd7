# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applying the diffs that the inventory makes."""

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._originals import make_unified_diff
from ansible_collections.oxzep7.python.plugins.module_utils._generation._patch import PatchError, apply_patch

try:
    from hypothesis import given
    from hypothesis import strategies as some
except ImportError:
    given = None

BEFORE = "import os\n\n\ndef limit():\n    return 10\n\n\ndef other():\n    return os.getpid()\n"
AFTER = BEFORE.replace("return 10", "return 200  # the mill is slow")


def test_a_change_is_made_again():
    assert apply_patch(BEFORE, make_unified_diff(BEFORE, AFTER, "x.py")) == AFTER


def test_lines_that_moved_are_found():
    moved = "# new heading\n\n" + BEFORE
    assert apply_patch(moved, make_unified_diff(BEFORE, AFTER, "x.py")) == "# new heading\n\n" + AFTER


def test_what_is_changed_already_stays():
    assert apply_patch(AFTER, make_unified_diff(BEFORE, AFTER, "x.py")) == AFTER


def test_lines_that_are_elsewhere_twice_are_not_guessed():
    text = "x\na\nb\nc\nx\na\nb\nc\n"
    with pytest.raises(PatchError, match="hunk 1 of 1"):
        apply_patch("0\n1\n" + text, "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n")


def test_a_line_that_is_otherwise_is_refused():
    with pytest.raises(PatchError, match="hunk 1 of 1"):
        apply_patch(BEFORE.replace("10", "11"), make_unified_diff(BEFORE, AFTER, "x.py"))


def test_a_diff_that_was_cut_is_refused():
    long = "".join("%d\n" % number for number in range(1000))
    with pytest.raises(PatchError, match="not complete"):
        apply_patch("", make_unified_diff("", long, "x.py"))


def test_what_is_no_diff_is_refused():
    with pytest.raises(PatchError, match="no hunk"):
        apply_patch(BEFORE, "rubbish\n")


@pytest.mark.parametrize("separator", ["\r\n", "\n\x0c\n", "\x0b"])
def test_ends_of_lines_stay_as_they_are(separator):
    before, after = separator.join(["one", "two", "three", ""]), separator.join(["one", "two", "3", ""])
    assert apply_patch(before, make_unified_diff(before, after, "x.py")) == after


if given is not None:
    LINES = some.lists(some.sampled_from(["a", "b", "", "  c"]), max_size=30).map(
        lambda lines: "".join(line + "\n" for line in lines)
    )

    @given(LINES, LINES)
    def test_a_diff_leads_from_one_text_to_the_other(before, after):
        if before != after:
            assert apply_patch(before, make_unified_diff(before, after, "x.py")) == after
