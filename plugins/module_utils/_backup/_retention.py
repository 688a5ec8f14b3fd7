# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which backups are not needed any more. Data in, data out."""

import datetime
from typing import Callable, List, NamedTuple, Sequence, Set, Tuple

KEEP_OPTIONS = ("keep_last", "keep_daily", "keep_weekly", "keep_monthly", "keep_within_days")


class KnownBackup(NamedTuple):
    """A backup: ``good`` if it is readable and was read back, ``verified`` if a drill proved it; and its run."""

    identifier: str
    good: bool
    verified: bool
    run: str


class KeepPolicy(NamedTuple):
    """Numbers of backups to keep: the last ones, the newest of each day, week and month, and all of the last days."""

    last: int
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    within_days: int = 0


def parse_backup_time(identifier: str) -> datetime.datetime:
    """The time at which the backup *identifier* was begun, UTC."""
    return datetime.datetime.strptime(identifier.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(
        tzinfo=datetime.timezone.utc
    )


def _get_day(moment: datetime.datetime) -> Tuple[int, ...]:
    return (moment.year, moment.month, moment.day)


def _get_week(moment: datetime.datetime) -> Tuple[int, ...]:
    return tuple(moment.isocalendar()[:2])


def _get_month(moment: datetime.datetime) -> Tuple[int, ...]:
    return (moment.year, moment.month)


def _find_newest_of_each(
    names: Sequence[str], period: Callable[[datetime.datetime], Tuple[int, ...]], count: int
) -> Set[str]:
    """Of *names*, oldest first, the newest of each of the last *count* periods that have one."""
    newest = {period(parse_backup_time(name)): name for name in names}
    return set(newest[key] for key in sorted(newest)[-count:]) if count > 0 else set()


def find_expendable_backups(
    known: Sequence[KnownBackup], keep: KeepPolicy, now: datetime.datetime, open_runs: Sequence[str] = ()
) -> List[str]:
    """Those of *known*, oldest first, that *keep* does not keep at the time *now*; none if all its numbers are 0.

    Always kept are the last good one, the last verified one, those of *open_runs*, and those after the last good one.
    """
    if not any(keep):
        return []
    good = [backup.identifier for backup in known if backup.good]
    if not good:
        return []
    stay = set(good[-max(1, keep.last) :]) | {good[-1]}
    for period, count in ((_get_day, keep.daily), (_get_week, keep.weekly), (_get_month, keep.monthly)):
        stay |= _find_newest_of_each(good, period, count)
    if keep.within_days:
        limit = datetime.timedelta(days=keep.within_days)
        stay |= {name for name in good if now - parse_backup_time(name) <= limit}
    stay |= set([backup.identifier for backup in known if backup.verified][-1:])
    stay |= {backup.identifier for backup in known if backup.run in open_runs}
    return [backup.identifier for backup in known if backup.identifier not in stay and backup.identifier < good[-1]]
