"""Freezing a release: whole, once, the same bytes, signed; and what verifying one finds."""

import errno
import json
import shutil
import stat
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from datacite import schema45
from releases_small import published
from typer.testing import CliRunner

from assets.cli import app
from observatory.disclosure.release import read_release, read_releases
from observatory.files import sha256_file
from observatory.paths import PROJECT, DataPaths
from observatory.releases import freezing
from observatory.releases.freezing import FreezingError, freeze
from observatory.releases.manifest import (
    MANIFEST,
    PUBLIC_KEY,
    SIGNATURE,
    SUMS,
    manifest_text,
    read_manifest,
    released_files,
    sums_text,
)
from observatory.releases.naming import ReleaseFolderError
from observatory.releases.provenance import Checkout, checkout, code_fingerprint
from observatory.releases.signing import (
    KEY_VARIABLE,
    SigningError,
    key_fingerprint,
    make_keys,
    signer_from,
    signer_of_environment,
)
from observatory.releases.verifying import verify
from observatory.rendering.citing import citation, citation_file, datacite
from observatory.rendering.imprint import CARD, read_imprint
from observatory.sessions import Session, WarehouseBusyError

RELEASE = read_imprint(PROJECT / "data" / "reference" / CARD).release


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DataPaths:
    """Return a data folder with an edition published, for reading only."""
    return published(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def frozen(made: DataPaths, keys: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> DataPaths:
    """Return a data folder with its edition frozen, for reading only."""
    paths = copied(made, tmp_path_factory.mktemp("frozen") / "data")
    freeze(paths, signer_from(keys[0]), allow_modified=True)
    return paths


def copied(paths: DataPaths, root: Path) -> DataPaths:
    shutil.copytree(paths.root, root)
    return DataPaths(root)


@pytest.fixture
def paths(made: DataPaths, tmp_path: Path) -> DataPaths:
    return copied(made, tmp_path / "data")


@pytest.fixture
def loose(frozen: DataPaths, tmp_path: Path) -> Path:
    """Return a copy of a release that a test may tamper with."""
    folder = tmp_path / "release"
    shutil.copytree(frozen.releases / RELEASE, folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_release_holds_site_tables_and_manifest_and_nothing_confidential(
    made: DataPaths, frozen: DataPaths, keys: tuple[Path, Path]
) -> None:
    folder = frozen.releases / RELEASE
    files = contents(folder)
    site = {f"site/{name}": content for name, content in contents(made.site).items()}
    assert {name: files[name] for name in site} == site
    tables = {name for name in files if name.startswith("tables/")}
    assert tables == {
        f"tables/{name}.parquet"
        for name in (
            "core.cites",
            "core.files",
            "core.territories",
            "indicators.definitions",
            "indicators.observations",
        )
    }
    assert not any(b"48151.62342" in content for content in files.values())
    assert "Données fictives" in files["LISEZMOI.txt"].decode()
    content = json.loads(files[MANIFEST])
    assert {one["path"] for one in content["files"]} == set(files) - {MANIFEST, SIGNATURE, SUMS}
    assert content["code"]["sha256"] == code_fingerprint()
    assert content["signing_key"] == key_fingerprint(keys[1].read_bytes())
    assert content["environment"]["constraints_sha256"] == sha256_file(PROJECT / "constraints.txt")
    assert content["catalogues"]["observatory/indicators/catalogue.yaml"] == sha256_file(
        PROJECT / "observatory/indicators/catalogue.yaml"
    )
    listed = pl.read_csv(made.site / "donnees/sources.csv", infer_schema=False)
    assert [(one["file_id"], one["sha256"], one["licence"]) for one in content["sources"]] == listed.select(
        "file_id", "sha256", "licence"
    ).rows()
    assert content["tables"]["core.cites"] == 3


def test_every_file_is_read_only(frozen: DataPaths) -> None:
    folder = frozen.releases / RELEASE
    for path in (folder, *folder.rglob("*")):
        assert not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH), path


def test_the_same_edition_frozen_elsewhere_has_the_same_bytes(
    frozen: DataPaths, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    # Made again from the frames, not copied.
    paths = published(tmp_path)
    again = freeze(paths, signer_from(keys[0]), allow_modified=True)
    assert contents(again.folder) == contents(frozen.releases / RELEASE)


def test_freezing_again_changes_nothing(frozen: DataPaths, keys: tuple[Path, Path]) -> None:
    folder = frozen.releases / RELEASE
    inode, before = folder.stat().st_ino, contents(folder)
    again = freeze(frozen, signer_from(keys[0]), allow_modified=True)
    assert again.already
    assert (folder.stat().st_ino, contents(folder)) == (inode, before)
    assert [path.name for path in frozen.releases.iterdir()] == [RELEASE]


def test_a_release_that_differs_is_never_replaced(paths: DataPaths, keys: tuple[Path, Path]) -> None:
    freeze(paths, None, allow_modified=True)
    before = contents(paths.releases / RELEASE)
    with pytest.raises(FreezingError, match=r"signing_key|cle-publique"):
        freeze(paths, signer_from(keys[0]), allow_modified=True)
    (paths.site / "index.html").write_text("autre", "utf-8")
    with pytest.raises(FreezingError, match=r"site/index\.html"):
        freeze(paths, None, allow_modified=True)
    assert contents(paths.releases / RELEASE) == before
    page = paths.releases / RELEASE / "site/index.html"
    page.chmod(0o644)
    page.write_text("altéré", "utf-8")
    with pytest.raises(FreezingError, match="altérée"):
        freeze(paths, None, allow_modified=True)


def test_an_attacker_reads_the_whole_release(frozen: DataPaths, made: DataPaths) -> None:
    (kept,) = read_releases(frozen.releases)
    site = read_release(made.site)
    keys = ["level", "code", "indicator", "vintage", "value", "status"]
    told = kept.figures.filter(pl.col("status") == "published").select(keys).unique()
    assert told.sort(keys).equals(
        site.figures.filter(pl.col("status") == "published").select(keys).unique().sort(keys)
    )
    assert "tables/indicators.observations.parquet" in set(kept.figures["origin"])
    assert (kept.name, kept.folder.name, kept.perimeter) == (RELEASE, "site", site.perimeter)
    assert kept.fingerprints == site.fingerprints


def test_what_a_kill_left_is_no_release_and_is_cleared(paths: DataPaths) -> None:
    """Killed just before, then just after the rename."""
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from observatory.paths import DataPaths\n"
        "from observatory.releases import freezing\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "{fault}\n"
        "freezing.freeze(DataPaths(Path(sys.argv[1])), None, allow_modified=True)\n"
    )
    faults = {
        "freezing.os.sync = die": [],
        "freezing.fsync_folder = die": [RELEASE],
    }
    for fault, left in faults.items():
        done = subprocess.run(
            [sys.executable, "-c", script.format(fault=fault), str(paths.root)], check=False, timeout=120
        )
        assert done.returncode == -9, fault
        assert [one.name for one in read_releases(paths.releases)] == left
    assert freeze(paths, None, allow_modified=True).already
    assert [path.name for path in paths.releases.iterdir()] == [RELEASE]
    assert verify(paths.releases / RELEASE, unsigned=True).problems == ()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disque est plein"),
        (OSError(5, "E/S"), "impossible"),
    ],
)
@pytest.mark.parametrize("step", ["_write_tables", "sums_text"])
def test_a_disk_that_fails_freezes_nothing(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch, fault: OSError, said: str, step: str
) -> None:
    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(freezing, step, fail)
    with pytest.raises(FreezingError, match=said):
        freeze(paths, None, allow_modified=True)
    assert list(paths.releases.iterdir()) == []
    monkeypatch.undo()
    assert not freeze(paths, None, allow_modified=True).already


def test_what_may_not_be_frozen_says_what_to_do(
    paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FreezingError, match="observatory run"):
        freeze(DataPaths(tmp_path / "empty"), None, allow_modified=True)
    with monkeypatch.context() as patched:
        patched.setattr(freezing, "checkout", lambda: Checkout("abc", modified=True))
        with pytest.raises(FreezingError, match="--modified"):
            freeze(paths, None)
    with monkeypatch.context() as patched:
        patched.setattr(freezing, "code_fingerprint", lambda: "autre")
        with pytest.raises(FreezingError, match="autre code"):
            freeze(paths, None, allow_modified=True)
    imprint = read_imprint(paths.reference / CARD)
    with monkeypatch.context() as patched:
        patched.setattr(freezing, "read_imprint", lambda _: imprint.model_copy(update={"release": "2031-1"}))
        with pytest.raises(FreezingError, match="2031-1"):
            freeze(paths, None, allow_modified=True)
    until = datetime(2027, 1, 15, 5, tzinfo=UTC)
    with monkeypatch.context() as patched:
        patched.setattr(
            freezing, "read_imprint", lambda _: imprint.model_copy(update={"embargo_until": until})
        )
        with pytest.raises(FreezingError, match="15 janvier 2027"):
            freeze(paths, None, allow_modified=True, now=datetime(2027, 1, 15, 4, 59, 59, tzinfo=UTC))
        assert not freeze(paths, None, allow_modified=True, now=until).already
    with Session(paths, "autre"), pytest.raises(WarehouseBusyError):
        freeze(paths, None, allow_modified=True)


def test_tables_that_say_other_figures_than_the_site_stop_the_freezing(paths: DataPaths) -> None:
    with Session(paths, "alone") as session:
        observations = session.read("indicators.observations")
        session.write("indicators.observations", observations.with_columns(pl.col("value") + 1))
        session.commit()
    with pytest.raises(FreezingError, match="ne disent pas la même chose"):
        freeze(paths, None, allow_modified=True)
    assert not any(paths.releases.glob("*"))


def test_a_whole_release_is_verified_and_its_key_named(frozen: DataPaths, keys: tuple[Path, Path]) -> None:
    public = keys[1].read_bytes()
    found = verify(frozen.releases / RELEASE, public)
    assert (found.problems, found.key) == ((), key_fingerprint(public))


def _alter(folder: Path) -> None:
    (folder / "site/index.html").write_text("autre")


def _same_size(folder: Path) -> None:
    path = folder / "site/index.html"
    path.write_bytes(path.read_bytes().swapcase())


def _lose(folder: Path) -> None:
    (folder / "tables/core.files.parquet").unlink()


def _add(folder: Path) -> None:
    (folder / "site/en-trop.html").write_text("x")


def _link(folder: Path) -> None:
    path = folder / "site/index.html"
    path.rename(folder.parent / "ailleurs.html")
    path.symlink_to(folder.parent / "ailleurs.html")


def _resum(folder: Path) -> None:
    (folder / SUMS).write_text("rien")


def _rewrite(folder: Path) -> None:
    """Change a page, and the manifest to match: only the signature tells."""
    (folder / "site/index.html").write_text("faux")
    before = read_manifest(folder)
    old = next(one for one in before.files if one.path == "site/index.html")
    text = before.written.decode().replace(old.sha256, sha256_file(folder / "site/index.html"))
    (folder / MANIFEST).write_text(text.replace(f'"bytes": {old.size}', '"bytes": 4', 1))


def _unsign(folder: Path) -> None:
    content = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps(content | {"signing_key": None}))
    (folder / SIGNATURE).unlink()


def _lose_signature(folder: Path) -> None:
    (folder / SIGNATURE).unlink()


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (_alter, "index.html » n’est pas celui"),
        (_same_size, "index.html » n’est pas celui"),
        (_lose, "manque"),
        (_add, "en trop"),
        (_link, "ni un fichier"),
        (_resum, SUMS),
        (_rewrite, "signature"),
        (_unsign, "pas signée"),
        (_lose_signature, "signature"),
    ],
)
def test_whatever_is_tampered_with_is_found(loose: Path, tamper, said: str) -> None:
    tamper(loose)
    problems = " ".join(verify(loose).problems).replace("\u202f", " ")
    assert said in problems


def test_whoever_signs_anew_with_his_own_key_is_found_by_the_one_expected(
    loose: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    """A forger changes a page, and does everything again as ``freeze`` would, with a key of his own."""
    (loose / "site/index.html").write_text("faux")
    private, public = make_keys(tmp_path / "others")
    shutil.copyfile(public, loose / PUBLIC_KEY)
    signer, files = signer_from(private), released_files(loose)
    about = json.loads((loose / MANIFEST).read_bytes())
    del about["files"]
    about["signing_key"] = key_fingerprint(signer.public_pem)
    manifest = manifest_text(about, files)
    (loose / MANIFEST).write_bytes(manifest)
    (loose / SUMS).write_text(sums_text(files, manifest))
    (loose / SIGNATURE).write_bytes(signer.sign(manifest))
    assert verify(loose).key == key_fingerprint(public.read_bytes())
    found = verify(loose, keys[1].read_bytes())
    assert found.key is None
    assert any("autre clé" in one for one in found.problems)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["files"].append({"path": "../../etc/passwd", "bytes": 1, "sha256": "x"}),
        lambda content: content["files"].append({"path": "/etc/passwd", "bytes": 1, "sha256": "x"}),
        lambda content: content.update(format="autre"),
        lambda content: content.pop("files"),
    ],
)
def test_a_manifest_that_leads_out_or_is_none_is_refused(loose: Path, change) -> None:
    content = json.loads((loose / MANIFEST).read_bytes())
    change(content)
    (loose / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(ReleaseFolderError, match="manifeste"):
        verify(loose)
    (loose / MANIFEST).unlink()
    with pytest.raises(ReleaseFolderError, match="Que faire"):
        verify(loose)


def test_other_programs_verify_it_too(frozen: DataPaths) -> None:
    folder = frozen.releases / RELEASE
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("openssl is not on this machine")
    words = ["pkeyutl", "-verify", "-pubin", "-inkey", PUBLIC_KEY, "-rawin", "-in", MANIFEST]
    done = subprocess.run(
        [openssl, *words, "-sigfile", SIGNATURE], cwd=folder, capture_output=True, text=True, check=False
    )
    assert "Verified Successfully" in done.stdout, done.stderr
    subprocess.run(["sha256sum", "--check", "--quiet", "--strict", SUMS], cwd=folder, check=True)


def test_keys_are_kept_from_others_and_from_git(tmp_path: Path) -> None:
    private, _ = make_keys(tmp_path / "keys")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    with pytest.raises(SigningError, match="existe déjà"):
        make_keys(tmp_path / "keys")
    with pytest.raises(SigningError, match="git"):
        make_keys(PROJECT / "data" / "clefs")
    assert not (PROJECT / "data" / "clefs").exists()
    private.chmod(0o640)
    with pytest.raises(SigningError, match="chmod 600"):
        signer_from(private)


def test_a_key_that_is_none_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    assert signer_of_environment() is None
    path = tmp_path / "cle.pem"
    monkeypatch.setenv(KEY_VARIABLE, str(path))
    with pytest.raises(SigningError, match=KEY_VARIABLE):
        signer_of_environment()
    other = generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for content, said in ((b"rien", "PEM"), (other, "Ed25519")):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(SigningError, match=said):
            signer_of_environment()


def test_a_checkout_knows_whether_its_code_changed(tmp_path: Path) -> None:
    """In a small repository of its own; outside of one there is no commit."""
    (tmp_path / "observatory").mkdir()
    module = tmp_path / "observatory" / "a.py"
    module.write_text("a = 1\n")
    assert checkout(tmp_path) is None
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "one"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    clean = checkout(tmp_path)
    assert clean is not None
    assert not clean.modified
    # A file that makes no part of the code changes neither.
    (tmp_path / "notes.txt").write_text("x")
    assert checkout(tmp_path) == clean
    fingerprint = code_fingerprint.__wrapped__(tmp_path)
    module.write_text("a = 2\n")
    changed = checkout(tmp_path)
    assert changed is not None
    assert (changed.commit, changed.modified) == (clean.commit, True)
    assert code_fingerprint.__wrapped__(tmp_path) != fingerprint
    assert checkout(tmp_path / "observatory") is None


@pytest.mark.parametrize(("doi", "fictive"), [(None, True), ("10.1234/observatoire.2026-1", False)])
def test_the_datacite_record_keeps_the_schema_of_datacite(doi: str | None, fictive: bool) -> None:
    imprint = read_imprint(PROJECT / "data" / "reference" / CARD).model_copy(
        update={"doi": doi, "address": "https://observatoire.example/bassin/"}
    )
    record = json.loads(
        datacite(imprint, ["Licence B", "Licence A", "Licence A"], 12, ["text/csv"], fictive=fictive)
    )
    notice = yaml.safe_load(citation_file(imprint, fictive=fictive))
    schema45.validator.validate(record)
    assert record.get("doi") == doi
    assert [one["rights"] for one in record["rightsList"]] == ["Licence A", "Licence B"]
    for text in (json.dumps(record, ensure_ascii=False), notice["message"]):
        assert ("Données fictives" in text) is fictive
    assert record["publicationYear"] == str(imprint.published_on.year)
    assert notice["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= notice.keys()
    assert (notice["version"], notice["date-released"]) == (imprint.release, imprint.published_on)
    assert isinstance(notice["date-released"], date)
    assert (f"https://doi.org/{doi}" in citation(imprint)) is (doi is not None)


def test_the_command_freezes_signs_and_verifies(
    paths: DataPaths, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBSERVATORY_DATA", str(paths.root))
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    runner = CliRunner()
    refused = runner.invoke(app, ["release", "--modified"])
    assert isinstance(refused.exception, SigningError)
    assert not paths.releases.exists()
    monkeypatch.setenv(KEY_VARIABLE, str(keys[0]))
    done = runner.invoke(app, ["release", "--modified"])
    assert done.exit_code == 0, done.output
    assert key_fingerprint(keys[1].read_bytes()) in done.output
    folder = str(paths.releases / RELEASE)
    done = runner.invoke(app, ["release", "verify", folder, "--key", str(keys[1])])
    assert done.exit_code == 0, done.output
    done = runner.invoke(app, ["diff", RELEASE, "courante"])
    assert done.exit_code == 0, done.output
    assert "0\u00a0chiffre changé" in done.output
    assert (paths.root / "diff" / f"{RELEASE}_courante" / "index.html").is_file()
