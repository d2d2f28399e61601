"""A writer stopped at each of its steps in turn: killed, or told that the disk is full. Run as a script.

Python announces each file that it opens, renames, links or removes: a fault at the n-th announcement, for
each n or one in several, needs to know nothing of the code. Each try is a process forked from one that has
imported everything and run nothing. Writes one JSON object by try: what was in place afterwards.
"""

import errno
import json
import os
import shutil
import signal
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from observatory.backup import back_up
from observatory.errors import ObservatoryError
from observatory.paths import DataPaths
from observatory.restoring import restore
from observatory.sessions import Session
from observatory.sources.snapshots import all_of, keep, verify
from observatory.warehouse import read_table

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_MOVES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.truncate"}
NOW = datetime(2026, 11, 28, tzinfo=UTC)


def publish(paths: DataPaths, generation: int) -> None:
    with Session(paths, f"generation-{generation}") as session:
        session.write("x.generation", pl.DataFrame({"n": [generation]}))
        session.write("confidential.generation", pl.DataFrame({"n": [generation]}))
        session.site.mkdir()
        (session.site / "index.html").write_text(str(generation))
        (session.partners / "epci").mkdir(parents=True)
        (session.partners / "epci" / "index.html").write_text(str(generation))
        session.commit()


def generations(paths: DataPaths) -> list[int]:
    """Return the generation of each thing that is published, after the session that follows."""
    with Session(paths, "next"):
        pass
    assert not list((paths.warehouse / "sessions").iterdir())
    return [
        read_table(paths, "x.generation")["n"].item(),
        read_table(paths, "confidential.generation")["n"].item(),
        int((paths.site / "index.html").read_text()),
        int((paths.partners / "epci" / "index.html").read_text()),
    ]


def take(paths: DataPaths, generation: int) -> None:
    paths.root.mkdir(exist_ok=True)
    file = paths.root / "source.csv"
    file.write_text(f"n\n{generation}\n")
    keep(file, paths.snapshots, source="s", vintage="1", kind="landing", origin="o", name="s.csv")


def kept(paths: DataPaths) -> list[int]:
    """Return the generations whose snapshots are whole, after one more was taken."""
    take(paths, 3)
    assert not list((paths.snapshots / "s" / "1").glob(".*.draft"))
    found = [verify(snapshot) for snapshot in all_of(paths.snapshots, "s", "1")]
    return sorted(int(snapshot.path.read_text().split()[1]) for snapshot in found)


def archives(paths: DataPaths) -> list[int]:
    """Return the generations of the data, then of every archive, each restored elsewhere."""
    found = generations(paths)
    for number, archive in enumerate(sorted((paths.root / "backups").glob("*.tar.gz"))):
        elsewhere = DataPaths(paths.root / f"elsewhere-{number}", paths.shipped)
        restore(archive, elsewhere)
        found += generations(elsewhere)
    return found


def restored(paths: DataPaths) -> list[int]:
    """Return the generations in place after the same command again; the former ones are not lost."""
    (archive,) = (paths.root / "backups").glob("*.tar.gz")
    restore(archive, paths, replace=True)
    sites = [paths.site, *(folder / "site" for folder in paths.root.glob("avant-restauration-*"))]
    assert "2" in {(site / "index.html").read_text() for site in sites}
    return generations(paths)


def prepare_archive(paths: DataPaths) -> None:
    publish(paths, 1)
    back_up(paths, paths.root / "backups", NOW)
    publish(paths, 2)


def restore_first(paths: DataPaths) -> None:
    (archive,) = (paths.root / "backups").glob("*.tar.gz")
    restore(archive, paths, replace=True)


SCENARIOS = {
    "publish": (lambda paths: publish(paths, 1), lambda paths: publish(paths, 2), generations),
    "keep": (lambda paths: take(paths, 1), lambda paths: take(paths, 2), kept),
    "backup": (
        lambda paths: publish(paths, 1),
        lambda paths: back_up(paths, paths.root / "backups", NOW),
        archives,
    ),
    "restore": (prepare_archive, restore_first, restored),
}


def forked(action) -> tuple[int, str]:
    """Run ``action`` in a process of its own; return its wait status and what it returned, as JSON."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        code = 1
        try:
            os.write(writer, json.dumps(action()).encode())
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer = stream.read().decode()
    return os.waitpid(child, 0)[1], answer


def stopped_at(number: int, fault: str, root: Path, act) -> dict[str, object]:
    """Run ``act`` with a fault at its n-th step; say how far it went, and what it said."""
    count = 0

    def watch(event: str, arguments: tuple) -> None:
        nonlocal count
        if event == "open":
            place, _, flags = arguments
            if not flags & _WRITES:
                return
        elif event in _MOVES:
            place = arguments[0]
        elif event == "ctypes.dlsym" and arguments[1] == "renameat2":
            place = root
        else:
            return
        if isinstance(place, int) or not os.fsdecode(place).startswith(str(root)):
            return
        count += 1
        if count == number:
            if fault == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fsdecode(place))

    sys.addaudithook(watch)
    said = ""
    try:
        act()
    except (ObservatoryError, OSError) as error:
        said = f"{type(error).__name__}: {error}"
    return {"steps": count, "said": said}


def main(scenario: str, fault: str, folder: Path, stride: int) -> None:
    prepare, act, judge = SCENARIOS[scenario]
    base, root = folder / "base", folder / "data"
    status, _ = forked(lambda: prepare(DataPaths(base, folder / "shipped")))
    assert status == 0
    for number in range(1, 1000, stride):
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(base, root)
        paths = DataPaths(root, folder / "shipped")
        status, answer = forked(
            lambda number=number, paths=paths: stopped_at(number, fault, root, lambda: act(paths))
        )
        told = json.loads(answer) if answer else {"steps": number, "said": ""}
        _, after = forked(lambda paths=paths: judge(paths))
        line = {"step": number, "status": status, **told, "after": json.loads(after or "null")}
        sys.stdout.write(f"{json.dumps(line)}\n")
        sys.stdout.flush()
        if told["steps"] < number:
            return
    raise AssertionError("it never ends")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
