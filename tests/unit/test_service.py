"""The service: its units, Dagster's settings, and the history of runs in SQLite or PostgreSQL."""

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.instance.config import PoolGranularity

from assets.instance import LONGEST, STORAGE_VARIABLE, WRITER, prepare_instance
from assets.service import Installation, ServiceError, installation, write_units
from observatory.paths import DataPaths, data_paths


@pytest.fixture
def paths(tmp_path, monkeypatch) -> DataPaths:
    monkeypatch.setenv("OBSERVATORY_DATA", str(tmp_path / "data"))
    monkeypatch.delenv(STORAGE_VARIABLE, raising=False)
    return data_paths()


def unit(path: Path) -> dict[str, list[str]]:
    """Return the settings of a unit."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        name, mark, value = line.partition("=")
        if mark and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("user", [False, True])
def test_units_are_closed_and_listen_to_this_machine_only(paths, tmp_path, user):
    one = installation(paths, tmp_path / "units", user=user, port=3456, sources="network")
    *units, environment = write_units(one, tmp_path / "units")
    for path in units:
        said = unit(path)
        assert said["ProtectSystem"] == ["strict"]
        assert said["NoNewPrivileges"] == ["yes"]
        assert said["UMask"] == ["0077"]
        assert said["ReadWritePaths"] == [str(paths.root)]
        assert said["EnvironmentFile"] == [str(environment)]
        assert ("User" in said) is not user
        assert said["WantedBy"] == ["default.target" if user else "multi-user.target"]
        assert said["ExecStart"][0].split()[1] == "service"
    assert "--port 3456" in unit(units[0])["ExecStart"][0]
    assert not re.search(r"0\.0\.0\.0|::", "".join(path.read_text() for path in units))
    assert environment.stat().st_mode & 0o077 == 0
    settings = environment.read_text()
    assert "OBSERVATORY_SOURCES=network" in settings
    assert "OBSERVATORY_AUTOMATION=on" in settings
    # Secrets are written there by hand: writing the units again keeps them.
    environment.write_text(f"{settings}OBSERVATORY_SMTP_PASSWORD=secret\n")
    write_units(one, tmp_path / "units")
    assert "secret" in environment.read_text()


@pytest.mark.parametrize("user", [False, True])
def test_systemd_finds_nothing_to_say(paths, tmp_path, user):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not on this machine")
    folder = tmp_path / "units"
    one = installation(paths, folder, user=user, port=3000, sources="embedded")
    *units, _ = write_units(one, folder)
    done = subprocess.run(
        [analyze, *(["--user"] if user else []), "verify", *units],
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if "Failed to initialize manager" in done.stderr:
        pytest.skip(f"systemd-analyze has no manager here: {done.stderr.strip()}")
    about_ours = [line for line in done.stderr.splitlines() if "observatory" in line]
    assert (done.returncode, about_ours) == (0, [])


def test_a_path_that_a_unit_cannot_quote_is_refused(paths, tmp_path):
    spaced = Installation(tmp_path / "my venv" / "observatory", paths.root, "a", "embedded", tmp_path / "e")
    with pytest.raises(ServiceError, match="my venv"):
        write_units(spaced, tmp_path / "units")
    assert not (tmp_path / "units").exists()


def test_one_writer_at_a_time_and_others_beside(paths):
    with dg.DagsterInstance.from_config(str(prepare_instance())) as instance:
        pools = instance.event_log_storage.get_pool_config()
        assert pools.default_pool_limit == 1
        assert pools.pool_granularity == PoolGranularity.RUN
        assert instance.freshness_enabled
        assert instance.run_monitoring_max_runtime_seconds == LONGEST
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs > 1
        assert "sqlite" in type(instance.run_storage).__name__.lower()
    assert WRITER == "entrepot"


def test_the_password_of_the_history_stays_in_the_environment(paths, monkeypatch):
    monkeypatch.setenv(STORAGE_VARIABLE, "postgresql://observatory:secret@localhost/dagster")
    written = (prepare_instance() / "dagster.yaml").read_text()
    assert "secret" not in written
    assert yaml.safe_load(written)["storage"] == {"postgres": {"postgres_url": {"env": STORAGE_VARIABLE}}}


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs: Debian keeps them out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    other = shutil.which("initdb")
    return found[-1].parent if found else Path(other).parent if other else None


@pytest.fixture
def postgres():
    """A PostgreSQL of its own, on a port of the loopback; gives the address of its database."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not on this machine")
    # Outside of pytest's folders, which another account may not enter.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    prefix: list[str] = []
    if os.geteuid() == 0:
        # The server refuses to run as root; it must reach its folder.
        runuser = shutil.which("runuser")
        try:
            account = pwd.getpwnam("postgres")
        except KeyError:
            account = None
        if runuser is None or account is None:
            pytest.skip("root cannot start PostgreSQL without the account « postgres »")
        os.chown(folder, account.pw_uid, account.pw_gid)
        prefix = [runuser, "-u", "postgres", "--"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(*words: str) -> None:
        subprocess.run([*prefix, *words], check=True, capture_output=True, timeout=120, cwd="/")

    data = str(folder / "data")
    run(str(programs / "initdb"), "-D", data, "-U", "observatory", "--auth=trust", "--no-sync")
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
    run(str(programs / "pg_ctl"), "-D", data, "-w", "-l", f"{data}/log", "-o", options, "start")
    try:
        yield f"postgresql://observatory@127.0.0.1:{port}/postgres"
    finally:
        run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def test_history_of_runs_in_postgresql(paths, postgres, monkeypatch):
    monkeypatch.setenv(STORAGE_VARIABLE, postgres)

    @dg.asset
    def one() -> None:
        """Nothing."""

    for _ in range(2):
        # A second process finds what the first one wrote.
        with dg.DagsterInstance.from_config(str(prepare_instance())) as instance:
            assert dg.materialize([one], instance=instance, tags={"a": "b"}).success
            runs = instance.get_runs()
            last = instance.get_latest_materialization_event(dg.AssetKey("one"))
    assert [run.tags["a"] for run in runs] == ["b", "b"]
    assert last is not None and last.run_id == runs[0].run_id
    assert {path.name for path in paths.dagster.rglob("*.db")} == set()
