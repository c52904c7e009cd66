"""A district's night through all stages on a real PostgreSQL."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from rostersync import database, ledger, pipeline
from rostersync.configuration import dictionary
from rostersync.database import tables
from rostersync.exceptions import ConfigurationError, DatabaseUnavailable, LostClaim, PermanentError
from rostersync.model import Outcome, RowCounts
from tests.support.district_nights import DAG, Nights, district, person, teaching, users_csv

GOOD = [person(1), person(2), teaching(3, "c1")]


def tasks(nights: Nights, name: str = "night-1") -> list[dict[str, object]]:
    """The night as Airflow runs it: task by task, nothing kept in memory."""
    run, code = nights.run(name), nights.config.code
    pulled = pipeline.pull(nights.services, run, code)
    for stage in (pipeline.validate, pipeline.upsert, pipeline.email):
        results = [dict(stage(nights.services, run, code, delivery)) for delivery in pulled.deliveries]
        if stage is pipeline.upsert:
            applied = results
    return applied


def test_a_first_night_creates_what_the_file_names(nights: Nights) -> None:
    nights.put(GOOD)
    [result] = nights.sync()
    assert result.outcome is Outcome.APPLIED
    assert (result.attempt, result.rows) == (1, RowCounts(read=3, accepted=3))
    assert result.counts["staff"]["created"] == 3
    assert result.counts["school"]["unchanged"] == 1
    assert result.counts["class"]["created"] == result.counts["enrollment"]["created"] == 1
    assert nights.people() == ["u1", "u2", "u3"]
    assert nights.messages() == [("count_report", "office@springfield.example", "sent")]
    assert len(list((nights.folder / "outbox").glob("*.eml"))) == 1


def test_one_bad_row_applies_exactly_the_others(nights: Nights) -> None:
    nights.put([person(1), person(2, userEmail="not an address"), person(3, schoolId="999"), person(4)])
    [result] = nights.sync()
    assert result.outcome is Outcome.APPLIED_WITH_ERRORS
    assert result.rows == RowCounts(read=4, accepted=2, rejected=2)
    assert nights.people() == ["u1", "u4"]
    assert [finding.flat for finding in result.findings] == [
        (3, "userEmail", "email-invalid"),
        (4, "schoolId", "school-unknown"),
    ]
    assert [to for _, to, _ in nights.messages()] == ["desk@springfield.example", "office@springfield.example"]


def test_a_row_that_does_not_fit_the_header_is_counted_and_the_others_apply(nights: Nights) -> None:
    nights.put(users_csv([person(1), person(2)]) + b"a,short,row\r\n")
    [result] = nights.sync()
    assert result.rows == RowCounts(read=3, accepted=2, rejected=1)
    assert result.counts["staff"] == {"created": 2, "updated": 0, "unchanged": 0, "removed": 0, "errors": 1}
    assert result.by_school["(none)"]["staff"]["errors"] == 1
    assert nights.people() == ["u1", "u2"]


def test_a_refused_file_applies_nothing_and_tells_those_who_want_problems(nights: Nights) -> None:
    nights.put(users_csv(GOOD).replace(b"userEmail", b"userEmial"))
    before = nights.fingerprint()
    [result] = nights.sync()
    assert result.outcome is Outcome.REFUSED
    assert (1, "userEmial", "header-misspelled") in [finding.flat for finding in result.findings]
    assert nights.fingerprint() == before
    assert nights.states() == ["refused"]
    assert [kind for kind, _, _ in nights.messages()] == ["refused", "refused"]


def test_the_tasks_one_by_one_do_what_one_process_does(nights: Nights) -> None:
    nights.put([*GOOD, person(5, userRole="Janitor")])
    [summary] = tasks(nights)
    assert summary["outcome"] == "applied_with_errors"
    assert summary["rows"] == {"read": 4, "accepted": 3, "rejected": 1, "set_aside": 0}
    assert nights.people() == ["u1", "u2", "u3"]
    assert nights.states() == ["applied"]


def test_what_the_tasks_return_is_ids_and_counts(nights: Nights) -> None:
    nights.put([*GOOD, person(5, userRole="Janitor")])
    run, code = nights.run(), nights.config.code
    ids = pipeline.pull(nights.services, run, code).deliveries
    told = [
        dict(stage(nights.services, run, code, each))
        for stage in (pipeline.validate, pipeline.upsert, pipeline.email)
        for each in ids
    ]
    for word in ("Quimby", "springfield.example", "Janitor", "u5", "users.csv"):
        assert word not in json.dumps([told, ids])


def test_every_task_again_changes_nothing(nights: Nights) -> None:
    nights.put(GOOD)
    first = tasks(nights)
    before, mails = nights.fingerprint(), nights.messages()
    assert tasks(nights) == first
    assert (nights.fingerprint(), nights.messages()) == (before, mails)


def test_an_old_run_made_again_does_not_touch_the_inbox(nights: Nights) -> None:
    nights.put([person(1)])
    nights.sync("night-1")
    nights.now += timedelta(days=1)
    nights.put([person(2)])
    looks = nights.looks
    [again] = nights.sync("night-1")
    assert (again.outcome, nights.looks) == (Outcome.APPLIED, looks)
    assert nights.people() == ["u1"]
    nights.sync("night-2")
    assert nights.people() == ["u1", "u2"]


def test_an_old_run_made_again_needs_no_landed_bytes(nights: Nights) -> None:
    nights.put([person(1)])
    first = tasks(nights)
    for path in (nights.folder / "landing").rglob("*"):
        if path.is_file():
            path.unlink()
    assert tasks(nights) == first


def test_an_empty_inbox_is_no_file(nights: Nights) -> None:
    [result] = nights.sync()
    assert (result.outcome, result.delivery) == (Outcome.NO_FILE, None)


def test_a_missing_inbox_is_our_failure_and_says_what_to_do(nights: Nights) -> None:
    nights.inbox.rmdir()
    [result] = nights.sync()
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.startswith("[source-refused]")


def test_a_file_that_grows_between_two_looks_waits_for_the_next_run(nights: Nights) -> None:
    nights.put([person(1)])
    nights.settle_seconds = 30
    services = nights.services
    growing = pipeline.Services(
        **{f: getattr(services, f) for f in services.__slots__} | {"sleep": lambda _: nights.put(GOOD)}
    )
    [result] = pipeline.sync(growing, nights.run(), nights.config.code)
    assert (result.outcome, result.delivery) == (Outcome.WAITING, None)
    assert nights.people() == []
    [result] = nights.sync("night-2")
    assert result.outcome is Outcome.APPLIED
    assert nights.people() == ["u1", "u2", "u3"]


def test_a_file_seen_with_the_same_size_and_time_before_is_not_waited_for(nights: Nights) -> None:
    nights.settle_seconds = 30
    nights.put(GOOD)
    nights.sync("night-1")
    nights.now += timedelta(minutes=5)
    nights.sync("night-2")
    assert nights.slept == [30]


def test_a_done_marker_spares_the_second_look(nights: Nights) -> None:
    nights.settle_seconds = 30
    nights.put(GOOD)
    (nights.inbox / "users.csv.done").touch()
    [result] = nights.sync()
    assert (result.outcome, nights.slept) == (Outcome.APPLIED, [])


def test_a_file_of_no_bytes_waits_for_its_upload_and_is_refused_when_it_stays_so(nights: Nights) -> None:
    nights.put(b"")
    (nights.inbox / "users.csv.done").touch()
    nights.settle_seconds = 30
    for minutes in (0, 20):
        nights.now += timedelta(minutes=minutes)
        [result] = nights.sync(f"night-1 after {minutes} minutes")
        assert (result.outcome, result.delivery) == (Outcome.WAITING, None)
    nights.now += timedelta(days=1)
    [result] = nights.sync("night-2")
    assert [finding.code for finding in result.findings] == ["file-empty"]
    assert result.outcome is Outcome.REFUSED


def test_several_files_are_applied_oldest_first(nights: Nights) -> None:
    nights.put([person(1, userLastName="Newer")], "users-a.csv", nights.now - timedelta(hours=1))
    nights.put([person(1, userLastName="Older")], "users-b.csv", nights.now - timedelta(hours=2))
    results = nights.sync()
    assert [result.outcome for result in results] == [Outcome.APPLIED, Outcome.APPLIED]
    with nights.owner.connect() as conn:
        assert conn.scalars(select(tables.person.c.last_name)).all() == ["Newer"]


def test_the_same_bytes_under_two_names_are_one_delivery(nights: Nights) -> None:
    nights.put(GOOD, "users-a.csv")
    nights.put(GOOD, "users-b.csv")
    assert [each.outcome for each in nights.sync()] == [Outcome.APPLIED]


def test_a_file_in_a_blackout_waits_and_is_applied_by_the_first_run_after(nights: Nights) -> None:
    day = nights.now.date()
    blackout = {"start": str(day - timedelta(days=1)), "end": str(day)}
    nights.config = district(nights.inbox, blackouts=[blackout])
    nights.put(GOOD)
    [waiting] = nights.sync("night-1")
    assert (waiting.outcome, nights.people(), nights.states()) == (Outcome.WAITING, [], ["pulled"])
    assert [each.outcome for each in nights.sync("night-1")] == [Outcome.WAITING]
    (nights.inbox / "users.csv").unlink()
    nights.now += timedelta(days=2)
    [applied] = nights.sync("night-2")
    assert applied.outcome is Outcome.APPLIED
    assert nights.people() == ["u1", "u2", "u3"]


def test_a_file_is_moved_away_only_where_the_configuration_says_so(nights: Nights) -> None:
    nights.config = district(nights.inbox, policies={"after_read": "move"})
    nights.put(GOOD)
    nights.sync()
    assert not (nights.inbox / "users.csv").exists()
    assert len(list((nights.inbox / "processed").iterdir())) == 1


def test_a_dry_run_counts_and_writes_nothing(nights: Nights) -> None:
    nights.put([*GOOD, person(5, schoolId="999")])
    before = nights.fingerprint()
    [result] = nights.sync(dry_run=True)
    assert result.outcome is Outcome.APPLIED_WITH_ERRORS
    assert result.counts["staff"]["created"] == 3
    assert (nights.fingerprint(), nights.states(), nights.messages()) == (before, [], [])
    with nights.owner.connect() as conn:
        assert conn.execute(select(tables.arrival)).all() == []
    [applied] = nights.sync()
    assert (applied.rows, applied.counts) == (result.rows, result.counts)


def test_a_check_with_a_district_knows_the_roster_and_writes_nothing(nights: Nights) -> None:
    data = users_csv([person(1), person(2, schoolId="999")])
    alone = pipeline.check(data, dictionary.load_dictionary())
    assert (alone.verdict, alone.rows) == ("accepted", RowCounts(read=2, accepted=2))
    before = nights.fingerprint()
    checked = pipeline.check(data, dictionary.load_dictionary(), nights.config, services=nights.services)
    assert (checked.verdict, checked.rows) == ("accepted_with_errors", RowCounts(read=2, accepted=1, rejected=1))
    assert [each["code"] for each in checked.to_json()["findings"]] == ["school-unknown"]
    assert nights.fingerprint() == before


def test_a_delivery_that_nobody_validated_fails_loudly_and_goes_on_after_a_clear(nights: Nights) -> None:
    nights.put(GOOD)
    run, code = nights.run(), nights.config.code
    [delivery] = pipeline.pull(nights.services, run, code).deliveries
    with pytest.raises(PermanentError):
        pipeline.upsert(nights.services, run, code, delivery)
    assert nights.states() == ["failed"]
    assert [each.outcome for each in nights.sync()] == [Outcome.APPLIED]


def test_a_delivery_of_another_district_is_refused_to_a_task(nights: Nights) -> None:
    nights.put(GOOD)
    [delivery] = pipeline.pull(nights.services, nights.run(), "springfield").deliveries
    nights.config = district(nights.inbox, code="shelbyville")
    with pytest.raises(PermanentError):
        pipeline.validate(nights.services, nights.run(), "shelbyville", delivery)


def test_a_second_copy_of_a_task_commits_nothing(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    nights.put(GOOD)
    run, code = nights.run(), nights.config.code
    [delivery] = pipeline.pull(nights.services, run, code).deliveries
    pipeline.validate(nights.services, run, code, delivery)
    # The newer copy takes the delivery over just before the older one plans.
    from rostersync import planning

    lock = planning.lock_district

    def overtaken(*args: object) -> int:
        with database.transaction(nights.engine, code) as conn:
            ledger.claim(conn, delivery, "newer copy")
        return lock(*args)

    monkeypatch.setattr(planning, "lock_district", overtaken)
    before = nights.fingerprint()
    with pytest.raises(LostClaim):
        pipeline.upsert(nights.services, run, code, delivery)
    assert (nights.fingerprint(), nights.messages(), nights.states()) == (before, [], ["validated"])


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, DatabaseUnavailable("away"), RuntimeError])
def test_a_task_that_ends_with_an_error_is_not_counted_as_killed(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, error: BaseException | type[BaseException]
) -> None:
    nights.put(GOOD)
    run, code = nights.run(), nights.config.code
    [delivery] = pipeline.pull(nights.services, run, code).deliveries

    def stopped(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr("rostersync.pipeline.validating.screen_landed_bytes", stopped)
        for _ in range(3):
            with pytest.raises(error if isinstance(error, type) else type(error)):
                pipeline.validate(nights.services, run, code, delivery)
    pipeline.validate(nights.services, run, code, delivery)
    assert nights.states() == ["validated"]


def test_a_configuration_changed_between_validate_and_upsert_is_followed(nights: Nights) -> None:
    nights.put([person(1), person(2)])
    run, code = nights.run(), nights.config.code
    [delivery] = pipeline.pull(nights.services, run, code).deliveries
    pipeline.validate(nights.services, run, code, delivery)
    nights.config = district(nights.inbox, limits={"max_rows": 1})
    assert pipeline.upsert(nights.services, run, code, delivery)["outcome"] == "refused"
    assert nights.people() == []


def test_a_run_keeps_the_districts_of_its_first_list(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    from rostersync.configuration import districts

    monkeypatch.setattr(districts, "codes_of_wave", lambda wave: ["shelbyville", "springfield"])
    run = nights.run()
    assert pipeline.list_districts(nights.services, run, "nightly") == ["shelbyville", "springfield"]
    monkeypatch.setattr(districts, "codes_of_wave", lambda wave: ["springfield"])
    assert pipeline.list_districts(nights.services, run, "nightly") == ["shelbyville", "springfield"]
    assert pipeline.list_districts(nights.services, nights.run("night-2"), "nightly", ["springfield"]) == [
        "springfield"
    ]
    with pytest.raises(ConfigurationError):
        pipeline.list_districts(nights.services, nights.run("night-3"), "nightly", ["ogdenville"])


def test_counts_add_up_to_the_distinct_entities_named(nights: Nights) -> None:
    nights.put([*GOOD, teaching(1, "c1", userFirstName="Ada1"), person(6, schoolId="999"), person(7, userRole="Owner")])
    [result] = nights.sync()
    totals = {entity: sum(buckets.values()) for entity, buckets in result.counts.items()}
    assert totals == {"school": 2, "staff": 5, "class": 1, "enrollment": 2}


def test_progress_names_the_stages_in_order(nights: Nights) -> None:
    nights.put(GOOD)
    told: list[tuple[str, str]] = []
    pipeline.sync(nights.services, nights.run(), "springfield", progress=lambda code, stage: told.append((code, stage)))
    assert told == [("springfield", stage) for stage in ("pull", "validate", "upsert", "email")]


def test_the_json_of_a_result_has_the_documented_shape(nights: Nights) -> None:
    nights.put([person(1), person(2, userEmail="nobody")])
    [result] = nights.sync()
    shown = result.to_json(dictionary.load_dictionary())
    assert list(shown) == ["district", "delivery", "attempt", "outcome", "rows", "counts", "by_school", "findings"]
    assert shown["counts"]["staff"] == {"created": 1, "updated": 0, "unchanged": 0, "removed": 0, "errors": 1}
    assert "nobody" not in json.dumps(shown)


def test_a_name_that_no_database_row_knows_is_entered_with_the_first_look(nights: Nights) -> None:
    nights.config = district(nights.inbox, code="shelbyville", name="Shelbyville ISD")
    pipeline.pull(nights.services, nights.run(), "shelbyville")
    with nights.owner.connect() as conn:
        name = select(tables.district.c.name).where(tables.district.c.code == "shelbyville")
        assert conn.scalar(name) == "Shelbyville ISD"


def test_an_unfinished_delivery_goes_on_in_the_next_run(nights: Nights) -> None:
    nights.put([person(1)])
    pipeline.pull(nights.services, nights.run("night-1"), "springfield")
    (nights.inbox / "users.csv").unlink()
    assert [each.outcome for each in nights.sync("night-2")] == [Outcome.APPLIED]
    with nights.owner.begin() as conn:
        conn.execute(update(tables.run_delivery).values(outcome=None).where(tables.run_delivery.c.run_id == "night-1"))
    assert [each.outcome for each in nights.sync("night-1")] == [Outcome.DUPLICATE]
    assert nights.run("night-1").dag_id == DAG


def test_an_address_that_another_district_takes_meanwhile_is_judged_again(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rostersync import planning

    nights.put([person(1), person(2)])
    plan, plans = planning.plan, []

    def overtaken(*args: Any) -> planning.Plan:
        plans.append(plan(*args))
        if len(plans) == 1:
            elsewhere(nights, "ada.1@springfield.example")
        return plans[-1]

    monkeypatch.setattr(planning, "plan", overtaken)
    [result] = nights.sync()
    assert len(plans) == 2
    assert [finding.flat for finding in result.findings] == [(2, "userEmail", "email-taken")]
    assert nights.people() == ["u2", "x"]


def elsewhere(nights: Nights, address: str) -> None:
    """Somebody of another district has this address from now on."""
    one = {"district": "shelbyville", "user_id": "x", "role": "Teacher", "first_name": "X", "last_name": "X"}
    with nights.owner.begin() as conn:
        conn.execute(insert(tables.district).values(code="shelbyville", name="Shelbyville"))
        conn.execute(insert(tables.person).values(**one, owner="source", email=address, email_key=address))
