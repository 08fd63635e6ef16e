"""Which backups are kept, whatever the times of those that there are; and the names that hold these times."""

import random
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis_backup.manifest import new_identifier, time_of
from redis_backup.retention import DAILY, WEEKLY, expendable, kept

# Enough to meet year ends, and weeks that belong to the other year.
TIMES = st.datetimes(datetime(2024, 12, 1), datetime(2026, 2, 1), timezones=st.just(UTC))
OFFSETS = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))


def day(time: datetime):
    return time.astimezone(UTC).date()


def week(time: datetime):
    return time.astimezone(UTC).isocalendar()[:2]


@given(st.lists(TIMES, max_size=200), st.integers(1, 10), st.integers(0, 10))
def test_the_newest_of_the_last_days_and_weeks_are_kept_and_nothing_else(times, daily, weekly):
    expected = {max(time for time in times if day(time) == one) for one in sorted(set(map(day, times)))[-daily:]}
    weeks = sorted(set(map(week, times)))
    for one in weeks[max(0, len(weeks) - weekly) :]:
        expected.add(max(time for time in times if week(time) == one))
    assert kept(times, daily, weekly) == expected


@given(st.lists(TIMES, min_size=1, max_size=200))
def test_the_newest_is_always_kept_and_no_more_than_twelve(times):
    result = kept(times)
    assert max(times) in result
    assert result <= set(times)
    assert len(result) <= DAILY + WEEKLY
    assert len(result) >= min(DAILY, len(set(map(day, times))))
    assert set(expendable(times)) == set(times) - result


@given(st.lists(TIMES, max_size=100))
def test_what_is_kept_once_is_kept_again(times):
    assert kept(kept(times)) == kept(times)
    assert expendable(kept(times)) == []


@given(st.lists(TIMES, max_size=100), st.randoms())
def test_the_order_and_the_time_zone_of_the_list_do_not_matter(times, chance):
    moved = [time.astimezone(timezone(timedelta(hours=chance.randint(-14, 14)))) for time in times]
    chance.shuffle(moved)
    assert kept(moved) == kept(times)


@given(st.lists(TIMES, min_size=1, max_size=150))
def test_deleting_every_night_keeps_what_deleting_once_at_the_end_would(times):
    there: set[datetime] = set()
    for time in sorted(times):
        there = kept(there | {time})
    assert there == kept(times)


@given(st.integers(1, 400), st.floats(0, 0.9), st.integers(0, 2**32))
def test_a_year_of_nights_with_some_missed_leaves_the_last_seven_and_five_weeks(nights, missed, seed):
    chance = random.Random(seed)
    first = datetime(2026, 1, 1, 2, 15, tzinfo=UTC)
    made = [first + timedelta(days=night) for night in range(nights) if chance.random() >= missed]
    result = kept(made)
    assert set(made[-DAILY:]) <= result
    assert {week(time) for time in result} >= set(sorted(set(map(week, made)))[-WEEKLY:])


def test_several_a_day_leave_the_last_of_the_day():
    times = [datetime(2026, 11, 26, hour, tzinfo=UTC) for hour in (2, 9, 23)]
    assert kept(times) == {times[2]}


def test_a_day_ends_at_midnight_utc():
    west = timezone(timedelta(hours=-8))
    evening, night = datetime(2026, 11, 25, 15, tzinfo=west), datetime(2026, 11, 25, 17, tzinfo=west)
    assert kept([evening, night], weekly=0) == {evening, night}


def test_a_wrong_clock_deletes_only_as_many_as_one_more_night_would():
    nights = [datetime(2026, 11, 1, 2, 15, tzinfo=UTC) + timedelta(days=number) for number in range(20)]
    future = datetime(2036, 1, 1, tzinfo=UTC)
    assert kept([*nights, future]) >= {future, *nights[-6:]}


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        kept([datetime(2026, 11, 26)])


@given(TIMES, OFFSETS)
def test_a_name_holds_the_time_in_utc(time, offset):
    assert timedelta(0) <= time - time_of(new_identifier(time.astimezone(offset))) < timedelta(milliseconds=0.3)


@pytest.mark.parametrize(
    "name", ["", "lost+found", "20261126T021500Z", "20261326T021500Z-0a1b2c", "x20261126T021500Z-0a1b2c"]
)
def test_what_is_no_backup_has_no_time(name):
    assert time_of(name) is None
