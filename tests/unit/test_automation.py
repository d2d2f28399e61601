"""What runs without anybody: when it is asked for, what it may publish, and what it says."""

import errno
import os
from datetime import UTC, datetime

import dagster as dg
import polars as pl
import pytest
from dagster import build_schedule_context
from dagster._utils.schedules import cron_string_iterator

import assets.raw.files as files_module
from assets import automation, running, telling
from assets.automation import (
    OCCASION,
    REMEDY,
    TRIGGER,
    WHERE,
    check_sources,
    every_month,
    every_year,
    yearly_refresh,
)
from assets.definitions import defs, ingest_name
from assets.instance import WITHIN, WRITER, end_orphans, prepare_instance
from assets.raw.files import PATIENT, asset_name
from assets.running import DegradedRunError, Outcome, RunFailedError, _failed, _refuse_degraded
from assets.storage import SESSION
from observatory.alerts import AlertError, AlertSettings
from observatory.paths import DataPaths, data_paths
from observatory.sessions import Session, WarehouseBusyError
from observatory.sources.continuity import deliveries_changed, losses
from observatory.sources.obtaining import EMBEDDED, Mode
from observatory.sources.requesting import FetchError
from observatory.sources.watching import watch
from observatory.tables import FILES

RPLS = "sdes_rpls"


@pytest.fixture
def paths(tmp_path, monkeypatch) -> DataPaths:
    monkeypatch.setenv("OBSERVATORY_DATA", str(tmp_path))
    monkeypatch.delenv("OBSERVATORY_SOURCES", raising=False)
    monkeypatch.setenv("OBSERVATORY_DELIVERED", "")
    return data_paths()


@pytest.fixture
def alerts(monkeypatch):
    """Return the alerts that left; those of a transport that is down do not."""
    sent = []
    monkeypatch.setattr(telling, "read_settings", lambda _: AlertSettings())
    monkeypatch.setattr(telling, "deliver", lambda alert, *_: sent.append(alert))
    return sent


def files(*rows):
    """Return ``core.files`` of (source, vintage, sha256, fictive)."""
    day = datetime(2026, 2, 1, tzinfo=UTC).date()
    return FILES.conform(
        pl.DataFrame(
            [
                {
                    "file_id": f"{source}:{vintage}:data",
                    "source": source,
                    "title": f"Titre de {source}",
                    "producer": "p",
                    "vintage": vintage,
                    "sha256": sha256 * 64,
                    "url": "https://exemple.test",
                    "licence": "l",
                    "fetched_at": day,
                    "fictive": fictive,
                }
                for source, vintage, sha256, fictive in rows
            ],
            schema=FILES.polars_schema,
        )
    )


def ticks(schedule, start, count):
    found = cron_string_iterator(start.timestamp(), schedule.cron_schedule, schedule.execution_timezone)
    return [next(found) for _ in range(count)]


def test_the_months_keep_their_local_hour_across_both_changes():
    """05:30 in Paris is 04:30 UTC in winter, 03:30 in summer (28 March to 31 October 2027)."""
    found = ticks(every_month, datetime(2026, 12, 31, tzinfo=UTC), 12)
    assert [tick.astimezone(UTC).strftime("%m-%d %H:%M") for tick in found] == [
        f"{month:02}-03 {'03:30' if 4 <= month <= 10 else '04:30'}" for month in range(1, 13)
    ]


def test_a_year_asks_once_under_its_own_name():
    first, second = ticks(every_year, datetime(2026, 11, 28, tzinfo=UTC), 2)
    assert [tick.astimezone(UTC).isoformat() for tick in (first, second)] == [
        "2027-02-01T03:00:00+00:00",
        "2028-02-01T03:00:00+00:00",
    ]
    # The clock is put back and the tick comes again: the same key, which Dagster starts once.
    keys = []
    for tick in (first, first, second):
        context = build_schedule_context(scheduled_execution_time=tick)
        (request,) = every_year.evaluate_tick(context).run_requests
        keys.append(request.run_key)
        assert request.tags[OCCASION] == request.run_key
        assert request.tags[TRIGGER] == "schedule"
    assert keys == ["refresh-2027", "refresh-2027", "refresh-2028"]


def test_nothing_starts_by_itself_without_the_switch():
    assert {each.default_status for each in automation.SCHEDULES} == {dg.DefaultScheduleStatus.STOPPED}
    assert {each.default_status for each in defs.sensors} == {dg.DefaultSensorStatus.STOPPED}


def test_whatever_writes_waits_for_its_turn():
    """Every step that opens a session is in the pool of the one writer, and the refresh of everything too."""
    writers = set()
    for name in (
        "refresh",
        "yearly_refresh",
        *(job.name for job in defs.jobs if job.name != "check_sources"),
    ):
        for node in defs.resolve_job_def(name).graph.node_defs:
            assert node.pool == WRITER, node.name
            writers.add(node.name)
    assert {
        "refresh_everything",
        "published_all__site",
        "published_all__site_audit_confidentialite",
    } <= writers
    (free,) = defs.resolve_job_def("check_sources").graph.node_defs
    assert free.pool is None
    assert SESSION not in check_sources.get_required_resource_defs()


def test_published_assets_are_held_to_the_year():
    graph = defs.resolve_asset_graph()
    held = {key.to_user_string() for key in graph.get_all_asset_keys() if graph.get(key).freshness_policy}
    assert held == {"published_all__site", "published_partners__editions", "indicators_all__observations"}


def run_job(job, instance, **options):
    return job.execute_in_process(instance=instance, raise_on_error=False, **options)


def failure_of(result):
    (event,) = [event for event in result.all_events if event.is_step_failure]
    return event.step_failure_data.user_failure_data


def test_a_refresh_is_strict_patient_and_carries_its_tags(paths, alerts, monkeypatch):
    asked = []

    def refreshed(say, **options):
        asked.append(options)
        return Outcome([], 12, 12, 790, 0, [], ["RPLS, 2024 : le contenu a changé."], None)

    monkeypatch.setattr(running, "run_everything", refreshed)
    with dg.DagsterInstance.ephemeral() as instance:
        tags = {OCCASION: "refresh-2027", TRIGGER: "schedule"}
        assert run_job(yearly_refresh, instance, tags=tags).success
    (options,) = asked
    assert options["strict"]
    assert {OCCASION: "refresh-2027", TRIGGER: "schedule"}.items() <= options["tags"].items()
    assert PATIENT in options["tags"]
    (alert,) = alerts
    assert "refresh-2027" in alert.what
    assert "le contenu a changé" in alert.text


@pytest.mark.parametrize(
    ("error", "said", "unsaid"),
    [
        (DegradedRunError("L’édition serait dégradée.\n- CAF : absente."), "CAF : absente", None),
        (RunFailedError("échec : « DUPONT »", "échec : erreur imprévue"), "erreur imprévue", "DUPONT"),
    ],
)
def test_a_refusal_says_what_where_and_what_to_do(paths, monkeypatch, error, said, unsaid):
    def refused(*_, **__):
        raise error

    monkeypatch.setattr(running, "run_everything", refused)
    with dg.DagsterInstance.ephemeral() as instance:
        result = run_job(yearly_refresh, instance, tags={OCCASION: "refresh-2027"})
    assert not result.success
    told = failure_of(result)
    assert said in told.description
    assert unsaid is None or unsaid not in told.description
    assert "refresh-2027" in told.metadata[WHERE].value
    assert "observatory run" in told.metadata[REMEDY].value


def test_a_refresh_waits_for_the_writer_that_is_there(paths, alerts, monkeypatch):
    answers = [WarehouseBusyError("occupé"), None]

    def at_first_busy(*_, **__):
        answer = answers.pop(0)
        if answer:
            raise answer
        return Outcome([], 1, 1, 1, 0, [], [], None)

    monkeypatch.setattr(running, "run_everything", at_first_busy)
    monkeypatch.setattr(automation, "_WAIT", 0)
    with dg.DagsterInstance.ephemeral() as instance:
        assert run_job(yearly_refresh, instance).success
    assert answers == []


def test_what_an_edition_loses_is_named():
    before = files(("caf", "2023", "a", False), ("rpls", "2024", "b", False), ("angdm", "2024", "c", False))
    after = files(("rpls", "2024", "d", False), ("angdm", "2024", "e", True), ("bpe", "2018", "f", False))
    gone, fictive = losses(before, after)
    assert gone.startswith("Titre de caf, 2023")
    assert fictive.startswith("Titre de angdm, 2024")
    assert "fictives" in fictive
    # A new content, or a new source, is no loss.
    assert losses(files(("rpls", "2024", "b", False)), after) == []


def test_a_new_real_delivery_is_for_a_person_to_publish():
    before = files(("angdm", "2024", "a", True), ("rpls", "2024", "a", False))
    (said,) = deliveries_changed(
        before, files(("angdm", "2024", "b", False), ("rpls", "2024", "b", False)), ["angdm"]
    )
    assert said.startswith("Titre de angdm, 2024")
    assert deliveries_changed(before, files(("angdm", "2024", "b", True)), ["angdm"]) == []


def test_strict_compares_with_the_edition_in_place(paths):
    now = files(("rpls", "2024", "a", False))
    # Without an edition, every absence counts; an edition published without a source accepted it.
    with pytest.raises(DegradedRunError, match="CAF, 2023"):
        _refuse_degraded(paths, now, ["CAF, 2023"], [])
    with Session(paths, "a") as session:
        session.write(FILES.qualified_name, now)
        session.commit()
    _refuse_degraded(paths, now, ["CAF, 2023"], [])
    with pytest.raises(DegradedRunError, match="rien n’est publié"):
        _refuse_degraded(paths, now, [], ["RPLS : fichier d’un passage antérieur."])
    with pytest.raises(DegradedRunError, match="rpls, 2024"):
        _refuse_degraded(paths, now.clear(), [], [])


def test_a_source_that_may_answer_later_is_asked_again(paths, monkeypatch):
    """Only where nobody watches, and only if the fault may pass."""
    asked = []

    def absent(transient):
        def obtain(source, *_, **__):
            asked.append(source.id)
            raise FetchError(source.id, "https://exemple.test", "pas de réponse.", "attendez.", transient)

        return obtain

    monkeypatch.setattr(files_module, "_WAIT", 0)
    job = defs.resolve_job_def(ingest_name(dg.AssetKey(asset_name(RPLS))))
    for transient, tags, times in ((True, {PATIENT: "x"}, 4), (True, {}, 1), (False, {PATIENT: "x"}, 1)):
        asked.clear()
        monkeypatch.setattr(files_module, "obtain", absent(transient))
        monkeypatch.setattr(files_module, "is_offered", lambda *_: True)
        with dg.DagsterInstance.ephemeral() as instance:
            result = run_job(job, instance, partition_key="2024", tags=tags)
        assert not result.success
        assert len(asked) == times
        assert "pas de réponse" in _failed(result).public


def test_a_full_disk_is_said_whatever_meets_it(paths, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/site/index.html")

    monkeypatch.setattr(files_module, "obtain", full)
    monkeypatch.setattr(files_module, "is_offered", lambda *_: True)
    job = defs.resolve_job_def(ingest_name(dg.AssetKey(asset_name(RPLS))))
    with dg.DagsterInstance.ephemeral() as instance:
        failed = _failed(run_job(job, instance, partition_key="2024"))
    assert "libérez de la place" in str(failed)
    assert "libérez de la place" in failed.public


def drop(paths, vintage, text, source=RPLS):
    folder = paths.landing / source / vintage
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rpls.csv").write_text(text)


def test_sources_are_compared_with_what_is_kept(paths):
    def states():
        return {(found.source, found.vintage): found.state for found in watch(paths, EMBEDDED)}

    drop(paths, "2024", "DEPCOM_ARM,nb_ls\n62498,1\n")
    drop(paths, "2031", "DEPCOM_ARM,nb_ls\n62498,1\n")
    assert states() == {(RPLS, "2024"): "nouvelle", (RPLS, "2031"): "sans fiche"}
    assert states()[RPLS, "2024"] == "inchangée"
    drop(paths, "2024", "DEPCOM_ARM,nb_ls\n62498,2\n")
    assert states()[RPLS, "2024"] == "changée"
    drop(paths, "2024", "<html>erreur</html>")
    (fault,) = [found for found in watch(paths, EMBEDDED) if found.state == "en défaut"]
    assert "Que faire" in str(fault)


def test_a_source_kept_once_and_gone_is_said(paths, tmp_path):
    drop(paths, "2024", "DEPCOM_ARM,nb_ls\n62498,1\n")
    list(watch(paths, EMBEDDED))
    (paths.landing / RPLS / "2024" / "rpls.csv").unlink()
    (tmp_path / "mirror").mkdir()
    assert [(found.source, found.state) for found in watch(paths, Mode(mirror=tmp_path / "mirror"))] == [
        (RPLS, "disparue")
    ]


def test_the_check_notes_on_assets_and_tells(paths, alerts):
    drop(paths, "2024", "DEPCOM_ARM,nb_ls\n62498,1\n")
    with dg.DagsterInstance.ephemeral() as instance:
        result = run_job(check_sources, instance)
        assert result.success
        (noted,) = [
            event.asset_observation_data.asset_observation
            for event in result.all_events
            if event.event_type == dg.DagsterEventType.ASSET_OBSERVATION
        ]
        assert (noted.asset_key.to_user_string(), noted.partition) == (asset_name(RPLS), "2024")
        assert noted.metadata["état"].value == "nouvelle"
        # Nothing new: nothing is told.
        assert run_job(check_sources, instance).success
    (alert,) = alerts
    assert "1 à voir" in alert.what
    assert not paths.database.exists()


def test_an_alert_that_does_not_leave_is_logged_and_fails_the_check(paths, monkeypatch):
    def down(*_):
        raise AlertError("SMTP : refusé")

    drop(paths, "2024", "DEPCOM_ARM,nb_ls\n62498,1\n")
    monkeypatch.setattr(telling, "read_settings", lambda _: AlertSettings())
    monkeypatch.setattr(telling, "deliver", down)
    with dg.DagsterInstance.ephemeral() as instance:
        result = run_job(check_sources, instance)
    assert not result.success
    assert "n’est pas partie" in failure_of(result).description


def test_runs_whose_process_is_gone_give_up_their_turn(paths):
    """While a session is open its runs live; a run of its own may live until the service starts again."""
    with dg.DagsterInstance.from_config(str(prepare_instance())) as instance:
        job = defs.resolve_job_def("check_sources")

        def started(**tags):
            run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
            return run.run_id

        alone, within = started(), started(**{WITHIN: "session"})
        with Session(paths, "alive"):
            assert end_orphans(instance, paths) == []
            assert end_orphans(instance, paths, service_is_starting=True) == []
        assert end_orphans(instance, paths) == [within]
        assert instance.get_run_by_id(alone).status == dg.DagsterRunStatus.STARTED
        assert end_orphans(instance, paths, service_is_starting=True) == [alone]
        assert instance.get_run_by_id(within).status == dg.DagsterRunStatus.FAILURE
        assert end_orphans(instance, paths, service_is_starting=True) == []


def test_a_writer_that_stays_is_said_in_the_end(paths, monkeypatch):
    def busy(*_, **__):
        raise WarehouseBusyError("Un autre traitement écrit dans l’entrepôt.")

    monkeypatch.setattr(running, "run_everything", busy)
    monkeypatch.setattr(automation, "_WAIT", 0)
    monkeypatch.setattr(automation, "_TURNS", 2)
    with dg.DagsterInstance.ephemeral() as instance:
        result = run_job(yearly_refresh, instance)
    assert "Un autre traitement" in failure_of(result).description
