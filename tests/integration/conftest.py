"""Editions that the tests of the chain share, and the published sites that the tests of quality look at."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import SITE, chromium
from playwright.sync_api import Browser
from shared_runs import Run, shared_run


@pytest.fixture(scope="session")
def embedded_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return the default run, on the embedded data; for reading only."""
    return shared_run(tmp_path_factory, "embedded")


@pytest.fixture(scope="session")
def mirror_run(tmp_path_factory: pytest.TempPathFactory, mirror: Path) -> Run:
    """Return the run on the files of the mirror; for reading only."""
    return shared_run(tmp_path_factory, "mirror", "--sources", f"mirror={mirror}")


@pytest.fixture(scope="session", params=["embedded", "mirror"])
def site(request: pytest.FixtureRequest) -> Path:
    """Return a published site: of the default edition, then of the one on real sources."""
    if given := os.environ.get(SITE):
        if request.param == "mirror":
            pytest.skip(f"{SITE} names one site")
        return Path(given).resolve()
    return request.getfixturevalue(f"{request.param}_run").site


@pytest.fixture(scope="session")
def fullest_site(request: pytest.FixtureRequest) -> Path:
    """Return the site with every kind of page: of the edition on real sources, else of the default one."""
    if given := os.environ.get(SITE):
        return Path(given).resolve()
    try:
        return request.getfixturevalue("mirror_run").site
    except pytest.skip.Exception:
        return request.getfixturevalue("embedded_run").site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return one browser per file of tests: its loop of events bars others from the same process."""
    with chromium() as started:
        yield started
