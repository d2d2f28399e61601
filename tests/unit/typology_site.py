"""The tables of a small typology for the site: two classes, a commune placed, one unknown, moves."""

from datetime import date
from typing import Any

import polars as pl

from observatory.tables import TYPOLOGY_TABLES

HOSTILE_TITLE = "Bourgs <b>& Cie</b>"
DESCRIPTION = {"p_value": 0.001, "sd_in_class": 1.0, "overall_sd": 2.0}


def typology_frames(codes: list[str]) -> dict[str, pl.DataFrame]:
    """Make every table of the schema for communes of which the second is placed and the last is unknown."""
    known = codes[:-1]
    active = [code for code in known if code != codes[1]]
    classes = {code: 1 + rank % 2 for rank, code in enumerate(known)}
    rows = {
        "communes": [_member(rank, code, classes[code], codes) for rank, code in enumerate(known)],
        "classes": _classes(),
        "axes": [
            {"axis": axis, "eigenvalue": 2.0 / axis, "explained_variance": 60.0 / axis, "kept": True}
            for axis in (1, 2)
        ],
        "variables": _variables(),
        "tree": _tree(len(active)),
        "examples": [
            {"class": group, "kind": kind, "rank": 1, "commune_code": code, "distance": 0.1}
            for group, code in ((1, codes[0]), (2, codes[3]))
            for kind in ("paragon", "specific")
        ],
        "neighbours": [
            {"commune_code": code, "rank": step, "neighbour_code": known[(rank + step) % len(known)]}
            | {"distance": 0.1 * step}
            for rank, code in enumerate(known)
            for step in (1, 2)
        ],
        "stability": [
            {"class": group, "size": 2, "jaccard": jaccard, "standard_error": 0.01, "dissolved": 0.2}
            | {"recovered": 0.6, "verdict": verdict, "impossible_draws": 0}
            for group, jaccard, verdict in ((1, 0.82, "stable"), (2, 0.45, "instable"))
        ],
        "chance": [
            {"statistic": statistic, "observed": 0.6, "random_low": 0.3, "random_median": 0.35}
            | {"random_high": 0.4, "share_as_high": 0.05}
            for statistic in ("between_inertia_ratio", "mean_jaccard")
        ],
        "effort": [
            {
                "judgement": judgement,
                "communes": len(codes),
                "tables": tables,
                "draws": draws,
                "reduced": False,
            }
            for judgement, tables, draws in (("stability", 1, 500), ("chance", 20, 20))
        ],
        "unplaced": [],
        "sensitivity": [
            {"perturbation": "variable", "setting": "vacance", "adjusted_rand": 0.8, "share_moved": 0.1},
            {"perturbation": "axes", "setting": "2", "reason": "Trop peu de variables."},
        ],
        "portraits": _portraits(codes),
        **_trajectories(codes),
    }
    return {
        table.name: table.conform(
            pl.DataFrame(
                [{name: row.get(name) for name in table.polars_schema} for row in rows[table.name]],
                schema=table.polars_schema,
            )
        )
        for table in TYPOLOGY_TABLES
    }


def _member(rank: int, code: str, group: int, codes: list[str]) -> dict[str, Any]:
    placed = code == codes[1]
    return {
        "commune_code": code,
        "role": "placed" if placed else "active",
        "missing": ["vacance"] if placed else [],
        "class": group,
        "axis_1": rank - 2.5,
        "axis_2": 1.0 - rank % 2,
        "distance_to_own": 1.4 if rank == 0 else 0.5,
        "next_class": 3 - group,
        "distance_to_next": 1.5,
    }


def _classes() -> list[dict[str, Any]]:
    means = {("vacance", 1): (9.0, 3.2), ("vacance", 2): (6.5, -2.0)}
    rows = [
        DESCRIPTION
        | {"class": group, "variable": variable, "role": "active", "v_test": v_test}
        | {"mean_in_class": mean, "overall_mean": 7.0}
        for (variable, group), (mean, v_test) in means.items()
    ]
    return rows + [
        DESCRIPTION
        | {"class": group, "variable": "population", "role": "supplementary", "v_test": 0.4, "p_value": 0.7}
        | {"mean_in_class": 1100.0, "overall_mean": 1000.0}
        for group in (1, 2)
    ]


def _variables() -> list[dict[str, Any]]:
    active = {"variable": "vacance", "role": "active", "transform": "none", "eta2": 0.7}
    extra = {"variable": "population", "role": "supplementary", "transform": "log", "eta2": 0.2}
    return [
        active | {"vintage": 2021, "reason": "Tension du parc.", "axis_1": 0.9, "axis_2": -0.1},
        extra | {"vintage": 2021, "reason": "Taille.", "axis_1": -0.4, "axis_2": 0.3},
        {
            "variable": "part_maisons",
            "role": "left_out",
            "transform": "none",
            "reason": "Forme du parc.",
            "left_out": "remplacée par « part_proprietaires »",
        },
    ]


def _tree(leaves: int) -> list[dict[str, Any]]:
    """Chain: each merge takes one more individual."""
    return [
        {"merge": rank, "first": rank, "second": 0 if rank == 1 else leaves + rank - 2}
        | {"height": float(rank), "gain": 0.1 * rank, "size": rank + 1}
        for rank in range(1, leaves)
    ]


def _portraits(codes: list[str]) -> list[dict[str, Any]]:
    written = {"title": HOSTILE_TITLE, "sentences": ["Une.", "Deux.", "Trois."], "likeness": 0.75}
    written |= {"written_on": date(2025, 3, 1), "entered": [codes[0]], "departed": ["62999"]}
    blank = {"sentences": [], "likeness": 0.0, "entered": [], "departed": []}
    return [{"class": 1} | written, {"class": 2} | blank]


def _trajectories(codes: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The first commune moves from A to B in any case, the fourth only with the common drift."""
    followed = [code for code in codes[:-1] if code != codes[1]]
    paths = dict.fromkeys(followed, (2, 2, 2, 2)) | {codes[0]: (1, 2, 1, 2), codes[3]: (1, 2, 2, 2)}
    communes = [
        {"commune_code": code, "class_before": raw, "class_after": after, "moved": raw != after}
        | {"class_before_net": net, "class_after_net": net_after, "moved_net": net != net_after}
        | {"borderline": False, "borderline_net": code == codes[0], "noise_probability": 0.31}
        | {f"axis_{axis}_{when}": 0.0 for axis in (1, 2) for when in ("before", "after")}
        | {"displacement": 1.0, "displacement_net": 0.5}
        for code, (raw, after, net, net_after) in paths.items()
    ]
    flows = []
    for net in (False, True):
        for before in (1, 2):
            whole = [path for path in paths.values() if path[2 if net else 0] == before]
            for after in (1, 2):
                count = sum(path[3 if net else 1] == after for path in whole)
                flows.append(
                    {"net": net, "class_before": before, "class_after": after, "count": count}
                    | {"share": count / len(whole)}
                )
    move = {"variable": "vacance", "class_before": 1, "class_after": 2, "change": -2.3}
    move |= {"standardised_change": -1.0, "contribution": 0.5, "share": 1.0}
    noise = {"individuals": len(followed), "observed": 1, "share_as_many": 0.7}
    return {
        "trajectory_communes": communes,
        "trajectory_classes": [
            DESCRIPTION
            | {
                "class": group,
                "variable": "vacance",
                "v_test": 2.0,
                "mean_in_class": mean,
                "overall_mean": 7.0,
            }
            for group, mean in ((1, 9.0), (2, 5.0))
        ],
        "trajectory_flows": flows,
        "trajectory_drivers": [
            move | {"net": net, "commune_code": code}
            for net, code in ((False, codes[0]), (False, codes[3]), (True, codes[0]))
        ],
        "trajectory_shift": [{"variable": "vacance", "shift": -0.29, "standardised_shift": -0.13}],
        "trajectory_noise": [
            noise | {"bound": "low", "expected_low": 0.0, "expected_median": 0.0, "expected_high": 0.0},
            noise | {"bound": "high", "expected_low": 1.0, "expected_median": 1.5, "expected_high": 3.0},
        ],
    }
