# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change windows: when a wave may begin, so that it ends inside one."""

from __future__ import annotations

import dataclasses
import datetime
import re
import zoneinfo
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError

WINDOW_OPTION = "oxzep7_window"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Days, a time of day until another one, and a time zone.
WEEKLY_PATTERN = re.compile(
    r"^(?:(?P<days>[A-Za-z, -]+?)\s+)?(?P<start>\d\d?:\d\d)\s*-\s*(?P<end>\d\d?:\d\d)(?:\s+(?P<zone>\S+))?$"
)
DAYS_PATTERN = re.compile(r"^[A-Za-z]+(\s*-\s*[A-Za-z]+)?$")
SEPARATOR_PATTERN = re.compile(r"[,;\n]")
MIDNIGHT = datetime.time(0)
UTC = datetime.timezone.utc
HORIZON_DAYS = 8


class WindowError(CollectionError, ValueError):
    """A window that cannot be read; the text names it and says how windows are written."""


@dataclasses.dataclass(frozen=True)
class WindowSpan:
    """From a moment to another one, both in UTC, and the time zone in which they are shown."""

    start: datetime.datetime
    end: datetime.datetime
    zone: datetime.tzinfo

    def contains(self, start: datetime.datetime, seconds: float) -> bool:
        """Whether all of *seconds* from *start* lies in it."""
        return self.start <= start and start + datetime.timedelta(seconds=seconds) <= self.end

    def format_start(self) -> str:
        """The begin in its time zone."""
        return f"{self.start.astimezone(self.zone):%Y-%m-%d %H:%M %Z}"

    def format_end(self) -> str:
        """The end in its time zone."""
        return f"{self.end.astimezone(self.zone):%Y-%m-%d %H:%M %Z}"


def _make_window_error(text: str, why: str = "") -> WindowError:
    return WindowError(
        f"{WINDOW_OPTION}: {text!r} cannot be read{why}; write 'Sat,Sun 22:00-04:00 Europe/Berlin', "
        "'Mon-Fri 01:00-05:00', or an interval of ISO 8601 "
        "such as '2026-11-28T22:00Z/2026-11-29T04:00Z'"
    )


def split_windows(given: str | Sequence[Any]) -> list[str]:
    """The windows of the option: a list of them, or text with commas, semicolons or line ends between them.

    Days without a time belong to the window behind them, so that the commas of ``Sat,Sun 22:00-04:00`` separate days
    only, and a list that was split at its commas is read as it was meant. Raises WindowError.
    """
    if isinstance(given, str):
        parts = [part.strip() for part in SEPARATOR_PATTERN.split(given) if part.strip()]
    else:
        parts = [str(part).strip() for part in given]
    found: list[str] = []
    days: list[str] = []
    for part in parts:
        if DAYS_PATTERN.match(part):
            days.append(part)
        else:
            found.append(",".join([*days, part]))
            days = []
    if days:
        raise _make_window_error(",".join(days), " (it has no time)")
    return found


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
        first, _separator, last = text.partition("/")
        start, end = _parse_moment(first, text), _parse_moment(last, text)
        if end <= start:
            raise _make_window_error(text, " (it ends before it begins)")
        found = [WindowSpan(start.astimezone(UTC), end.astimezone(UTC), start.tzinfo or UTC)]
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
    days, start = _parse_days(match["days"], text), _parse_time(match["start"], text)
    end = MIDNIGHT if match["end"] == "24:00" else _parse_time(match["end"], text)
    today = now.astimezone(zone).date()
    found = []
    # One that began yesterday may go on until today.
    for offset in range(-1, HORIZON_DAYS):
        day = today + datetime.timedelta(days=offset)
        if day.weekday() in days:
            last = day if end > start else day + datetime.timedelta(days=1)
            began, ended = _find_moment(day, start, zone), _find_moment(last, end, zone)
            if began < ended:
                found.append(WindowSpan(began, ended, zone))
    return found


def _find_moment(day: datetime.date, time: datetime.time, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
    """When clocks in *zone* show *time* on *day*, in UTC: for the first time, where they show it twice.

    Where they skip it, it is the moment of the change, so that nothing of a window lies outside its times.
    """
    wall = datetime.datetime.combine(day, time, zone)
    late, early = wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)
    if late <= early:
        return late
    # In a gap, the two readings lie on both sides of the change.
    before = early.astimezone(zone).utcoffset()
    while late - early > datetime.timedelta(seconds=1):
        middle = early + datetime.timedelta(seconds=(late - early) // datetime.timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


def _merge_spans(spans: Iterable[WindowSpan]) -> list[WindowSpan]:
    """*spans* in order; those that overlap or follow one another without a break are one."""
    merged: list[WindowSpan] = []
    for span in sorted(spans, key=lambda span: span.start):
        if merged and span.start <= merged[-1].end:
            merged[-1] = dataclasses.replace(merged[-1], end=max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def check_change_windows(given: str | Sequence[Any], now: datetime.datetime, seconds: float) -> str | None:
    """Return why nothing of *seconds* may begin *now*, or None, as always without windows. Raises WindowError.

    *given* are windows as `split_windows` reads them.
    """
    windows = split_windows(given)
    if not windows:
        return None
    known = _merge_spans(span for window in windows for span in list_window_spans(window, now))
    if any(span.contains(now, seconds) for span in known):
        return None
    following = next((span for span in known if span.start > now and span.contains(span.start, seconds)), None)
    current = next((span for span in known if span.start <= now), None)
    text = (
        f"the change window ends at {current.format_end()}, before this wave would (about {format_minutes(seconds)})"
        if current
        else "no change window is open"
    )
    return f"{text}; " + (
        f"the next one begins at {following.format_start()}"
        if following
        else f"within {HORIZON_DAYS} days none is long enough for this wave (about {format_minutes(seconds)})"
    )


def format_minutes(seconds: float) -> str:
    """*seconds* as people plan with them."""
    whole = max(1, round(seconds / 60))
    return f"{whole} min" if whole < 120 else f"{whole // 60} h {whole % 60:02d} min"
