"""Which backups are kept. Times only, no clock: a wrong clock, or nights without a backup, delete nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

DAILY = 7
WEEKLY = 5


def kept(times: Iterable[datetime], daily: int = DAILY, weekly: int = WEEKLY) -> set[datetime]:
    """The times to keep of those of all good backups.

    The newest backup of each of the last `daily` days that have one, and the newest of each of the last `weekly` ISO
    weeks that have one. Days and weeks are those of UTC. The newest of all is the newest of its day, so it is kept.
    """
    if daily < 1 or weekly < 0:
        raise ValueError("at least one day has to be kept, and no negative number of weeks")
    newest_of_day: dict[tuple, datetime] = {}
    newest_of_week: dict[tuple, datetime] = {}
    for time in sorted(times):
        if time.tzinfo is None:
            raise ValueError(f"{time} has no time zone")
        universal = time.astimezone(UTC)
        newest_of_day[(universal.year, universal.month, universal.day)] = time
        newest_of_week[universal.isocalendar()[:2]] = time
    days = sorted(newest_of_day)[-daily:]
    weeks = sorted(newest_of_week)[-weekly:] if weekly else []
    return {newest_of_day[day] for day in days} | {newest_of_week[week] for week in weeks}


def expendable(times: Iterable[datetime], daily: int = DAILY, weekly: int = WEEKLY) -> list[datetime]:
    """The times not to keep, oldest first."""
    times = list(times)
    return sorted(set(times) - kept(times, daily, weekly))
