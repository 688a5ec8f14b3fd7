# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What locks say, and that pip and uv can read them."""

from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import (
    LockedPackage,
    format_left_out,
    format_lock,
    parse_lock,
    parse_pins,
)

try:
    from hypothesis import given
    from hypothesis import strategies as some
except ImportError:
    given = None

# As uv wrote it where a constraint named the package.
FOREIGN = """\
websockets==10.1 \\
    --hash=sha256:%s \\
    --hash=sha256:%s
    # via
    #   -c constraints.txt
    #   -r requirements.in
    #   uvicorn
""" % ("a" * 64, "b" * 64)


def test_comments_of_other_programs_say_nothing():
    assert parse_lock(FOREIGN) == {"websockets": LockedPackage("websockets", "10.1", ("a" * 64, "b" * 64))}


def test_a_lock_is_sorted_and_says_where_each_file_is_from_and_who_requires_it():
    packages = [
        LockedPackage("b", "2.0+cpu", ("1" * 64,), "b-2.0+cpu-py3-none-any.whl"),
        LockedPackage("a", "1.0", ("0" * 64,), "https://h/a-1.0-py3-none-any.whl", ("b", "c-d")),
    ]
    text = format_left_out(["gone"]) + format_lock(packages)
    assert text.splitlines() == [
        "# left out: gone",
        "a==1.0 \\",
        "    --hash=sha256:" + "0" * 64,
        "    # from: https://h/a-1.0-py3-none-any.whl",
        "    # required by: b, c-d",
        "b==2.0+cpu \\",
        "    --hash=sha256:" + "1" * 64,
        "    # from: b-2.0+cpu-py3-none-any.whl",
    ]
    assert parse_lock(text) == {package.name: package for package in packages}
    assert parse_pins(text) == {"a": "1.0", "b": "2.0+cpu"}


if given is not None:
    NAMES = some.from_regex(r"[a-z0-9]+(-[a-z0-9]+)?", fullmatch=True)
    PACKAGES = some.builds(
        LockedPackage,
        NAMES,
        some.sampled_from(["1.0", "1!2.0rc1", "2.0+local.1", "2014.9"]),
        some.lists(some.sampled_from(["0" * 64, "ab" * 32]), min_size=1, unique=True).map(tuple),
        some.sampled_from(["", "https://h/a%20b.whl", "x-1-py3-none-any.whl"]),
        some.lists(NAMES, unique=True).map(lambda names: tuple(sorted(names))),
    )

    @given(some.lists(PACKAGES, unique_by=lambda package: package.name))
    def test_what_is_written_is_read(packages):
        assert parse_lock(format_lock(packages)) == {package.name: package for package in packages}
