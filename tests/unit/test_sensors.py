"""Events: each asks once, whole files only, and nothing is lost when a look or an alert fails."""

import json
import os
from datetime import UTC, datetime

import dagster as dg
import polars as pl
import pytest
from dagster import build_sensor_context

from assets import telling
from assets.automation import OCCASION, REMEDY, TRIGGER, WHERE, safe_failure, yearly_refresh
from assets.definitions import defs
from assets.sensors import failures, landing, read_cursor, sources
from observatory.alerts import AlertError, AlertSettings
from observatory.paths import DataPaths, data_paths
from observatory.sessions import Session
from observatory.sources.arrivals import look
from observatory.sources.catalogue import get_source
from observatory.sources.snapshots import keep
from observatory.tables import FILES

RPLS = "sdes_rpls"


@pytest.fixture
def paths(tmp_path, monkeypatch) -> DataPaths:
    monkeypatch.setenv("OBSERVATORY_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("OBSERVATORY_SOURCES", raising=False)
    monkeypatch.setenv("OBSERVATORY_DELIVERED", "")
    return data_paths()


class Post:
    """Stands for the transports: keeps what leaves, and can be down."""

    def __init__(self):
        self.sent, self.down = [], False

    def __call__(self, alert, *_):
        if self.down:
            raise AlertError("le serveur ne répond pas")
        self.sent.append(alert)


@pytest.fixture
def post(monkeypatch):
    made = Post()
    monkeypatch.setattr(telling, "read_settings", lambda _: AlertSettings())
    monkeypatch.setattr(telling, "deliver", made)
    return made


@pytest.fixture
def looked():
    """Evaluate a sensor as the daemon does: the cursor of one look is given to the next."""
    cursors = {}

    def evaluate(sensor, instance=None, keep_cursor=True):
        result = sensor(build_sensor_context(instance=instance, cursor=cursors.get(sensor.name)))
        if keep_cursor:
            cursors[sensor.name] = result.cursor
        return result

    return evaluate


def drop(paths, vintage="2024", text="DEPCOM_ARM,nb_ls\n62498,1\n", source=RPLS, name="rpls.csv"):
    folder = paths.landing / source / vintage
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def publish(paths, *rows):
    """Publish ``core.files`` of (source, vintage, sha256)."""
    frame = pl.DataFrame(
        [
            {
                "file_id": f"{source}:{vintage}:data",
                "source": source,
                "title": source,
                "producer": "p",
                "vintage": vintage,
                "sha256": sha256,
                "url": "https://exemple.test",
                "licence": "l",
                "fetched_at": datetime(2026, 2, 1, tzinfo=UTC).date(),
                "fictive": False,
            }
            for source, vintage, sha256 in rows
        ],
        schema=FILES.polars_schema,
    )
    with Session(paths, "publish") as session:
        session.write(FILES.qualified_name, FILES.conform(frame))
        session.commit()


def keys(result):
    return [request.run_key for request in result.run_requests or []]


def test_a_file_asks_once_and_only_when_it_has_stopped_growing(paths, looked):
    file = drop(paths)
    assert keys(looked(landing)) == []
    with file.open("a") as stream:
        stream.write("62001,2\n")
    assert keys(looked(landing)) == []
    (key,) = keys(looked(landing))
    assert keys(looked(landing)) == []
    # Back to a former content: another event, another key.
    drop(paths)
    looked(landing)
    (second,) = keys(looked(landing))
    drop(paths, text="DEPCOM_ARM,nb_ls\n62498,1\n62001,2\n")
    looked(landing)
    (third,) = keys(looked(landing))
    assert len({key, second, third}) == 3


def test_the_clock_put_back_changes_nothing(paths, looked):
    """Dates of change are compared for equality only."""
    file = drop(paths)
    os.utime(file, (10**9 * 4, 10**9 * 4))
    looked(landing)
    (_,) = keys(looked(landing))
    os.utime(file, (1, 1))
    assert keys(looked(landing)) == []
    assert keys(looked(landing)) == []


def test_a_look_cut_short_is_made_again_with_the_same_key(paths, looked):
    drop(paths)
    looked(landing)
    first = looked(landing, keep_cursor=False)
    again = looked(landing)
    assert keys(first) == keys(again) != []
    assert again.run_requests[0].tags.items() >= {TRIGGER: "landing"}.items()
    assert f"{RPLS}/2024" in again.run_requests[0].tags[OCCASION]


def test_a_batch_asks_one_refresh_when_its_last_file_is_whole(paths, looked):
    drop(paths)
    looked(landing)
    drop(paths, source="caf_allocataires", vintage="2023", name="caf.csv", text="a\n")
    assert "en cours" in looked(landing).skip_reason.skip_message
    (request,) = looked(landing).run_requests
    assert "caf_allocataires/2023" in request.tags[OCCASION]
    assert RPLS in request.tags[OCCASION]


def test_what_the_edition_already_holds_asks_nothing(paths, looked):
    file = drop(paths)
    looked(landing)
    sha256 = look(paths.landing, read_cursor(looked(landing, keep_cursor=False).cursor).files)[
        f"{RPLS}/2024/rpls.csv"
    ].sha256
    publish(paths, (RPLS, "2024", sha256))
    assert file.exists()
    assert keys(looked(landing)) == []


def test_clutter_and_links_are_not_files(paths, looked, tmp_path):
    drop(paths, name=".rpls.csv.part")
    drop(paths, name="Thumbs.db")
    (tmp_path / "elsewhere.csv").write_text("x")
    (paths.landing / RPLS / "2024" / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert look(paths.landing, {}) == {}
    assert keys(looked(landing)) == []


def test_a_confidential_delivery_is_told_and_never_taken(paths, looked, post):
    """Once per content, by its folder only; not lost while no alert leaves."""
    secret = drop(paths, source="maisons-et-cites", name="DUPONT Jeanne 12 rue.csv", text="locataire\n")
    post.down = True
    for _ in range(3):
        assert keys(looked(landing)) == []
    assert post.sent == []
    post.down = False
    for _ in range(3):
        assert keys(looked(landing)) == []
    (alert,) = post.sent
    assert "observatory intake" in alert.remedy
    assert "DUPONT" not in alert.text + alert.title
    assert "maisons-et-cites" in alert.where
    assert not paths.confidential.exists()
    secret.unlink()
    looked(landing)
    assert len(post.sent) == 1


def test_a_vintage_without_card_is_for_a_person(paths, looked, post):
    drop(paths, vintage="2031")
    drop(paths, source="inconnue")
    for _ in range(3):
        assert keys(looked(landing)) == []
    assert sorted(alert.where for alert in post.sent) == [
        "data/landing/inconnue/2024/rpls.csv",
        f"data/landing/{RPLS}/2031/rpls.csv",
    ]


@pytest.fixture
def small_mirror(tmp_path, monkeypatch):
    file = tmp_path / "mirror" / get_source(RPLS).data_file("2024").mirror
    file.parent.mkdir(parents=True)
    file.write_text("DEPCOM_ARM,nb_ls\n62498,1\n")
    monkeypatch.setenv("OBSERVATORY_SOURCES", f"mirror={tmp_path / 'mirror'}")
    return file


def kept(paths, file, text):
    file.write_text(text)
    return keep(
        file, paths.snapshots, source=RPLS, vintage="2024", kind="mirror", origin=str(file.name)
    ).sha256


def test_an_announced_vintage_then_its_content_then_another(paths, looked, small_mirror):
    assert "observatory run" in looked(sources).skip_reason.skip_message
    publish(paths, ("insee_bpe", "2018", "b" * 64))
    (announced,) = keys(looked(sources))
    assert keys(looked(sources)) == []
    # The check of the sources takes it: the same event.
    first = kept(paths, small_mirror, "DEPCOM_ARM,nb_ls\n62498,1\n")
    assert keys(looked(sources)) == []
    publish(paths, (RPLS, "2024", first))
    assert keys(looked(sources)) == []
    kept(paths, small_mirror, "DEPCOM_ARM,nb_ls\n62498,2\n")
    (changed,) = keys(looked(sources))
    assert changed != announced
    assert keys(looked(sources)) == []


def test_a_dropped_file_is_left_to_the_other_sensor(paths, looked, small_mirror):
    publish(paths, ("insee_bpe", "2018", "b" * 64))
    drop(paths)
    assert keys(looked(sources)) == []


@pytest.mark.parametrize("text", [None, "", "{}", "{", '{"asked": 3}', "[]"])
def test_an_unreadable_cursor_starts_afresh(text):
    assert read_cursor(text).asked == {}


@dg.op
def said_failure():
    raise safe_failure("CAF : absente.", "refresh-2027", "déposez le fichier.")


@dg.op
def unforeseen():
    raise ValueError("locataire DUPONT")


def failed_run(instance, step, name="yearly_refresh"):
    @dg.job(name=name)
    def job():
        step()

    return job.execute_in_process(instance=instance, raise_on_error=False).run_id


def test_each_failed_run_is_told_once(looked, post, paths):
    with dg.DagsterInstance.ephemeral() as instance:
        failed_run(instance, said_failure)
        looked(failures, instance)
        assert post.sent == []
        failed_run(instance, said_failure)
        failed_run(instance, unforeseen, "check_sources")
        failed_run(instance, unforeseen, "another_job")
        post.down = True
        looked(failures, instance)
        post.down = False
        looked(failures, instance)
        looked(failures, instance)
        told = {alert.what: alert for alert in post.sent}
        assert len(post.sent) == len(told) == 2
        assert (told["CAF : absente."].where, told["CAF : absente."].remedy) == (
            "refresh-2027",
            "déposez le fichier.",
        )
        assert not any("DUPONT" in alert.text for alert in post.sent)
        # A run whose process was killed has no step that failed.
        run = instance.create_run_for_job(
            defs.resolve_job_def(yearly_refresh.name), status=dg.DagsterRunStatus.STARTED
        )
        instance.report_run_failed(run)
        looked(failures, instance)
        assert "sans un mot" in post.sent[-1].what
        assert run.run_id in post.sent[-1].where
        assert len(json.loads(looked(failures, instance).cursor)) == 4
    assert {WHERE, REMEDY} == {"où", "que faire"}
