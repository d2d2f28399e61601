"""A server on this machine that answers as Melodi's ``data`` does, and misbehaves as told."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from faulty_server import FaultyServer, Handler, running

Observation = dict[str, Any]
OWN = ("maxResult", "page", "totalCount")


def observation(geo: str, year: int, value: float | None, measure: str = "OBS_VALUE_NIVEAU", **dims: str):
    """Return one observation; capitals that name a flag go to the attributes."""
    flags = {name: dims.pop(name) for name in ("CONF_STATUS", "OBS_STATUS", "UNIT_MEASURE") if name in dims}
    shown: Observation = {
        "dimensions": {"GEO": geo, "TIME_PERIOD": str(year), **dims},
        "measures": {measure: {} if value is None else {"value": value}},
    }
    return shown | ({"attributes": flags} if flags else {})


class FakeMelodi:
    """The answers of one dataset.

    Attributes:
        observations: what the dataset holds.
        counts: totals that it announces in turn, the last for ever; the true one when empty.
        next_url: makes the address of the next page from the right one.
        spoil: changes a page before it goes out, from its rank and document.
    """

    def __init__(self, server: FaultyServer, dataset: str, observations: list[Observation]) -> None:
        self.server = server
        self.path = f"/melodi/data/{dataset}"
        self.base = server.on(self.path, self.answer).removesuffix(f"/data/{dataset}")
        self.observations = observations
        self.counts: list[int] = []
        self.next_url: Callable[[str], str] = lambda url: url
        self.spoil: Callable[[int, Observation], Observation] = lambda rank, document: document
        self.errors: list[tuple[int, dict[str, str]]] = []

    def answer(self, handler: Handler) -> None:
        if self.errors:
            status, headers = self.errors.pop(0)
            handler.give(b"{}", status, **headers)
            return
        pairs = parse_qsl(urlsplit(handler.path).query)
        own = {name: text for name, text in pairs if name in OWN}
        wanted: dict[str, list[str]] = {}
        for name, code in pairs:
            if name not in OWN and name != "GEO":
                wanted.setdefault(name, []).append(code)
        kept = [
            one
            for one in self.observations
            if all(one["dimensions"].get(name) in codes for name, codes in wanted.items())
        ]
        size, rank = int(own.get("maxResult", "1000")), int(own.get("page", "1"))
        paging: dict[str, Any] = {"first": f"{self.base}/data", "isLast": rank * size >= len(kept)}
        if own.get("totalCount") == "TRUE":
            true = len(kept)
            paging["count"] = (
                self.counts.pop(0) if len(self.counts) > 1 else self.counts[0] if self.counts else true
            )
        if size and not paging["isLast"]:
            rest = "&".join(f"{n}={c}" for n, c in pairs if n != "page")
            url = f"{self.base.removesuffix('/melodi')}{self.path}?{rest}&page={rank + 1}"
            paging["next"] = self.next_url(url)
        document = {"paging": paging, "observations": kept[(rank - 1) * size : rank * size]}
        handler.give(json.dumps(self.spoil(rank, document)).encode())


@contextmanager
def melodi(dataset: str, observations: list[Observation]) -> Iterator[FakeMelodi]:
    with running() as server:
        yield FakeMelodi(server, dataset, observations)
