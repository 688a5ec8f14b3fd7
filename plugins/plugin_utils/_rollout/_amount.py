# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amounts of hosts as operators write them: a count, or a percentage."""

from __future__ import annotations

import decimal
import math
import re

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError

Amount = int | str

AMOUNT_PATTERN = re.compile(r"(?P<count>[0-9]{1,9})|(?P<percent>[0-9]{1,3}(\.[0-9]{1,6})?)\s*%")


class AmountError(CollectionError, ValueError):
    """An amount that cannot be meant; the text names the option."""


def _parse_amount(amount: Amount, option: str) -> tuple[decimal.Decimal, bool]:
    """The number, exactly as it is written, and whether it is a percentage. Raises AmountError."""
    match = AMOUNT_PATTERN.fullmatch(str(amount).strip())
    if not match or isinstance(amount, bool):
        raise AmountError(
            f"{option}: {amount!r} is neither a count nor a percentage; write a count such as 3, or a percentage such "
            "as 10% or 0.5%"
        )
    return decimal.Decimal(match["count"] or match["percent"]), match["percent"] is not None


def is_zero_amount(amount: Amount, option: str) -> bool:
    """Whether *amount* is zero of any number of hosts. Raises AmountError where it is no amount."""
    return not _parse_amount(amount, option)[0]


def round_amount_up(amount: Amount, hosts: int, option: str) -> int:
    """*amount* of *hosts*, a percentage rounded up. Raises AmountError where that is none."""
    number, percent = _parse_amount(amount, option)
    if not number:
        raise AmountError(f"{option}: {amount!r} is no positive count or percentage")
    return max(1, math.ceil(hosts * number / 100) if percent else int(number))


def round_amount_down(amount: Amount, hosts: int, option: str) -> int:
    """*amount* of *hosts*, a percentage rounded down: 0 means zero. Raises AmountError."""
    number, percent = _parse_amount(amount, option)
    return math.floor(hosts * number / 100) if percent else int(number)
