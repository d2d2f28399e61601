"""INSEE's Melodi API: every observation of a dataset that answers some filters, in one file.

Belongs here: requests, counts, pages, and the checks that nothing is lost, repeated or moved meanwhile.
Does not: what dimensions and codes mean (``melodi_values``), attempts and waits (``fetching``).

The API takes no key: a wrong one is refused (401). It takes 30 requests a minute from one address, then
answers 429; it gives at most 10,000 observations a page.
"""

import json
import re
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from observatory.files import write_atomic
from observatory.sources.fetching import fetch
from observatory.sources.requesting import Clock, FetchError, Limits, RateLimiter

BASE = "https://api.insee.fr/melodi"
LIMITER = RateLimiter(30, 60.0)
"""Shared by every request of the process: the limit is on the address, not on the dataset."""

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_LATER = "relancez plus tard ; la dernière version gardée reste utilisable d’ici là."
_TELL = (
    "l’API a sans doute changé : comparez sa réponse à sa documentation sur portail-api.insee.fr, puis "
    "corrigez observatory/sources/melodi.py."
)


@dataclass(frozen=True)
class MelodiLimits:
    """What one dataset may cost.

    Attributes:
        page_size: observations asked for at once; the API gives no more than 10,000.
        pages: pages at most.
        request: limits of each request.
    """

    page_size: int = 10_000
    pages: int = 300
    request: Limits = field(default_factory=lambda: Limits(size=100_000_000))


@dataclass(frozen=True)
class Downloaded:
    """One dataset, filtered and whole.

    Attributes:
        path: the file, one JSON object per line: first the request, then each observation.
        dataset: id of the dataset.
        url: address that gives the first page.
        count: observations.
    """

    path: Path
    dataset: str
    url: str
    count: int


def communes_of(epci_codes: Sequence[str]) -> list[str]:
    """Return the GEO filters that give the communes of EPCI, from their SIREN."""
    return [f"EPCI-{code}*COM" for code in sorted(epci_codes)]


def download_dataset(
    dataset: str,
    filters: Mapping[str, Sequence[str]],
    folder: Path,
    *,
    source: str,
    base: str = BASE,
    limits: MelodiLimits | None = None,
    clock: Clock | None = None,
    limiter: RateLimiter | None = None,
) -> Downloaded:
    """Write every observation of ``dataset`` that answers ``filters`` to ``folder/<dataset>.jsonl``.

    The same observations make the same bytes, whatever the order and the size of the pages. The count is
    asked for before and after: pages that move meanwhile are refused.

    Args:
        dataset: id of the dataset, such as ``DS_RP_POPULATION_PRINC``.
        filters: dimension -> codes wanted; for GEO, such as ``EPCI-200072460*COM``.
        folder: where the file goes.
        source: id of the source, for errors.
        base: address of the API.
        limits: size and time.
        clock: time and chance.
        limiter: rate of requests; ``LIMITER`` by default.

    Raises:
        FetchError: whatever went wrong; no file is written.
    """
    if not _NAME.fullmatch(dataset):
        raise FetchError(
            source,
            base,
            f"« {dataset} » n’est pas un nom de jeu de données.",
            "employez son identifiant, comme DS_RP_POPULATION_PRINC.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".melodi-") as staging:
        client = _Client(
            source, base, dataset, filters, limits or MelodiLimits(), clock, limiter, Path(staging)
        )
        expected = client.count()
        if expected == 0:
            raise client.error("aucune observation ne répond à ces filtres.", "vérifiez-les.")
        observations = client.observations()
        if len(observations) != expected or client.count() != expected:
            raise client.error(
                f"{len(observations)} observation(s) lue(s) alors que {expected} étaient annoncées : le jeu "
                "a changé pendant la lecture, ou des pages manquent.",
                _LATER,
                transient=True,
            )
    request = {"dataset": dataset, "filters": client.sorted_filters(), "observations": expected}
    lines = [_line(request), *sorted(_line(one) for one in observations)]
    path = folder / f"{dataset}.jsonl"
    write_atomic(path, "".join(lines).encode())
    return Downloaded(path, dataset, client.first_page(), expected)


def first_page(
    dataset: str, filters: Mapping[str, Sequence[str]], *, base: str = BASE, page_size: int = 10_000
) -> str:
    """Return the address of the first page of ``dataset``, which tells this request from any other."""
    query = urlencode([*_pairs(filters), ("maxResult", str(page_size))])
    return f"{base}/data/{dataset}?{query}"


def dataset_ids(folder: Path, *, base: str = BASE, limiter: RateLimiter | None = None) -> list[str]:
    """Return the ids of the datasets that the API offers (``catalog/all``), using ``folder`` as workspace.

    Raises:
        FetchError: the catalogue cannot be had or read.
    """
    url = f"{base}/catalog/all"
    document = _document("melodi", url, folder, Limits(), None, limiter or LIMITER)
    try:
        return sorted(one["identifier"] for one in document)
    except (TypeError, KeyError) as error:
        raise FetchError("melodi", url, "le catalogue n’a pas la forme attendue.", _TELL) from error


def dimension_codes(
    dataset: str, folder: Path, *, base: str = BASE, limiter: RateLimiter | None = None
) -> dict[str, set[str]]:
    """Return the dimensions of a dataset and their codes (``range/{id}``), using ``folder`` as workspace.

    Raises:
        FetchError: the ranges cannot be had or read.
    """
    url = f"{base}/range/{dataset}"
    document = _document(dataset, url, folder, Limits(), None, limiter or LIMITER)
    try:
        return {
            one["concept"]["code"]: {value["code"] for value in one["values"]} for one in document["range"]
        }
    except (TypeError, KeyError) as error:
        raise FetchError(dataset, url, "la liste des modalités n’a pas la forme attendue.", _TELL) from error


@dataclass(frozen=True)
class _Client:
    source: str
    base: str
    dataset: str
    filters: Mapping[str, Sequence[str]]
    limits: MelodiLimits
    clock: Clock | None
    limiter: RateLimiter | None
    staging: Path

    def error(self, cause: str, remedy: str, *, transient: bool = False) -> FetchError:
        return FetchError(self.source, self.first_page(), cause, remedy, transient)

    @property
    def home(self) -> str:
        return f"{self.base}/data/{self.dataset}"

    def sorted_filters(self) -> dict[str, list[str]]:
        return {name: sorted(self.filters[name]) for name in sorted(self.filters)}

    def first_page(self) -> str:
        return first_page(self.dataset, self.filters, base=self.base, page_size=self.limits.page_size)

    def count(self) -> int:
        query = urlencode([*_pairs(self.filters), ("totalCount", "TRUE"), ("maxResult", "0")])
        document = self._page(f"{self.home}?{query}")
        count = document["paging"].get("count")
        if type(count) is not int:
            raise self.error("l’API ne dit pas combien d’observations répondent.", _TELL)
        return count

    def observations(self) -> list[dict[str, Any]]:
        """Return the observations of every page, each once, all as asked for."""
        url: str | None = self.first_page()
        seen_urls, seen, found = set[str](), set[str](), list[dict[str, Any]]()
        while url is not None:
            if url in seen_urls or len(seen_urls) == self.limits.pages:
                raise self.error(
                    f"les pages tournent en rond ou dépassent la limite de {self.limits.pages}.",
                    "restreignez les filtres ; si le jeu est vraiment si grand, relevez la limite.",
                )
            seen_urls.add(url)
            document = self._page(url)
            for one in document["observations"]:
                key = self._checked(one)
                if key in seen:
                    raise self.error(
                        "une même observation figure dans deux pages : le jeu a changé pendant la lecture.",
                        _LATER,
                        transient=True,
                    )
                seen.add(key)
                found.append(one)
            url = self._next(document["paging"])
        return found

    def _next(self, paging: Mapping[str, Any]) -> str | None:
        """Return the address of the next page, on the same API and dataset, or None after the last.

        The server may name itself otherwise (http behind its proxy): only its query is followed.
        """
        target = paging.get("next")
        if paging.get("isLast") is True or not target:
            return None
        home = urlsplit(self.home)
        try:
            asked = urlsplit(str(target))
            same = asked.hostname == home.hostname and asked.port in (None, home.port)
        except ValueError:
            same = False
        if not same or asked.path != home.path or asked.username is not None:
            raise self.error(f"la page suivante est ailleurs ({target}) : elle n’est pas suivie.", _TELL)
        return urlunsplit((home.scheme, home.netloc, home.path, asked.query, ""))

    def _page(self, url: str) -> dict[str, Any]:
        document = _document(
            self.source, url, self.staging, self.limits.request, self.clock, self.limiter or LIMITER
        )
        expected = {"paging": dict, "observations": list}
        if not isinstance(document, dict) or any(
            not isinstance(document.get(name), kind) for name, kind in expected.items()
        ):
            raise self.error("la réponse n’a pas la forme attendue (paging, observations).", _TELL)
        return document

    def _checked(self, observation: Any) -> str:
        """Return the key of an observation, that is its dimensions, once known to answer the filters."""
        dimensions = observation.get("dimensions") if isinstance(observation, dict) else None
        if not isinstance(dimensions, dict) or not isinstance(observation.get("measures"), dict):
            raise self.error("une observation n’a ni dimensions ni mesures.", _TELL)
        for name, codes in self.filters.items():
            if name != "GEO" and dimensions.get(name) not in codes:
                raise self.error(
                    f"une observation a « {dimensions.get(name)} » pour {name}, qui n’était pas demandé.",
                    "le serveur a perdu les filtres d’une page à l’autre : relancez plus tard.",
                    transient=True,
                )
        return json.dumps(dimensions, sort_keys=True)


# Two downloads in one folder would share the name of the page.
_SERIAL = threading.Lock()


def _document(
    source: str, url: str, folder: Path, limits: Limits, clock: Clock | None, limiter: RateLimiter
) -> Any:
    with _SERIAL:
        try:
            fetched = fetch(
                url,
                folder,
                source=source,
                kind="json",
                name="page.json",
                limits=limits,
                clock=clock,
                limiter=limiter,
            )
        except FetchError as error:
            if "(code 401)" in error.cause:
                error.remedy = (
                    "cette API ne demande aucune clé et refuse une clé fausse : retirez celle qu’ajoutent un "
                    "fichier .netrc ou un proxy."
                )
            raise
        if urlsplit(fetched.final_url).hostname != urlsplit(url).hostname:
            raise FetchError(source, url, f"la réponse vient d’ailleurs ({fetched.final_url}).", _TELL)
        content = fetched.path.read_bytes()
        fetched.path.unlink()
    try:
        return json.loads(content)
    except ValueError as error:
        raise FetchError(source, url, "la réponse n’est pas du JSON lisible.", _TELL) from error


def _pairs(filters: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    return [(name, code) for name in sorted(filters) for code in sorted(filters[name])]


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"
