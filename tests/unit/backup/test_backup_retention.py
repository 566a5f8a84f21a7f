"""Which backups a policy keeps: the calendar and the exceptions."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from usenet_stack.backup.retention import GIB, Kept, judge
from usenet_stack.stack.settings import BackupKeepTable

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOTHING = dict.fromkeys(BackupKeepTable.__struct_fields__, 0)


def policy(**given: int) -> BackupKeepTable:
    return BackupKeepTable(**(NOTHING | given))


def backup(name: str, *, hours: float = 0, **more: object) -> Kept:
    made = (NOW - timedelta(hours=hours)).timestamp()
    return Kept(name, made, GIB, **more)  # type: ignore[arg-type]


def stay(backups: list[Kept], wanted: BackupKeepTable, free: int = 0) -> str:
    found = judge(backups, wanted, NOW.timestamp(), free)
    return " ".join(verdict.name for verdict in found if verdict.stays)


DAYS = [backup(f"d{day}", hours=24 * day) for day in range(400)]


def test_the_last_ones() -> None:
    assert stay(DAYS, policy(last=3)) == "d0 d1 d2"


def test_the_newest_of_each_day() -> None:
    twice = [backup("old", hours=3), backup("new", hours=1)]
    yesterday = [backup("a", hours=20), backup("b", hours=30)]
    found = stay([*twice, *yesterday], policy(daily=2))
    assert found == "new a"


def test_days_without_a_backup_do_not_count() -> None:
    backups = [backup("a"), backup("b", hours=500), backup("c", hours=1000)]
    assert stay(backups, policy(daily=2)) == "a b"


def test_weeks_months_and_years() -> None:
    assert stay(DAYS, policy(weekly=3)) == "d0 d7 d14"
    assert stay(DAYS, policy(monthly=3)) == "d0 d22 d53"
    assert stay(DAYS, policy(yearly=2)) == "d0 d326"


def test_each_rule_wants_its_own() -> None:
    assert stay(DAYS, policy(last=2, monthly=2)) == "d0 d1 d22"


def test_the_newest_good_one_stays_whatever_the_policy() -> None:
    assert stay(DAYS, policy()) == "d0"
    damaged = [backup("bad", good=False), backup("good", hours=900)]
    assert stay(damaged, policy(older_than_days=1)) == "good"


def test_a_backup_of_one_service_replaces_none_of_all() -> None:
    one = backup("one")._replace(whole=False)
    backups = [one, backup("all", hours=900), backup("old", hours=990)]
    assert stay(backups, policy(older_than_days=1)) == "one all"
    assert stay(backups, policy(min_free=99)) == "one all"


def test_a_pinned_one_stays() -> None:
    backups = [backup("a"), backup("b", hours=9000, pinned=True)]
    assert stay(backups, policy(older_than_days=1)) == "a b"


def test_age_takes_what_others_keep() -> None:
    assert stay(DAYS, policy(last=9, older_than_days=4)) == "d0 d1 d2 d3 d4"


def test_the_oldest_make_room() -> None:
    five = DAYS[:5]
    wanted = policy(last=5, min_free=3)
    assert stay(five, wanted, free=3 * GIB) == "d0 d1 d2 d3 d4"
    assert stay(five, wanted, free=GIB) == "d0 d1 d2"
    assert stay(five, policy(last=5, min_free=99)) == "d0"


def test_a_damaged_one_takes_no_good_ones_place() -> None:
    backups = [backup("bad", good=False), backup("a", hours=1)]
    backups.append(backup("b", hours=2))
    assert stay(backups, policy(last=2)) == "a b"


kept = st.builds(
    Kept,
    name=st.uuids().map(str),
    created=st.floats(1e9, 2e9),
    size=st.integers(0, GIB),
    pinned=st.booleans(),
    good=st.booleans(),
)
policies = st.builds(
    BackupKeepTable,
    **{name: st.integers(0, 5) for name in BackupKeepTable.__struct_fields__},
)


@given(st.lists(kept, max_size=20), policies, st.integers(0, 10 * GIB))
def test_what_never_goes(
    backups: list[Kept], wanted: BackupKeepTable, free: int
) -> None:
    found = {v.name: v for v in judge(backups, wanted, 2e9, free)}
    assert set(found) == {each.name for each in backups}
    assert all(verdict.why for verdict in found.values())
    assert all(found[each.name].stays for each in backups if each.pinned)
    good = [each for each in backups if each.good]
    if good:
        newest = max(each.created for each in good)
        assert any(
            found[each.name].stays for each in good if each.created == newest
        )
