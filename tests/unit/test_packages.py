import io
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from observatory.sources import packages
from observatory.sources.catalogue import Package
from observatory.sources.packages import PackageError, fetch, read_member

NPM = Package(registry="npm", name="@somewhere/data")
PYPI = Package(registry="pypi", name="some-data")
CONTENT = b"code,nom\n59002,Abscon\n" * 1000


@pytest.fixture
def wheel(tmp_path) -> Path:
    path = tmp_path / "some_data-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("some_data/data/communes.csv", CONTENT)
    return path


@pytest.fixture
def tarball(tmp_path) -> Path:
    path = tmp_path / "somewhere-data-1.0.tgz"
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo("package/data/communes.csv")
        entry.size = len(CONTENT)
        archive.addfile(entry, io.BytesIO(CONTENT))
        folder = tarfile.TarInfo("package/data/more")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return path


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Put a made-up registry client in the place of both real ones."""

    def _client(*lines: str) -> None:
        binaries = tmp_path / "bin"
        binaries.mkdir()
        script = binaries / "npm"
        script.write_text("\n".join(("#!/bin/sh", *lines)) + "\n", encoding="utf-8")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{binaries}:/usr/bin:/bin")
        monkeypatch.setattr(packages.sys, "executable", str(script))

    return _client


def test_member_of_a_wheel(wheel):
    assert read_member(wheel, "some_data/data/communes.csv") == CONTENT


def test_member_of_an_npm_tarball_stands_under_package(tarball):
    assert read_member(tarball, "data/communes.csv") == CONTENT


@pytest.mark.parametrize("archive", ["wheel", "tarball"])
@pytest.mark.parametrize("member", ["data/absent.csv", "../communes.csv", ""])
def test_missing_member_is_named(archive, member, request):
    path = request.getfixturevalue(archive)
    with pytest.raises(PackageError) as raised:
        read_member(path, member)
    assert f"«\u202f{member}\u202f»" in str(raised.value)
    assert path.name in str(raised.value)


def test_folder_of_a_tarball_is_no_member(tarball):
    with pytest.raises(PackageError, match="ne contient pas"):
        read_member(tarball, "data/more")


@pytest.mark.parametrize(
    ("archive", "member"), [("wheel", "some_data/data/communes.csv"), ("tarball", "data/communes.csv")]
)
def test_member_over_the_limit_is_refused_by_its_announced_size(archive, member, request, monkeypatch):
    path = request.getfixturevalue(archive)
    monkeypatch.setattr(packages, "MEMBER_LIMIT", len(CONTENT))
    assert read_member(path, member) == CONTENT
    monkeypatch.setattr(packages, "MEMBER_LIMIT", len(CONTENT) - 1)
    with pytest.raises(PackageError, match="annonce 22\u202f000 octets, au-delà de la limite de 21\u202f999"):
        read_member(path, member)


@pytest.mark.parametrize("name", ["data-1.0.whl", "data-1.0.tgz"])
def test_archive_that_is_none_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"<html>proxy error</html>")
    with pytest.raises(PackageError, match="illisible ou incomplète"):
        read_member(tmp_path / name, "data/communes.csv")


@pytest.mark.parametrize(
    ("archive", "member"), [("wheel", "some_data/data/communes.csv"), ("tarball", "data/communes.csv")]
)
@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_archive_cut_short_is_refused(archive, member, kept, request):
    path = request.getfixturevalue(archive)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(PackageError, match="illisible ou incomplète"):
        read_member(path, member)


def test_fetch_returns_the_one_new_file(tmp_path, client):
    client("echo data > somewhere-data-1.0.tgz")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "other.txt").touch()
    assert fetch(NPM, "1.0", tmp_path / "here") == tmp_path / "here" / "somewhere-data-1.0.tgz"


@pytest.mark.parametrize(
    ("package", "wanted"),
    [
        (NPM, "pack --loglevel=error @somewhere/data@1.0"),
        (
            PYPI,
            "-m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all:"
            " some-data==1.0",
        ),
    ],
)
def test_clients_are_asked_for_one_version_without_its_dependencies(tmp_path, client, package, wanted):
    client('echo "$@" > asked')
    assert fetch(package, "1.0", tmp_path / "here").read_text(encoding="utf-8").strip() == wanted


def test_absent_client_is_named_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageError) as raised:
        fetch(NPM, "1.0", tmp_path / "here")
    assert str(raised.value) == (
        "Le programme «\u202fnpm\u202f» manque\u202f: il sert à prendre @somewhere/data. "
        "Installez-le, puis relancez."
    )


@pytest.mark.parametrize(
    ("package", "stderr", "cause"),
    [
        (
            NPM,
            "npm error code ETARGET\nnpm error notarget No matching version.\nnpm error A complete log: x",
            "No matching version",
        ),
        (NPM, "npm error alone", "npm error alone"),
        (PYPI, "WARNING: slow\nERROR: No matching distribution found for some-data==1.0", "No matching"),
        (PYPI, "", "sans détail"),
    ],
)
def test_failing_client_gives_its_cause_on_one_line(tmp_path, client, package, stderr, cause):
    (tmp_path / "stderr").write_text(stderr, encoding="utf-8")
    client(f"cat {tmp_path / 'stderr'} >&2", "exit 1")
    with pytest.raises(PackageError) as raised:
        fetch(package, "1.0", tmp_path / "here")
    message = str(raised.value)
    assert message.startswith(f"Le paquet {package.name} 1.0 n’a pu être pris\u202f: ")
    assert cause in message
    assert "complete log" not in message and ".." not in message
    assert message.endswith("Vérifiez l’accès au registre et la version du catalogue.")


def test_client_that_hangs_is_stopped(tmp_path, client, monkeypatch):
    client("exec sleep 30")
    monkeypatch.setattr(packages, "FETCH_TIMEOUT_SECONDS", 0.2)
    with pytest.raises(PackageError, match=r"n’est pas arrivé en 0\.2 s"):
        fetch(NPM, "1.0", tmp_path / "here")


@pytest.mark.parametrize(("line", "count"), [(":", 0), ("touch a b", 2)])
def test_anything_but_one_file_is_refused(tmp_path, client, line, count):
    client(line)
    with pytest.raises(PackageError, match=f"a donné {count} fichiers au lieu d’un"):
        fetch(NPM, "1.0", tmp_path / "here")


def test_pip_is_that_of_the_running_python(tmp_path, monkeypatch):
    asked = []

    def run(command, **_options):
        asked.append(command)
        (tmp_path / "here" / "some_data.whl").touch()

    monkeypatch.setattr(packages.subprocess, "run", run)
    fetch(PYPI, "1.0", tmp_path / "here")
    assert asked[0][0] == sys.executable
