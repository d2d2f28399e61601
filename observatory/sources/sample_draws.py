"""What the fictive dwellings and beneficiaries are like, drawn at random place by place.

Belongs here: the invented distributions of types, ages, rents, states, occupants, benefits.
Does not: where the dwellings stand (``sample_stock``), nor how files are written (``sample``).

The Cité du Pinson alone follows real figures (rotation 4.6 %, vacancy 0.75 %: of 193 dwellings, 9
entries in the year and 1 vacant); the others scatter around 7 % and 5 %.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

VINTAGE = 2024
BENEFICIARIES = 25_000
VACANCY, ROTATION = 0.05, 0.07
AYANTS_DROIT = 0.135
"""Share of the occupied dwellings; all three are means over the stock, around which places scatter."""

PINSON_ENTRIES, PINSON_VACANT = 9, 1

_STATUSES = np.array(["vacant", "works", "to_demolish", "sold", "occupied"])
_HEATING = np.array(["gas_individual", "electricity", "coal", "heat_network", "heat_pump", "gas_collective"])
_PROGRAMMES = np.array(["full", "thermal"])
_PROGRESS = np.array(["studied", "underway", "delivered"])
_AGE_BANDS = np.array(["under_30", "from_30_to_44", "from_45_to_59", "from_60_to_74", "over_75"])
_HOUSEHOLDS = np.array(["single", "couple", "couple_children", "single_parent", "other"])
_INCOMES = np.array(
    [
        "under_20",
        "from_20_to_40",
        "from_40_to_60",
        "from_60_to_80",
        "from_80_to_100",
        "from_100_to_130",
        "over_130",
    ]
)
_SURFACES = np.array([28, 41, 56, 72, 88, 104, 121])
_LABELS = np.array(list("ABCDEFG"))
_NO_DATE = np.datetime64("NaT", "D")


def _pick(rng: np.random.Generator, shares: list[float], size: int) -> np.ndarray:
    """Return ``size`` positions drawn with the given shares."""
    return rng.choice(len(shares), size=size, p=np.array(shares) / sum(shares))


def _where(kept: np.ndarray, values: np.ndarray) -> pl.Series:
    """Return the values, null where they are not kept."""
    return pl.select(pl.when(pl.Series(kept)).then(pl.Series(values))).to_series()


def _around(mean: float, draws: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return rates in proportion to the draws, whose mean weighted by the sizes is ``mean``."""
    return draws * (mean / np.average(draws, weights=sizes))


def _new_year(years: np.ndarray) -> np.ndarray:
    """Return the first of January of each year."""
    return (years - 1970).astype("datetime64[Y]").astype("datetime64[D]")


@dataclass(frozen=True)
class _Occupation:
    """Status, kind of occupant and entry date of each dwelling."""

    status: np.ndarray
    elder: np.ndarray
    tenant: np.ndarray
    entry: np.ndarray


def draw_dwellings(places: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return one typed row per dwelling of the places, in their order.

    Args:
        places: as ``sample_stock.PLACE_SCHEMA``.
        rng: source of chance.

    Returns:
        The place's ``landlord``, ``cite_slug``, ``cite_name``, ``commune_code``, ``commune_name`` and
        ``pinson``, then the columns of a landlord's file under our names: codes as in
        ``confidential.dwellings``, surface in m², rent in euros a month, dates as dates, null for empty.
    """
    place = np.repeat(np.arange(places.height), places["dwellings"].to_numpy())
    size = len(place)
    era = rng.choice([1888, 1905, 1912, 1922, 1926, 1934, 1952, 1958, 1964, 1971], size=places.height)
    built = np.clip(era[place] + rng.integers(-5, 6, size), 1880, 1975)
    pinson = places["pinson"].to_numpy()[place]
    occupation = _draw_occupation(place, places.height, built, pinson, rng)
    rooms = _pick(rng, [0.01, 0.05, 0.22, 0.38, 0.24, 0.08, 0.02], size)
    surface = np.round(_SURFACES[rooms] * rng.normal(1, 0.08, size), 1)
    programme, progress, energy = _draw_renovation(place, places.height, rng)
    rent = np.round(surface * rng.normal(5.6, 0.45, size), 2)
    household, age_band = _draw_households(occupation, rng)
    vacant_days = np.ceil(rng.exponential(300, size)).astype("timedelta64[D]")
    status = occupation.status
    frame = places.select("landlord", "cite_slug", "cite_name", "commune_code", "commune_name", "pinson")
    return frame[place].with_columns(
        pl.Series("dwelling_id", [f"{n:06d}" for n in range(1, size + 1)]),
        pl.Series("dwelling_type", np.array([f"T{n}" for n in range(1, 8)])[rooms]),
        pl.Series("built_year", built),
        pl.Series("surface", surface),
        pl.Series("heating", _HEATING[_pick(rng, [0.55, 0.16, 0.05, 0.1, 0.06, 0.08], size)]),
        _where(rng.random(size) >= 0.08, _LABELS[energy]).alias("energy_label"),
        pl.Series(
            "rent",
            np.where(occupation.elder, 0, np.where(status == "sold", np.nan, rent)),
            nan_to_null=True,
        ),
        pl.Series("status", status),
        pl.Series(
            "vacant_since",
            np.where(status == "vacant", np.datetime64(f"{VINTAGE}-12-31") - vacant_days, _NO_DATE),
        ),
        programme.alias("renovation"),
        progress.alias("renovation_state"),
        _where(
            occupation.elder | occupation.tenant, np.where(occupation.elder, "ayant_droit", "tenant")
        ).alias("occupant"),
        pl.Series("entry_date", occupation.entry),
        household.alias("household_size"),
        age_band.alias("age_band"),
    )


def _draw_occupation(
    place: np.ndarray, places: int, built: np.ndarray, pinson: np.ndarray, rng: np.random.Generator
) -> _Occupation:
    size = len(place)
    sizes = np.bincount(place, minlength=places)
    vacancy = _around(VACANCY, np.clip(rng.gamma(5, 1, places), 0.5, 16), sizes)
    works = np.clip(rng.gamma(2, 0.008, places), 0, 0.1)
    demolition = np.where(rng.random(places) < 0.12, rng.uniform(0.01, 0.12, places), 0.0)
    steps = np.cumsum([vacancy, works, demolition, np.full(places, 0.004)], axis=0)
    status = _STATUSES[(rng.random(size) >= steps[:, place]).sum(axis=0)]
    chosen = rng.permutation(np.flatnonzero(pinson))
    status[chosen] = "occupied"
    status[chosen[:PINSON_VACANT]] = "vacant"
    occupied = status == "occupied"
    elders = _around(AYANTS_DROIT, rng.beta(5, 32, places), sizes)
    elder = occupied & (rng.random(size) < elders[place])
    tenant = occupied & ~elder
    rotation = _around(ROTATION, np.clip(rng.gamma(9, 1, places), 1.5, 30), sizes)
    tenants = np.bincount(place, tenant, places) / sizes
    arriving = tenant & (rng.random(size) < (rotation / np.maximum(tenants, 0.3))[place])
    candidates = chosen[tenant[chosen]]
    arriving[chosen] = False
    arriving[candidates[:PINSON_ENTRIES]] = True
    entry = np.where(tenant, _tenant_entries(arriving, rng), _NO_DATE)
    years = np.round(rng.triangular(1960, 1979, 2012, size)).astype(int)
    elder_entry = _new_year(years) + rng.integers(0, 365, size).astype("timedelta64[D]")
    entry = np.where(elder, elder_entry, entry)
    return _Occupation(status, elder, tenant, np.maximum(entry, _new_year(built + 1)))


def _tenant_entries(arriving: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return entry dates: in the vintage for those who arrive, since 1970 for the others."""
    size = len(arriving)
    new = np.datetime64(f"{VINTAGE}-01-01") + rng.integers(0, 366, size).astype("timedelta64[D]")
    seniority = rng.exponential(9 * 365, size).astype(int) % ((VINTAGE - 1970) * 365)
    old = np.datetime64(f"{VINTAGE - 1}-12-31") - seniority.astype("timedelta64[D]")
    return np.where(arriving, new, old)


def _draw_renovation(
    place: np.ndarray, places: int, rng: np.random.Generator
) -> tuple[pl.Series, pl.Series, np.ndarray]:
    """Return programme, progress and position of the energy label, better where works are delivered."""
    size = len(place)
    planned = rng.random(size) < rng.beta(2, 2, places)[place]
    programme = _where(planned, _PROGRAMMES[_pick(rng, [0.55, 0.45], size)])
    step = _pick(rng, [0.35, 0.25, 0.4], size)
    progress = _where(planned, _PROGRESS[step])
    as_built = _pick(rng, [0, 0.005, 0.08, 0.36, 0.32, 0.175, 0.06], size)
    renovated = _pick(rng, [0.01, 0.11, 0.4, 0.43, 0.05, 0, 0], size)
    return programme, progress, np.where(planned & (step == 2), renovated, as_built)


def _draw_households(occupation: _Occupation, rng: np.random.Generator) -> tuple[pl.Series, pl.Series]:
    """Return household size and age band: older and smaller households of ayants droit."""
    size = len(occupation.elder)
    elder_size = 1 + _pick(rng, [0.62, 0.35, 0.03], size)
    tenant_size = 1 + _pick(rng, [0.33, 0.27, 0.17, 0.13, 0.07, 0.03], size)
    elder_band = _pick(rng, [0, 0, 0.02, 0.23, 0.75], size)
    tenant_band = _pick(rng, [0.12, 0.28, 0.32, 0.2, 0.08], size)
    occupied = occupation.elder | occupation.tenant
    household = np.where(occupation.elder, elder_size, tenant_size)
    band = _AGE_BANDS[np.where(occupation.elder, elder_band, tenant_band)]
    return _where(occupied, household), _where(occupied, band)


def draw_resources(dwellings: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return the dwellings with ``household_type``, ``income_band`` and ``apl`` of their occupants.

    Apart from the other draws, which thus stay what they were.

    Args:
        dwellings: as ``draw_dwellings`` returns them.
        rng: source of chance.
    """
    size = dwellings.height
    people = dwellings["household_size"].fill_null(0).to_numpy()
    two = np.where(_pick(rng, [0.72, 0.23, 0.05], size) == 0, 1, np.where(rng.random(size) < 0.8, 3, 4))
    more = 2 + _pick(rng, [0.68, 0.26, 0.06], size)
    kinds = np.where(people <= 1, 0, np.where(people == 2, two, more))
    elder = (dwellings["occupant"] == "ayant_droit").fill_null(False).to_numpy()
    elder_income = _pick(rng, [0.02, 0.08, 0.3, 0.3, 0.16, 0.1, 0.04], size)
    tenant_income = _pick(rng, [0.2, 0.19, 0.22, 0.17, 0.11, 0.08, 0.03], size)
    income = np.where(elder, elder_income, tenant_income)
    helped = ~elder & (rng.random(size) < np.array([0.85, 0.8, 0.55, 0.2, 0.03, 0, 0])[income])
    occupied = people > 0
    return dwellings.with_columns(
        _where(occupied, _HOUSEHOLDS[kinds]).alias("household_type"),
        _where(occupied, _INCOMES[income]).alias("income_band"),
        _where(occupied, np.where(helped, "yes", "no")).alias("apl"),
    )


def draw_beneficiaries(
    dwellings: pl.DataFrame, communes: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """Return one typed row per fictive beneficiary of ANGDM.

    Each dwelling of an ayant droit houses one beneficiary in kind; the others live in the same communes,
    in proportion to the inhabitants aged 65 or over, outside the landlords' stock. Seven in ten are of
    the old group (about 80 years), three of the younger one (about 62).

    Args:
        dwellings: as ``draw_dwellings`` returns them.
        communes: ``commune_code``, ``commune_name``, ``population_65_over``.
        rng: source of chance.

    Returns:
        The columns of ANGDM's file under our names, codes as in ``confidential.beneficiaries``, yearly
        amounts in euros; and ``cite_slug``, ``cite_name`` and ``pinson`` of the dwelling.
    """
    columns = ["cite_slug", "cite_name", "commune_code", "commune_name", "pinson"]
    housed = dwellings.filter(pl.col("occupant") == "ayant_droit").select(columns)
    mining = communes.sort("commune_code").filter(
        pl.col("commune_code").is_in(dwellings["commune_code"].unique().to_list())
    )
    weights = mining["population_65_over"].to_numpy().astype(float)
    elsewhere = rng.choice(mining.height, BENEFICIARIES - housed.height, p=weights / weights.sum())
    scattered = mining.select("commune_code", "commune_name")[elsewhere]
    order = rng.permutation(BENEFICIARIES)
    people = pl.concat([housed, scattered], how="diagonal")[order].with_columns(
        pl.col("pinson").fill_null(False)
    )
    identity = _draw_identities(rng)
    return people.with_columns(*identity, *_draw_benefits(order < housed.height, rng))


def _draw_identities(rng: np.random.Generator) -> list[pl.Series]:
    """Return pseudonym, birth year, sex, kind, start and end of rights of all beneficiaries."""
    size = BENEFICIARIES
    old = rng.random(size) < 0.7
    old_age = np.clip(rng.normal(81, 6.5, size), 62, 104)
    young_age = np.clip(rng.normal(62, 6, size), 38, 76)
    birth = VINTAGE - np.round(np.where(old, old_age, young_age)).astype(int)
    kinds = np.array(["former_miner", "surviving_spouse", "other"])
    old_kind = _pick(rng, [0.42, 0.565, 0.015], size)
    young_kind = _pick(rng, [0.5, 0.38, 0.12], size)
    kind = np.where(old, old_kind, young_kind)
    women = np.array([0.015, 0.97, 0.55])[kind]
    start = np.minimum(birth + rng.integers(45, 61, size), VINTAGE - 1)
    start_date = _new_year(start) + rng.integers(0, 365, size).astype("timedelta64[D]")
    return [
        pl.Series("pseudonym", [f"P{n:06d}" for n in rng.permutation(10 * size)[:size]]),
        pl.Series("birth_year", birth),
        pl.Series("sex", np.where(rng.random(size) < women, "F", "M")),
        pl.Series("kind", kinds[kind]),
        pl.Series("start_date", start_date),
        pl.Series("end_date", np.full(size, _NO_DATE)),
    ]


def _draw_benefits(housed: np.ndarray, rng: np.random.Generator) -> list[pl.Series]:
    """Return the benefits and their yearly amounts, for cash only; housing is in kind where housed."""
    size = len(housed)
    benefits = np.array(["in_kind", "cash", "none"])
    housing = np.where(housed, "in_kind", benefits[1 + _pick(rng, [0.76, 0.24], size)])
    heating = benefits[_pick(rng, [0.28, 0.66, 0.06], size)]
    housing_amount = np.round(np.clip(rng.normal(2400, 380, size), 900, None), 2)
    heating_amount = np.round(np.clip(rng.normal(1100, 190, size), 400, None), 2)
    return [
        pl.Series("housing_benefit", housing),
        pl.Series("housing_amount", np.where(housing == "cash", housing_amount, np.nan), nan_to_null=True),
        pl.Series("heating_benefit", heating),
        pl.Series("heating_amount", np.where(heating == "cash", heating_amount, np.nan), nan_to_null=True),
    ]
