# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which backups stay, what a dump says of its rows, and how loads are undone."""

import datetime

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._backup._replace import render_undo_command
from ansible_collections.oxzep7.python.plugins.module_utils._backup._retention import (
    KeepPolicy,
    KnownBackup,
    find_expendable_backups,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._database import (
    UndoCommand,
    describe_row_difference,
    parse_row_counts,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._mysql import count_dump_rows
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._restic import ResticEngine
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._sealing import (
    EncryptionSettings,
    make_decrypt_command,
    make_encrypt_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
)

NOW = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.timezone.utc)


def named(days, hour=3):
    moment = NOW.replace(hour=hour, minute=0) - datetime.timedelta(days=days)
    return moment.strftime("%Y%m%dT%H%M%SZ-00000000")


def known(*days, **options):
    """Good backups of *days* ago, oldest first; *options* has the days of those that are bad, verified, or of a run."""
    found = []
    for day in days:
        good, verified = day not in options.get("bad", ()), day in options.get("verified", ())
        found.append(KnownBackup(named(day), good, verified, options.get("runs", {}).get(day, "other")))
    return found


@pytest.mark.parametrize(
    "backups, keep, gone",
    [
        (known(3, 2, 1), KeepPolicy(1), [3, 2]),
        (known(3, 2, 1), KeepPolicy(3), []),
        (known(4, 3, 2, 1, bad=(2, 1)), KeepPolicy(1), [4]),
        (known(3, 2, 1, bad=(3, 2, 1)), KeepPolicy(1), []),
        (known(3, 2, 1), KeepPolicy(0), []),
        (known(4, 3, 2, 1, bad=(4, 2)), KeepPolicy(2), [4, 2]),
        # The last verified one stays, however old.
        (known(9, 8, 3, 2, 1, verified=(9, 8)), KeepPolicy(2), [9, 3]),
        # What an open run has made stays.
        (known(9, 2, 1, runs={9: "open"}), KeepPolicy(1), [2]),
        (known(40, 20, 9, 2, 1), KeepPolicy(0, daily=2), [40, 20, 9]),
        (known(40, 20, 9, 2, 1), KeepPolicy(1, within_days=10), [40, 20]),
        # 2026-11-24 is a Tuesday.
        (known(400, 40, 33, 2, 1), KeepPolicy(0, monthly=2), [400, 40, 2]),
        (known(22, 15, 14, 9, 8, 1, 0), KeepPolicy(0, weekly=3), [22, 15, 14, 1]),
    ],
)
def test_what_nobody_asked_to_keep_goes(backups, keep, gone):
    found = find_expendable_backups(backups, keep, NOW, ("open",))
    assert found == [named(day) for day in gone]


def test_of_several_a_day_the_newest_stays():
    backups = [KnownBackup(named(day, hour), True, False, "") for day in (2, 1, 0) for hour in (1, 2, 3)]
    older = [named(day, hour) for day in (2, 1, 0) for hour in (1, 2)]
    assert find_expendable_backups(backups, KeepPolicy(0, daily=3), NOW) == older


@pytest.mark.parametrize(
    "text, rows",
    [
        (b"", {}),
        (b"CREATE TABLE `a` (\n  `x` int\n);\n", {"a": 0}),
        (b"INSERT INTO `a` VALUES (1,'x'),(2,'y');\n", {"a": 2}),
        (b"INSERT INTO `a` VALUES\n(1,'x'),\n(2,'y)('),\n(3,NULL);\nINSERT INTO `b` VALUES (1);\n", {"a": 3, "b": 1}),
        (b"INSERT INTO `a` VALUES (1,'it''s (here)'),(2,'back\\'slash ),('),(3,_binary 'x'),(4,0x28);\n", {"a": 4}),
        (b"INSERT INTO `odd``name` (`x`, `y`) VALUES (1,2),(3,4);\n", {"odd`name": 2}),
        (
            b"CREATE TABLE `a` (\n);\n/*!50001 CREATE VIEW `v` AS SELECT 1*/;\n"
            b"INSERT INTO `a` VALUES ('INSERT INTO `b` VALUES (1)');\n",
            {"a": 1},
        ),
    ],
)
def test_rows_of_a_dump_are_counted_whatever_its_form(text, rows):
    assert count_dump_rows(iter(text.splitlines(True))) == rows


def test_rows_are_told_and_compared():
    assert parse_row_counts("public.a\t5\nwith\ttab\t0\n") == {"public.a": 5, "with\ttab": 0}
    assert describe_row_difference({"a": 1, "b": 2}, {"a": 1, "b": 2}) is None
    assert (
        describe_row_difference({"a": 1, "b": 2}, {"a": 3, "c": 4})
        == "a has 3 rows, not 1; b has no rows, not 2; c has 4 rows, not no"
    )


def test_keys_are_for_recipients_and_files_of_them():
    assert make_encrypt_command(EncryptionSettings("age", ("age1x", "/etc/keys"))) == [
        "age",
        "--encrypt",
        "--recipient",
        "age1x",
        "--recipients-file",
        "/etc/keys",
    ]
    assert make_encrypt_command(EncryptionSettings("gpg", ("ops", "/etc/key")))[-4:] == [
        "--recipient",
        "ops",
        "--recipient-file",
        "/etc/key",
    ]
    assert make_decrypt_command("age", "/root/key", "/b/x") == [
        "age",
        "--decrypt",
        "--identity",
        "/root/key",
        "--",
        "/b/x",
    ]


def test_a_secret_that_is_a_part_of_another_does_not_show_the_rest_of_it():
    location = "rest:https://backup:open-sesame@vault.example/fleet"
    engine = ResticEngine(location, "fleet", None, (("RESTIC_REST_USERNAME", "backup"), ("EMPTY", "")))
    assert engine._hide_secrets("Fatal: %s: no backup, fleet" % location) == "Fatal: ***: no ***, ***"


@pytest.mark.parametrize("name, groups", [("ledger", "--init-groups"), ("64999", "--clear-groups")])
def test_an_account_without_a_name_can_undo_a_load(name, groups):
    who = Identity(name, 64999, 64998, (64998,), "/")
    lines = render_undo_command(3, UndoCommand(["load it"], who, source="/state/x"))
    assert (
        "    [ ! -e /state/x ] || setpriv --reuid=64999 --regid=64998 %s -- 'load it' </state/x || exit 1\n" % groups
        in lines
    )
