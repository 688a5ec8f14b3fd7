# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amounts of hosts as operators write them: a count, or a percentage."""

from __future__ import annotations

import math

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError

Amount = int | str


class AmountError(CollectionError, ValueError):
    """An amount that cannot be meant; the text names the option."""


def _parse_amount(amount: Amount, option: str) -> tuple[float, bool]:
    """The number, and whether it is a percentage. Raises AmountError."""
    text = str(amount).strip()
    percent = text.endswith("%")
    try:
        number = float(text[:-1]) if percent else int(text)
    except ValueError:
        raise AmountError(f"{option}: {amount!r} is neither a count nor a percentage") from None
    if number < 0 or not math.isfinite(number) or isinstance(amount, bool):
        raise AmountError(f"{option}: {amount!r} is neither a count nor a percentage")
    return number, percent


def round_amount_up(amount: Amount, hosts: int, option: str) -> int:
    """*amount* of *hosts*, a percentage rounded up. Raises AmountError where that is none."""
    number, percent = _parse_amount(amount, option)
    count = math.ceil(hosts * number / 100) if percent else int(number)
    if number == 0:
        raise AmountError(f"{option}: {amount!r} is no positive count or percentage")
    return max(1, count)


def round_amount_down(amount: Amount, hosts: int, option: str) -> int:
    """*amount* of *hosts*, a percentage rounded down: 0 means zero. Raises AmountError."""
    number, percent = _parse_amount(amount, option)
    return math.floor(hosts * number / 100) if percent else int(number)
