"""Small systems whose intervals and best suppressions are worked out by hand."""

from dataclasses import replace

import pytest

from observatory.disclosure.attack import audit
from observatory.disclosure.linked import ExposedCellError, protect
from observatory.disclosure.system import Cell, Inclusion, InconsistentCellsError, System, Target

COUNTS = {"a": 4.0, "b": 30.0, "c": 9.0, "d": 50.0}


def cell(key: str, value: float | None = None) -> Cell:
    """``ab`` is the sum of the places a and b."""
    total = sum(COUNTS[place] for place in key) if value is None else value
    return Cell(total, frozenset((place,) for place in key))


def system(cells: dict[str, Cell], secret: str, width: float = 11, **options) -> System:
    """Every cell is printed by a figure of its own; ``secret`` is the cell or place to protect."""
    return System(
        {(key,): value for key, value in cells.items()},
        {(f"figure {key}",): frozenset({(key,)}) for key in cells},
        {(secret,): Target(frozenset((place,) for place in secret), frozenset(), width)},
        **options,
    )


def figures(*keys: str) -> set[tuple[str, ...]]:
    return {(f"figure {key}",) for key in keys}


# Two communes, ab and cd, and their EPCI abcd.
NESTED = {key: cell(key) for key in ("a", "b", "c", "d", "ab", "cd", "abcd")}


def test_a_difference_gives_a_hidden_cell_back() -> None:
    (exposure,) = audit(system(NESTED, "a"), figures("a"))
    assert (exposure.least, exposure.most) == (4, 4)
    assert exposure.causes == {("ab",), ("b",)}


def test_hiding_two_parts_leaves_an_interval_as_wide_as_their_sum() -> None:
    assert audit(system(NESTED, "a", width=34), figures("a", "b")) == []
    (exposure,) = audit(system(NESTED, "a", width=35), figures("a", "b"))
    assert (exposure.least, exposure.most) == (0, 34)


def test_the_other_part_of_the_commune_is_hidden_and_nothing_else() -> None:
    """A part of another commune is no cover, nor is the whole of it while the commune is printed."""
    assert set(protect(system(NESTED, "a"), figures("a"))) == figures("a", "b")


def test_a_part_inside_another_commune_covers_no_commune() -> None:
    """The communes protect each other; the cité c, inside the second, stays published."""
    cells = {key: cell(key) for key in ("c", "ab", "cd", "abcd")}
    assert set(protect(system(cells, "ab", width=40), figures("ab"))) == figures("ab", "cd")


def test_what_is_printed_nowhere_is_protected_from_differences() -> None:
    """The rest of a commune: the commune less its cité b."""
    cells = {key: cell(key) for key in ("b", "ab", "cd", "abcd")}
    (exposure,) = audit(system(cells, "a"), ())
    assert (exposure.least, exposure.most) == (4, 4)
    assert set(protect(system(cells, "a"), ())) == figures("b")


def test_communes_that_share_a_cite_are_no_tree() -> None:
    """b lies on the communes ab and bc: neither gives its rest away, both together do."""
    cells = {"b": cell("b"), "ab": cell("ab"), "bc": cell("bc")}
    (exposure,) = audit(system(cells, "ac", width=14), ())
    assert (exposure.least, exposure.most) == (13, 13)
    # All of ab in b, or none: bc is 39, so that a lies in 0..4 at least.
    (exposure,) = audit(system({"ab": cell("ab"), "bc": cell("bc")}, "ac", width=74), ())
    assert (exposure.least, exposure.most) == (5, 73)


def test_a_known_whole_bounds_its_parts() -> None:
    """Two parts of 40 in all, inside wholes of 30 and 25: the first is known within 15 and 30."""
    parts = {
        "a": cell("a", 20),
        "b": cell("b", 20),
        "ab": cell("ab", 40),
        "c": cell("c", 30),
        "d": cell("d", 25),
    }
    inside = (Inclusion(frozenset({("a",)}), ("c",)), Inclusion(frozenset({("b",)}), ("d",)))
    (exposure,) = audit(system(parts, "a", width=16, inclusions=inside), figures("a", "b"))
    assert (exposure.least, exposure.most) == (15, 30)
    assert {("ab",), ("c",), ("d",)} == exposure.causes
    assert audit(system(parts, "a", width=15, inclusions=inside), figures("a", "b")) == []


def test_parts_that_exclude_each_other_are_hidden_together() -> None:
    """Ten dwellings of which eight vacant: at most two are occupied, as long as both are printed."""
    counts = {"a": cell("a", 8), "b": cell("b", 2), "c": cell("c", 10)}
    apart = (Inclusion(frozenset({("a",), ("b",)}), ("c",)),)
    occupied = system(counts, "b", width=10, inclusions=apart)
    (exposure,) = audit(occupied, figures("b"))
    assert (exposure.least, exposure.most) == (0, 2)
    assert set(protect(occupied, figures("b"))) == figures("a", "b")


def test_a_suppression_that_became_superfluous_is_lifted() -> None:
    """Two secrets in turn; whatever was hidden first, no single figure can be shown again."""
    cells = {key: cell(key) for key in ("a", "b", "c", "d", "ab", "cd", "abcd", "ac", "bd")}
    both = System(
        {(key,): value for key, value in cells.items()},
        {(f"figure {key}",): frozenset({(key,)}) for key in cells},
        {(key,): Target(frozenset({(key,)}), frozenset(), 11) for key in ("a", "c")},
    )
    primary = figures("a", "c")
    hidden = set(protect(both, primary))
    assert audit(both, hidden) == []
    assert hidden > primary
    for figure in hidden - primary:
        assert audit(both, hidden - {figure}), figure


def test_a_zero_is_no_cover() -> None:
    cells = {"a": cell("a", 0), "ab": cell("ab", 0)}
    with pytest.raises(ExposedCellError, match="« b » ne peut être protégé"):
        protect(system(cells, "b"), ())


def test_what_another_release_hid_with_a_zero_still_protects() -> None:
    """One figure prints c and the zero of a: shown, a + b gives b; hidden by another release, it covers b.

    Nothing else may be hidden: that release printed a + b, and a zero alone is never chosen.
    """
    cells = {"a": cell("a", 0), "b": cell("b", 4), "c": cell("c", 30), "ab": cell("ab", 4)}
    known = replace(
        system(cells, "b", width=4),
        figures={("figure b",): frozenset({("b",)}), ("figure ac",): frozenset({("a",), ("c",)})},
        given=frozenset({("ab",)}),
    )
    with pytest.raises(ExposedCellError, match="une édition antérieure"):
        protect(known, figures("b"))
    assert set(protect(known, figures("b"), figures("b", "ac", "x"))) == figures("b", "ac")


def test_contradictory_counts_stop_the_publication_and_are_not_told() -> None:
    cells = {"a": cell("a", 123), "b": cell("b", 456), "ab": cell("ab", 789)}
    with pytest.raises(InconsistentCellsError) as caught:
        audit(system(cells, "a"), ())
    assert "« ab »" in str(caught.value)
    assert not any(value in str(caught.value) for value in ("123", "456", "789"))
    with pytest.raises(InconsistentCellsError):
        audit(system({"a": cell("a", 5), "ab": cell("ab", 4)}, "b"), ())
    # Consistent sums, but a part that exceeds its whole.
    beyond = (Inclusion(frozenset({("a",)}), ("c",)), Inclusion(frozenset({("b",)}), ("c",)))
    cells = {"ab": cell("ab", 10), "c": cell("c", 2)}
    with pytest.raises(InconsistentCellsError):
        audit(system(cells, "a", inclusions=beyond), ())
