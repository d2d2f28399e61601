"""Generated histories of communes, with populations, for the tests of the passage."""

from datetime import date

import polars as pl
from hypothesis import strategies as st

from observatory.geography import History, build_history

FIRST, LAST = 2000, 2012
START = ("01001", "01002", "01003", "01004", "01005", "01006")
EVENT_SCHEMA = {
    "date": pl.Date,
    "kind": pl.String,
    "code_before": pl.String,
    "name_before": pl.String,
    "code_after": pl.String,
    "name_after": pl.String,
}


def events(*rows: tuple[str, str, str, str]) -> pl.DataFrame:
    """Return the events (day, kind, code before, code after), named after their codes."""
    return pl.DataFrame(
        [
            (date.fromisoformat(day), kind, before, f"N{before}", after, f"N{after}")
            for day, kind, before, after in rows
        ],
        schema=EVENT_SCHEMA,
        orient="row",
    )


def populations(*rows: tuple[int, str, int]) -> pl.DataFrame:
    schema = {"cog_year": pl.Int32, "code": pl.String, "population": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


@st.composite
def chains(draw, kinds=("merger", "restoration", "creation", "recode", "name")):
    """Return a history, the communes of each year and their populations, by drawn events, one a year."""
    existing, gone, fresh = list(START), [], iter(f"01{number:03d}" for number in range(100, 999))
    rows, codes_of = [], {FIRST: frozenset(START)}
    for year in range(FIRST, LAST):
        day = f"{year}-06-01"
        kind = draw(st.sampled_from(kinds))
        if kind == "merger" and len(existing) > 1:
            into, *others = draw(st.lists(st.sampled_from(existing), min_size=2, max_size=3, unique=True))
            rows += [(day, "merger", code, into) for code in (into, *others)]
            existing = [code for code in existing if code not in others]
            gone += [(code, into) for code in others]
        elif kind == "restoration" and any(into in existing for _, into in gone):
            code, into = draw(st.sampled_from([pair for pair in gone if pair[1] in existing]))
            gone.remove((code, into))
            rows += [(day, "restoration", into, into), (day, "restoration", into, code)]
            existing.append(code)
        elif kind == "creation":
            parent, child = draw(st.sampled_from(existing)), next(fresh)
            rows += [(day, "creation", parent, parent), (day, "creation", parent, child)]
            existing.append(child)
        elif kind == "recode":
            old, new = draw(st.sampled_from(existing)), next(fresh)
            rows.append((day, "department_change", old, new))
            existing[existing.index(old)] = new
            gone = [(code, new if into == old else into) for code, into in gone]
        elif kind == "name":
            code = draw(st.sampled_from(existing))
            rows.append((day, "name", code, code))
        codes_of[year + 1] = frozenset(existing)
    people = [
        (year, code, draw(st.integers(1, 50_000)))
        for year, codes in codes_of.items()
        for code in sorted(codes)
    ]
    history = build_history(events(*rows), LAST, FIRST)
    return history, codes_of, populations(*people)


def two_years():
    return st.tuples(st.integers(FIRST, LAST), st.integers(FIRST, LAST))


def history_of(*rows: tuple[str, str, str, str], last: int = LAST) -> History:
    return build_history(events(*rows), last, FIRST)
