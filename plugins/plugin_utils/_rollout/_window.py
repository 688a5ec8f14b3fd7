# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change windows: when a wave may begin, so that it ends inside one."""

from __future__ import annotations

import dataclasses
import datetime
import re
import zoneinfo
from collections.abc import Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError

WINDOW_OPTION = "oxzep7_window"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKLY_PATTERN = re.compile(
    r"^(?:(?P<days>[A-Za-z, -]+?)\s+)?(?P<start>\d\d?:\d\d)\s*-\s*(?P<end>\d\d?:\d\d)(?:\s+(?P<zone>\S+))?$"
)
HORIZON_DAYS = 8


class WindowError(CollectionError, ValueError):
    """A window that cannot be read; the text names it and says how windows are written."""


@dataclasses.dataclass(frozen=True)
class WindowSpan:
    """From a moment to another one, both with their time zone."""

    start: datetime.datetime
    end: datetime.datetime

    def contains(self, start: datetime.datetime, end: datetime.datetime) -> bool:
        """Whether all from *start* to *end* lies in it."""
        return self.start <= start and end <= self.end


def _make_window_error(text: str, why: str = "") -> WindowError:
    return WindowError(
        f"{WINDOW_OPTION}: {text!r} cannot be read{why}; write 'Sat,Sun 22:00-04:00 Europe/Berlin', "
        "'Mon-Fri 01:00-05:00', or an interval of ISO 8601 "
        "such as '2026-11-28T22:00Z/2026-11-29T04:00Z'"
    )


def _parse_days(text: str | None, whole: str) -> set[int]:
    if not text:
        return set(range(7))
    found: set[int] = set()
    for part in text.lower().replace(" ", "").split(","):
        first, _separator, last = part.partition("-")
        try:
            start, end = DAYS.index(first[:3]), DAYS.index((last or first)[:3])
        except ValueError:
            raise _make_window_error(whole) from None
        found |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    return found


def _parse_time(text: str, whole: str) -> datetime.time:
    hours, minutes = map(int, text.split(":"))
    if (hours, minutes) == (24, 0):
        return datetime.time(0)
    try:
        return datetime.time(hours, minutes)
    except ValueError:
        raise _make_window_error(whole) from None


def _parse_moment(text: str, whole: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(re.sub("Z$", "+00:00", text.strip()))
    except ValueError:
        raise _make_window_error(whole) from None
    if moment.tzinfo is None:
        raise _make_window_error(whole, " (it has no time zone)")
    return moment


def list_window_spans(window: str, now: datetime.datetime) -> list[WindowSpan]:
    """The spans of *window* that end after *now*, within the next days, in order. Raises WindowError."""
    text = str(window).strip()
    if "/" in text and "T" in text.partition("/")[0]:
        start, _separator, end = text.partition("/")
        found = [WindowSpan(_parse_moment(start, text), _parse_moment(end, text))]
    else:
        found = _expand_weekly(text, now)
    return [span for span in found if span.end > now]


def _expand_weekly(text: str, now: datetime.datetime) -> list[WindowSpan]:
    match = WEEKLY_PATTERN.match(text)
    if not match:
        raise _make_window_error(text)
    try:
        zone = zoneinfo.ZoneInfo(match["zone"] or "UTC")
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise _make_window_error(text, f" (no time zone {match['zone']} is known here)") from None
    days, start, end = (
        _parse_days(match["days"], text),
        _parse_time(match["start"], text),
        _parse_time(match["end"], text),
    )
    today = now.astimezone(zone).date()
    found = []
    # One that began yesterday may go on until today.
    for offset in range(-1, HORIZON_DAYS):
        day = today + datetime.timedelta(days=offset)
        if day.weekday() in days:
            last = day if end > start else day + datetime.timedelta(days=1)
            found.append(
                WindowSpan(datetime.datetime.combine(day, start, zone), datetime.datetime.combine(last, end, zone))
            )
    return found


def check_change_windows(windows: Sequence[str], now: datetime.datetime, seconds: float) -> str | None:
    """Return why nothing of *seconds* may begin *now*, or None, as always without *windows*. Raises WindowError."""
    if not windows:
        return None
    known = sorted((span for window in windows for span in list_window_spans(window, now)), key=lambda span: span.start)
    end = now + datetime.timedelta(seconds=seconds)
    if any(span.contains(now, end) for span in known):
        return None
    fitting = []
    for span in known:
        if span.start > now and span.contains(span.start, span.start + datetime.timedelta(seconds=seconds)):
            fitting.append(span)
    until = next((span.end for span in known if span.start <= now), None)
    text = (
        f"the change window ends at {until:%Y-%m-%d %H:%M %Z}, before this wave would (about {format_minutes(seconds)})"
        if until
        else "no change window is open"
    )
    return f"{text}; " + (
        f"the next one begins at {fitting[0].start:%Y-%m-%d %H:%M %Z}"
        if fitting
        else f"within {HORIZON_DAYS} days none is long enough for this wave (about {format_minutes(seconds)})"
    )


def format_minutes(seconds: float) -> str:
    """*seconds* as people plan with them."""
    whole = max(1, round(seconds / 60))
    return f"{whole} min" if whole < 120 else f"{whole // 60} h {whole % 60:02d} min"
