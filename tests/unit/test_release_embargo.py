"""Embargoes: the hour of Paris whatever the machine, nothing published before it, nothing lost."""

import shutil
import stat
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from assets import publishing, running
from assets.cli import app
from assets.publishing import EmbargoError, publish, publish_held, told
from assets.running import Outcome
from observatory import sessions
from observatory.errors import InputError
from observatory.intake.purging import purge
from observatory.paths import CONVENTIONS, PROJECT, DataPaths
from observatory.releases.embargo import PARIS, instant, pending
from observatory.releases.mark import write_mark
from observatory.rendering.imprint import CARD, read_imprint
from observatory.sessions import HeldEditionError, Session
from observatory.warehouse import read_table

GOOD = (PROJECT / "data" / "reference" / CARD).read_text("utf-8")
UNTIL = datetime(2027, 1, 15, 5, tzinfo=UTC)
BEFORE, AFTER = UNTIL - timedelta(seconds=1), UNTIL


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (datetime(2027, 1, 15, 6), datetime(2027, 1, 15, 5, tzinfo=UTC)),
        (datetime(2027, 7, 15, 6), datetime(2027, 7, 15, 4, tzinfo=UTC)),
        # The last hour of winter and the first of summer, 2027-03-28.
        (datetime(2027, 3, 28, 1, 59), datetime(2027, 3, 28, 0, 59, tzinfo=UTC)),
        (datetime(2027, 3, 28, 3), datetime(2027, 3, 28, 1, tzinfo=UTC)),
        (
            datetime(2027, 1, 15, 6, tzinfo=timezone(timedelta(hours=2))),
            datetime(2027, 1, 15, 4, tzinfo=UTC),
        ),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_an_hour_is_that_of_paris_whatever_the_machine(
    written: datetime, expected: datetime, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert instant(written) == expected
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("written", [datetime(2027, 3, 28, 2, 30), datetime(2026, 10, 25, 2, 30)])
def test_an_hour_that_clocks_skip_or_repeat_is_refused(written: datetime) -> None:
    with pytest.raises(ValueError, match="changement d’heure"):
        instant(written)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2040, 1, 1)))
def test_an_instant_leads_back_to_its_hour(written: datetime) -> None:
    try:
        found = instant(written)
    except ValueError:
        assert written.month in (3, 10)
        assert written.hour == 2
        return
    assert found.astimezone(PARIS).replace(tzinfo=None) == written


def test_an_embargo_is_over_at_its_very_hour() -> None:
    assert pending(UNTIL, BEFORE)
    assert not pending(UNTIL, AFTER)
    assert not pending(None, BEFORE)


def card(folder: Path, embargo: str, day: str = "2027-01-15") -> Path:
    text = GOOD.replace("release: 2026-1", "release: 2027-1").replace("2026-11-25\n", f"{day}\n", 1)
    path = folder / CARD
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + embargo, "utf-8")
    return path


@pytest.mark.parametrize("hour", ["2027-01-15T06:00", "2027-01-15 06:00:00", '"2027-01-15T06:00:00+01:00"'])
def test_the_card_gives_the_hour_in_any_usual_form(tmp_path: Path, hour: str) -> None:
    imprint = read_imprint(card(tmp_path, f"embargo_until: {hour}\n"))
    assert imprint.embargo_until == UNTIL
    assert "15 janvier 2027 à 6\u00a0h\u00a000, heure de Paris" in told(imprint)


@pytest.mark.parametrize(
    ("hour", "day"),
    [("2027-01-16T06:00", "2027-01-15"), ("2027-03-28T02:30", "2027-03-28"), ("demain", "2027-01-15")],
)
def test_a_card_whose_embargo_makes_no_sense_is_refused(tmp_path: Path, hour: str, day: str) -> None:
    with pytest.raises(InputError, match="Que faire"):
        read_imprint(card(tmp_path, f"embargo_until: {hour}\n", day))


@pytest.fixture
def paths(tmp_path: Path) -> DataPaths:
    """Return data folders with a former edition published, and a card that sets an embargo."""
    made = DataPaths(tmp_path / "data", tmp_path / "shipped")
    card(made.reference, "embargo_until: 2027-01-15T06:00\n")
    with Session(made, "former") as session:
        stage(session, 1)
        session.commit()
    return made


def stage(session: Session, generation: int) -> None:
    session.write("x.generation", pl.DataFrame({"n": [generation]}))
    session.write("confidential.generation", pl.DataFrame({"n": [generation]}))
    session.site.mkdir()
    (session.site / "index.html").write_text(str(generation))
    write_mark(session.site, "2027-1", UNTIL.date())
    (session.partners / "epci").mkdir(parents=True)
    (session.partners / "epci" / "index.html").write_text(str(generation))


def run(paths: DataPaths, generation: int, now: datetime) -> datetime | None:
    with Session(paths, f"run-{generation}") as session:
        stage(session, generation)
        return publish(session, now)


def released(paths: DataPaths, now: datetime = AFTER) -> str:
    with Session(paths, "release") as session:
        return publish_held(session, now)


def generation(paths: DataPaths) -> int:
    """Return the generation of everything that is published, which must be one."""
    (found,) = {
        read_table(paths, "x.generation")["n"].item(),
        read_table(paths, "confidential.generation")["n"].item(),
        int((paths.site / "index.html").read_text()),
        int((paths.partners / "epci" / "index.html").read_text()),
    }
    return found


@pytest.fixture(autouse=True)
def agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the agreements of the partners as in force; one test looks at them."""
    monkeypatch.setattr(publishing, "_check_agreements", lambda *_: None)


def test_before_its_hour_an_edition_is_held_for_its_owner_only(paths: DataPaths) -> None:
    former = paths.database.read_bytes()
    assert run(paths, 2, BEFORE) == UNTIL
    assert generation(paths) == 1
    assert paths.database.read_bytes() == former
    assert (paths.under_embargo / "site" / "index.html").read_text() == "2"
    assert stat.S_IMODE(paths.under_embargo.stat().st_mode) == 0o700
    assert not list((paths.warehouse / "sessions").iterdir())
    with pytest.raises(EmbargoError, match="15 janvier 2027"):
        released(paths, BEFORE)
    assert generation(paths) == 1


def test_from_its_hour_on_what_was_held_is_published_as_it_was(paths: DataPaths) -> None:
    run(paths, 2, BEFORE)
    reviewed = (paths.under_embargo / "site").stat().st_ino
    assert released(paths) == "2027-1"
    assert generation(paths) == 2
    assert paths.site.stat().st_ino == reviewed
    # What everyone may read was not closed by the embargo.
    assert (paths.site / "index.html").stat().st_mode & stat.S_IROTH
    assert not paths.under_embargo.exists()
    with pytest.raises(HeldEditionError, match="Aucune"):
        released(paths)


def test_a_run_after_the_hour_publishes_and_makes_the_held_one_obsolete(paths: DataPaths) -> None:
    run(paths, 2, BEFORE)
    assert run(paths, 3, AFTER) is None
    assert generation(paths) == 3
    assert not paths.under_embargo.exists()


def test_a_later_run_takes_the_place_of_what_was_held(paths: DataPaths) -> None:
    run(paths, 2, BEFORE)
    run(paths, 3, BEFORE)
    released(paths)
    assert generation(paths) == 3


def test_tables_alone_are_published_and_what_was_held_must_then_be_made_again(paths: DataPaths) -> None:
    run(paths, 2, BEFORE)
    with Session(paths, "tables") as session:
        session.write("y.other", pl.DataFrame({"n": [7]}))
        assert publish(session, BEFORE) is None
    assert read_table(paths, "y.other")["n"].to_list() == [7]
    with pytest.raises(HeldEditionError, match="observatory run"):
        released(paths)
    assert generation(paths) == 1


def test_what_is_held_must_be_the_edition_of_the_card(paths: DataPaths) -> None:
    run(paths, 2, BEFORE)
    write_mark(paths.under_embargo / "site", "2026-4", UNTIL.date())
    with pytest.raises(HeldEditionError, match="2026-4"):
        released(paths)


AGREEMENT = """
agreements:
  - partner: epci
    name: Une intercommunalité
    kind: epci
    reference: convention 1
    territories: [{level: epci, code: "246200364"}]
    measures: all
    first_day: 2025-01-01
    last_day: LAST
"""


@pytest.mark.parametrize("last", [None, "2027-01-14", "2027-01-15"])
def test_an_agreement_that_ended_meanwhile_stops_the_publication(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch, last: str | None
) -> None:
    run(paths, 2, BEFORE)
    monkeypatch.undo()
    if last is not None:
        paths.confidential.mkdir(parents=True)
        (paths.confidential / CONVENTIONS).write_text(AGREEMENT.replace("LAST", last), "utf-8")
    if last == "2027-01-15":
        released(paths)
        assert generation(paths) == 2
        return
    with pytest.raises(HeldEditionError, match="convention"):
        released(paths)
    assert generation(paths) == 1


class KilledError(Exception):
    """Stands in for the end of the process."""


@pytest.mark.parametrize("step", ["rmtree", "_publish"])
def test_a_kill_while_publishing_what_was_held_loses_nothing(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Killed after the mark and before the rename, then after the rename."""
    run(paths, 2, BEFORE)
    session = Session(paths, "killed")
    session.__enter__()

    def die(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(sessions.shutil if step == "rmtree" else sessions, step, die)
        with pytest.raises(KilledError):
            session.release_held()
    # The lock goes with the process; its folder stays.
    session._held.close()
    if step == "rmtree":
        released(paths)
    else:
        with Session(paths, "next"):
            pass
    assert generation(paths) == 2
    assert not paths.under_embargo.exists()


def test_a_kill_while_holding_never_publishes_what_was_held_before(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(paths, 2, BEFORE)
    # A publication killed once its mark was written left that mark.
    (paths.under_embargo / sessions.READY).write_text("{}")
    session = Session(paths, "killed")
    session.__enter__()
    stage(session, 3)
    session.hold()
    session._held.close()
    assert session.folder.exists()
    with Session(paths, "next"):
        pass
    assert generation(paths) == 1
    assert (paths.under_embargo / "site" / "index.html").read_text() == "3"


def test_a_purge_takes_away_what_is_held(paths: DataPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    run(paths, 2, BEFORE)
    delivery = paths.confidential / "sia-habitat" / "2024"
    delivery.mkdir(parents=True)
    from observatory.intake import purging

    taken = purging.Held(delivery, "sia-habitat", 2024, True, 1, UNTIL.date(), UNTIL.date(), False)
    monkeypatch.setattr(purging, "write_journal", lambda *_: None)
    monkeypatch.setattr(purging, "remove_folder", shutil.rmtree)
    assert purge(paths, [taken], UNTIL, "qui")
    assert not paths.under_embargo.exists()
    assert not paths.partners.exists()


def test_the_command_says_until_when_an_edition_is_held_and_where_to_review_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imprint = read_imprint(card(tmp_path, "embargo_until: 2027-01-15T06:00\n"))
    outcome = Outcome([("Recensement", "2021")], 3, 3, 12, 0, [], [], imprint.embargo_until)
    monkeypatch.setenv("OBSERVATORY_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(running, "run_everything", lambda *_, **__: outcome)
    monkeypatch.setattr("observatory.rendering.imprint.read_imprint", lambda _: imprint)
    done = CliRunner().invoke(app, ["run"])
    assert done.exit_code == 0, done.output
    assert "sous embargo jusqu’au 15 janvier 2027 à 6\u00a0h\u00a000" in done.output
    assert str(tmp_path / "data" / "under_embargo" / "site" / "index.html") in done.output
    assert str(tmp_path / "data" / "site") not in done.output
