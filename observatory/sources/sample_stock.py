"""Where the fictive dwellings stand: a plausible number by landlord, cité and commune.

Belongs here: the sizes of the cités and the spreading of the rest of the stock over real communes.
Does not: what each dwelling is like (``sample_draws``), nor how files are written (``sample``).

Two facts are real, and their source is the project's field notes: about 63,000 dwellings, 90 % of them
Maisons & Cités', and the 193 dwellings of the Cité du Pinson at Raismes. All the rest is invented.
"""

import numpy as np
import polars as pl

from observatory.errors import InputError
from observatory.sources.cite_names import cite_key

STOCK = 63_000
SHARES = {"maisons-et-cites": 0.9, "sia-habitat": 0.1}
PINSON_DWELLINGS = 193

_SMALLEST, _LARGEST, _TYPICAL = 20, 700, 190
# No commune is more than this share of mining dwellings, even the most mining of them.
_MOST_OF_A_COMMUNE = 0.6
# Below, a commune without a cité is taken for rural, with no mining stock.
_RURAL_BELOW = 1_000

PLACE_SCHEMA = {
    "landlord": pl.String,
    "cite_slug": pl.String,
    "cite_name": pl.String,
    "commune_code": pl.String,
    "commune_name": pl.String,
    "dwellings": pl.Int64,
    "pinson": pl.Boolean,
}


def draw_places(cites: pl.DataFrame, communes: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return the stock by place, as ``PLACE_SCHEMA``: one row per landlord, cité (or none) and commune.

    Args:
        cites: table ``core.cites``.
        communes: ``commune_code``, ``commune_name``, ``epci_code``, ``main_residences``, ``dwellings``.
        rng: source of chance.

    Raises:
        InputError: a cité stands in a commune that ``communes`` does not have, or the communes are too
            small for the stock.
    """
    communes = communes.sort("commune_code")
    _check_communes(cites, communes)
    in_cites = _cite_places(cites.sort("slug"), communes, rng)
    capacity = {
        code: int(dwellings * _MOST_OF_A_COMMUNE)
        for code, dwellings in communes.select("commune_code", "dwellings").iter_rows()
    }
    for _, _, _, code, count, _ in in_cites:
        capacity[code] -= count
    places = list(in_cites)
    weights = _mining_weights(cites, communes)
    for landlord, share in SHARES.items():
        # The small landlord stands in some communes only.
        present = rng.random(len(weights)) < (1.0 if landlord == "maisons-et-cites" else 0.45)
        rest = round(STOCK * share) - sum(row[4] for row in in_cites if row[0] == landlord)
        room = np.array([capacity[code] for code in communes["commune_code"]])
        counts = spread(max(rest, 0), weights * present, room)
        for code, count in zip(communes["commune_code"], counts.tolist(), strict=True):
            if count:
                places.append((landlord, None, None, code, count, False))
                capacity[code] -= count
    columns = ["landlord", "cite_slug", "cite_name", "commune_code", "dwellings", "pinson"]
    frame = pl.DataFrame(places, schema={name: PLACE_SCHEMA[name] for name in columns}, orient="row")
    named = frame.join(communes.select("commune_code", "commune_name"), on="commune_code", how="left")
    return named.select(list(PLACE_SCHEMA)).sort("landlord", "commune_code", "cite_slug", nulls_last=True)


def spread(total: int, weights: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Share ``total`` in proportion to ``weights`` without exceeding ``room`` anywhere.

    Each round gives whole units by largest remainder; what a full place cannot take goes to the others.

    Raises:
        InputError: there is not room enough where the weights are positive.
    """
    if total > int(room[weights > 0].sum()):
        raise InputError(
            file="communes",
            rule="les communes n’ont pas assez de logements pour y répartir le parc fictif.",
            remedy="donner toutes les communes du périmètre, avec leurs logements.",
        )
    given = np.zeros(len(weights), dtype=np.int64)
    while (left := total - int(given.sum())) > 0:
        open_weights = np.where(given < room, weights, 0.0)
        exact = left * open_weights / open_weights.sum()
        share = np.floor(exact).astype(np.int64)
        largest = np.argsort(share - exact, kind="stable")[: left - int(share.sum())]
        share[largest] += 1
        given = np.minimum(given + share, room)
    return given


def _check_communes(cites: pl.DataFrame, communes: pl.DataFrame) -> None:
    known = set(communes["commune_code"])
    for slug, codes in cites.select("slug", "commune_codes").iter_rows():
        for code in codes:
            if code not in known:
                raise InputError(
                    file="cites.csv",
                    rule=f"la cité « {slug} » est dans une commune hors du périmètre.",
                    remedy="employer le code officiel géographique en vigueur.",
                    column="commune_codes",
                    value=code,
                )


def _mining_weights(cites: pl.DataFrame, communes: pl.DataFrame) -> np.ndarray:
    """Return each commune's weight for the stock outside the named cités.

    Main residences, whole where a cité is named; elsewhere times half the share of its EPCI's communes
    that have one; none in the small communes without a cité.
    """
    mining = pl.col("commune_code").is_in(cites["commune_codes"].explode().unique().to_list())
    share = pl.when(mining).then(1.0).otherwise(0.5 * mining.mean().over("epci_code"))
    rural = ~mining & (pl.col("main_residences") < _RURAL_BELOW)
    weight = pl.when(rural).then(0.0).otherwise(pl.col("main_residences") * share)
    return communes.select(weight.cast(pl.Float64).alias("weight"))["weight"].to_numpy()


def _cite_places(
    cites: pl.DataFrame, communes: pl.DataFrame, rng: np.random.Generator
) -> list[tuple[str, str | None, str | None, str, int, bool]]:
    """Return (landlord, slug, name, commune, dwellings, is Pinson) for the named cités."""
    count = cites.height
    sizes = np.clip(rng.lognormal(np.log(_TYPICAL), 0.65, count), _SMALLEST, _LARGEST).round().astype(int)
    order = rng.permutation(count)
    # A few cités are so small that their cells fall under the threshold of confidentiality.
    small = order[: max(1, count // 12)]
    sizes[small] = rng.integers(_SMALLEST, 31, len(small))
    others = rng.permutation(count)
    shared = set(others[: max(1, count // 16)].tolist())
    minor = set(others[max(1, count // 16) : max(1, count // 16) + max(1, count // 10)].tolist())
    rows = []
    for i, (slug, name, codes) in enumerate(cites.select("slug", "name", "commune_codes").iter_rows()):
        pinson = cite_key(name) == "pinson" and "59491" in codes
        if pinson:
            split = {"maisons-et-cites": PINSON_DWELLINGS}
        elif i in shared:
            minority = int(sizes[i] * 0.35)
            split = {"maisons-et-cites": int(sizes[i]) - minority, "sia-habitat": minority}
        else:
            split = {"sia-habitat" if i in minor else "maisons-et-cites": int(sizes[i])}
        shares = np.array([0.6] + [0.4 / (len(codes) - 1)] * (len(codes) - 1)) if codes[1:] else np.ones(1)
        for landlord, size in split.items():
            parts = spread(size, shares, np.full(len(codes), size))
            rows += [
                (landlord, slug, name, code, part, pinson)
                for code, part in zip(codes, parts.tolist(), strict=True)
            ]
    return _fit(rows, communes)


def _fit(
    rows: list[tuple[str, str | None, str | None, str, int, bool]], communes: pl.DataFrame
) -> list[tuple[str, str | None, str | None, str, int, bool]]:
    """Shrink the cités of a commune that together would be most of it; Pinson keeps its real size."""
    room = dict(communes.select("commune_code", pl.col("dwellings") * _MOST_OF_A_COMMUNE).iter_rows())
    wanted: dict[str, int] = {}
    for _, _, _, code, count, pinson in rows:
        if pinson:
            room[code] -= count
        else:
            wanted[code] = wanted.get(code, 0) + count
    fitted = []
    for landlord, slug, name, code, count, pinson in rows:
        ratio = 1.0 if pinson else min(1.0, max(room[code], 0.0) / wanted[code])
        if kept := int(count * ratio):
            fitted.append((landlord, slug, name, code, kept, pinson))
    return fitted
