"""Melodi: a dataset comes whole or not at all, and its observations become values with their status."""

import json

import pytest
from faulty_server import HeldClock
from melodi_server import FakeMelodi, melodi, observation
from pydantic import ValidationError

from observatory.errors import InputError
from observatory.sources.melodi import (
    MelodiLimits,
    communes_of,
    dataset_ids,
    dimension_codes,
    download_dataset,
)
from observatory.sources.melodi_values import (
    MelodiDataset,
    UnknownDatasetError,
    get_dataset,
    load_datasets,
    read_melodi,
)
from observatory.sources.requesting import FetchError, Limits, RateLimiter

DATASET = "DS_POPULATIONS_HISTORIQUES"
LENS = "2025-COM-62498"
FILTERS = {"GEO": communes_of(["246200364"]), "POPREF_MEASURE": ["PMUN", "PSDC"]}
FIVE = [
    observation(LENS, 2022, 32697.0, POPREF_MEASURE="PMUN", FREQ="A"),
    observation(LENS, 2018, 31606, POPREF_MEASURE="PMUN", FREQ="A"),
    observation(LENS, 1968, 41874, POPREF_MEASURE="PSDC", FREQ="A"),
    observation("2025-COM-62427", 2022, 1.2e4, POPREF_MEASURE="PMUN", FREQ="A"),
    observation("2025-COM-62427", 2018, 11900.5, POPREF_MEASURE="PMUN", FREQ="A"),
]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def api():
    with melodi(DATASET, list(FIVE)) as fake:
        yield fake


def take(api: FakeMelodi, folder, filters=FILTERS, page_size=2, held=None, limiter=None, **limits):
    held = held or HeldClock()
    return download_dataset(
        DATASET,
        filters,
        folder,
        source="insee_populations_historiques",
        base=api.base,
        limits=MelodiLimits(page_size=page_size, request=Limits(read_seconds=2, attempts=3), **limits),
        clock=held.clock(),
        limiter=limiter or RateLimiter(1000, 60, held.clock()),
    )


def refusal(api: FakeMelodi, folder, **options) -> FetchError:
    with pytest.raises(FetchError) as caught:
        take(api, folder, **options)
    assert not list(folder.glob("*"))
    assert caught.value.source == "insee_populations_historiques"
    assert "DS_POPULATIONS_HISTORIQUES" in caught.value.url
    return caught.value


def test_pages_make_the_same_file_whatever_their_size_and_order(api, tmp_path):
    found = take(api, tmp_path / "a")
    assert (found.count, found.dataset) == (5, DATASET)
    asked = [path for path, _ in api.server.asked]
    assert len(asked) == 5, "a count, three pages, a count"
    assert "GEO=EPCI-246200364%2ACOM" in asked[0] and "totalCount=TRUE&maxResult=0" in asked[0]
    api.observations.reverse()
    again = take(api, tmp_path / "b", page_size=10_000)
    assert again.path.read_bytes() == found.path.read_bytes()
    lines = [json.loads(line) for line in found.path.read_text().splitlines()]
    assert lines[0] == {
        "dataset": DATASET,
        "filters": {"GEO": ["EPCI-246200364*COM"], "POPREF_MEASURE": ["PMUN", "PSDC"]},
        "observations": 5,
    }
    assert len(lines) == 6 and all(line in lines[1:] for line in FIVE)


def test_too_many_requests_wait_as_the_server_asks(api, tmp_path):
    held = HeldClock()
    api.errors = [(429, {"Retry_After": "17"}), (429, {"Retry_After": "5"})]
    assert take(api, tmp_path, held=held).count == 5
    assert held.slept == [17, 5]


def test_the_thirty_first_request_waits_for_its_minute(api, tmp_path):
    held = HeldClock()
    limiter = RateLimiter(30, 60, held.clock())
    for _ in range(6):
        take(api, tmp_path, held=held, limiter=limiter)
    assert held.slept == []
    take(api, tmp_path, held=held, limiter=limiter)
    assert held.slept == [60]


def test_a_wrong_key_is_explained(api, tmp_path):
    api.errors = [(401, {})]
    error = refusal(api, tmp_path)
    assert "aucune clé" in error.remedy and not error.transient


def test_a_total_that_moves_is_refused(api, tmp_path):
    api.counts = [5, 6]
    error = refusal(api, tmp_path)
    assert "changé pendant la lecture" in error.cause and error.transient


def test_fewer_observations_than_announced_are_refused(api, tmp_path):
    api.counts = [7]
    assert "5 observation(s) lue(s) alors que 7" in refusal(api, tmp_path).cause


def test_a_page_given_twice_is_refused(api, tmp_path):
    first = FIVE[:2]
    api.spoil = lambda rank, page: page | {"observations": first} if rank == 2 else page
    assert "deux pages" in refusal(api, tmp_path).cause


def test_lost_filters_are_refused(api, tmp_path):
    stray = observation(LENS, 2022, 1, POPREF_MEASURE="PTOT")
    api.spoil = lambda rank, page: page | {"observations": [stray]} if rank == 3 else page
    assert "« PTOT » pour POPREF_MEASURE" in refusal(api, tmp_path).cause


@pytest.mark.parametrize(
    "elsewhere",
    [
        lambda url: "http://127.0.0.2:9/melodi/data/DS_POPULATIONS_HISTORIQUES?page=2",
        lambda url: "https://example.org/melodi/data/DS_POPULATIONS_HISTORIQUES?page=2",
        lambda url: url.replace("DS_POPULATIONS_HISTORIQUES", "DS_AUTRE"),
        lambda url: url.replace("http://", "http://user@"),
        lambda url: "http://[::1",
        lambda url: "file:///etc/passwd",
    ],
)
def test_a_next_page_elsewhere_is_not_followed(api, tmp_path, elsewhere):
    api.next_url = elsewhere
    assert "est ailleurs" in refusal(api, tmp_path).cause
    assert len(api.server.asked) == 2, "the count and the first page"


def test_a_next_page_named_without_port_is_asked_from_the_same_server(api, tmp_path):
    port = str(api.server.server_address[1])
    api.next_url = lambda url: url.replace(f"http://127.0.0.1:{port}", "https://127.0.0.1")
    assert take(api, tmp_path).count == 5


def test_pages_in_a_circle_or_without_end_are_refused(api, tmp_path):
    api.next_url = lambda url: url.replace("&page=3", "&page=2")
    assert "tournent en rond" in refusal(api, tmp_path).cause
    api.next_url = lambda url: url
    assert "limite de 2" in refusal(api, tmp_path, pages=2).cause


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"observations": []}, "forme attendue"),
        ([], "forme attendue"),
        ({"paging": {}, "observations": []}, "combien"),
    ],
)
def test_another_form_is_refused(api, tmp_path, document, words):
    api.spoil = lambda rank, page: document
    assert words in refusal(api, tmp_path).cause


def test_nothing_to_read_and_no_such_name_are_refused(api, tmp_path):
    assert "aucune observation" in refusal(api, tmp_path, filters={"POPREF_MEASURE": ["PTOT"]}).cause
    with pytest.raises(FetchError, match="n’est pas un nom de jeu"):
        download_dataset("../x", {}, tmp_path, source="melodi", base=api.base)


def test_the_catalogue_and_the_codes_of_the_dimensions(api, tmp_path):
    held = HeldClock()
    limiter = RateLimiter(30, 60, held.clock())

    def gives(document):
        return lambda handler: handler.give(json.dumps(document).encode())

    api.server.on("/melodi/catalog/all", gives([{"identifier": "DS_B"}, {"identifier": "DS_A"}]))
    api.server.on(
        f"/melodi/range/{DATASET}",
        gives({"range": [{"concept": {"code": "SEX"}, "values": [{"code": "M"}, {"code": "F"}]}]}),
        gives({"range": [{}]}),
    )
    assert dataset_ids(tmp_path, base=api.base, limiter=limiter) == ["DS_A", "DS_B"]
    assert dimension_codes(DATASET, tmp_path, base=api.base, limiter=limiter) == {"SEX": {"M", "F"}}
    with pytest.raises(FetchError, match="liste des modalités"):
        dimension_codes(DATASET, tmp_path, base=api.base, limiter=limiter)


def written(tmp_path, dataset, observations, **header):
    path = tmp_path / f"{dataset}.jsonl"
    first = {"dataset": dataset, "filters": {}, "observations": len(observations)} | header
    path.write_text("".join(json.dumps(one) + "\n" for one in [first, *observations]))
    return path


def test_populations_become_values(api, tmp_path):
    card = get_dataset(DATASET)
    frame = read_melodi(take(api, tmp_path).path, card, "2026", ["62498"])
    assert frame.select("variable", "vintage", "value", "status", "geography_vintage").rows() == [
        ("population", 2018, 31606.0, "published", 2025),
        ("population", 2022, 32697.0, "published", 2025),
        ("population_without_double_counts", 1968, 41874.0, "published", 2025),
    ]
    assert set(frame["source"]) == {"insee_populations_historiques"}
    assert set(frame["file_id"]) == {"insee_populations_historiques:2026:data"}


def income(value, geo=LENS, year=2021, measure="MED_SL", unit="EUR_YR", **more):
    return observation(geo, year, value, FILOSOFI_MEASURE=measure, UNIT_MEASURE=unit, **more)


def test_secret_and_missing_are_told_apart(tmp_path):
    rows = [
        income(17250),
        income(1437.5, unit="EUR_MTH"),
        income(None, geo="2025-COM-62427", CONF_STATUS="C", OBS_STATUS="O"),
        income(None, geo="2025-COM-59002", CONF_STATUS="F", OBS_STATUS="O"),
        income(None, geo="2025-COM-59004", OBS_STATUS="K"),
        income(31.0, measure="PR_MD60", unit="PC", CONF_STATUS="F", OBS_STATUS="A"),
        income(12.5, geo="2025-COM-62427", measure="PR_MD60", unit="PC", CONF_STATUS="C"),
    ]
    frame = read_melodi(written(tmp_path, "DS_FILOSOFI_CC", rows), get_dataset("DS_FILOSOFI_CC"), "2026")
    found = frame.select("variable", "code", "value", "status").rows()
    assert found == [
        ("median_living_standard", "59002", None, "missing"),
        ("median_living_standard", "59004", None, "not_available"),
        ("median_living_standard", "62427", None, "secret"),
        ("median_living_standard", "62498", 17250.0, "published"),
        ("poverty_rate", "62427", None, "secret"),
        ("poverty_rate", "62498", 31.0, "published"),
    ]


def test_a_rate_expressed_in_two_ways_is_refused(tmp_path):
    rows = [
        income(17250),
        income(31.0, measure="PR_MD60", unit="PC"),
        income(0.3, geo="2025-COM-62427", measure="PR_MD60", unit="RATIO"),
    ]
    with pytest.raises(InputError, match="exprimée de deux façons"):
        read_melodi(written(tmp_path, "DS_FILOSOFI_CC", rows), get_dataset("DS_FILOSOFI_CC"), "2026")


def people(value, geo=LENS, year=2022, measure="OBS_VALUE", **dims):
    return observation(geo, year, value, measure, **({"POPREF_MEASURE": "PMUN"} | dims))


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        (people(None), "OBS_VALUE", "sans marque"),
        (people(1, geo="COM-62498"), "GEO", "année-niveau-code"),
        (people(1, geo="2025-ARM-75101"), "GEO", "année-niveau-code"),
        (people(1, geo="2025-COM-1234"), "GEO", "code de commune"),
        (people(1, year="2022-Q1"), "TIME_PERIOD", "année"),
        (people(1, OBS_STATUS="Z"), "OBS_STATUS", "sens de cette marque"),
        (people(1, CONF_STATUS="N"), "CONF_STATUS", "sens de cette marque"),
        (people(1, FREQ="Q"), "FREQ", "annuelles"),
        (people(1, SEX="F"), "SEX", "n’est pas déclarée"),
        ({"dimensions": {"GEO": LENS, "TIME_PERIOD": "2022"}, "measures": {}}, "POPREF_MEASURE", "manque"),
        (people(1) | {"measures": {"A": {"value": 1}, "B": {"value": 2}}}, "measures", "une seule"),
        (people(1) | {"measures": {"A": {"value": True}}}, "A", "nombre"),
    ],
)
def test_what_is_not_declared_is_refused(tmp_path, row, column, words):
    with pytest.raises(InputError, match=words) as caught:
        read_melodi(written(tmp_path, DATASET, [row]), get_dataset(DATASET), "2026")
    assert (caught.value.column, caught.value.row) == (column, 2)


def test_the_measure_may_have_any_name_and_an_unknown_total_changes_nothing(tmp_path):
    rows = [people(12, measure="OBS_VALUE_PIB", SEX="_T"), people(9, year=1968, POPREF_MEASURE="PSDC")]
    frame = read_melodi(written(tmp_path, DATASET, rows), get_dataset(DATASET), "2026")
    assert frame["value"].to_list() == [12, 9]


def test_a_cut_foreign_or_partial_file_is_refused(tmp_path):
    card = get_dataset(DATASET)
    whole = written(tmp_path, DATASET, FIVE)
    lines = whole.read_text().splitlines(keepends=True)
    for content in ("", "texte\n", "[]\n", "".join(lines[:-1]), "".join(lines)[:-30]):
        whole.write_text(content)
        with pytest.raises(InputError, match=r"coupé|annonce"):
            read_melodi(whole, card, "2026")
    with pytest.raises(InputError, match="annonce"):
        read_melodi(written(tmp_path, "DS_FILOSOFI_CC", FIVE), card, "2026")
    with pytest.raises(InputError, match="aucune observation pour population_without_double_counts"):
        read_melodi(written(tmp_path, DATASET, FIVE[:2]), card, "2026")


def test_the_cards_pin_every_dimension_and_ask_for_no_more():
    cards = load_datasets()
    assert set(cards) == {
        "DS_RP_POPULATION_PRINC",
        "DS_RP_LOGEMENT_PRINC",
        "DS_RP_SERIE_HISTORIQUE",
        "DS_POPULATIONS_HISTORIQUES",
        "DS_FILOSOFI_CC",
    }
    housing = cards["DS_RP_LOGEMENT_PRINC"].filters(["EPCI-246200364*COM"])
    assert housing["OCS"] == ["DW_MAIN", "DW_SEC_DW_OCC", "DW_VAC", "_T"]
    assert housing["TSH"] == ["100", "200", "221", "300", "_T"] and housing["CARS"] == ["_T"]
    assert cards["DS_FILOSOFI_CC"].filters(["COM-62498"]) == {
        "GEO": ["COM-62498"],
        "FILOSOFI_MEASURE": ["MED_SL", "PR_MD60"],
    }
    with pytest.raises(UnknownDatasetError, match="Jeux connus"):
        get_dataset("DS_RIEN")


@pytest.mark.parametrize("where", [{}, {"SEX": "F", "AGE": "_T"}, {"SEX": "_T"}])
def test_a_card_that_pins_too_little_too_much_or_twice_is_refused(where):
    variable = {"unit": "habitants", "label": "x", "additive": True}
    card = {
        "id": "DS_X",
        "source": "x",
        "title": "x",
        "citation": "x",
        "notes": "x",
        "dimensions": ["SEX"],
        "totals": {},
        "variables": [
            {"name": "a", "where": {"SEX": "_T"}, **variable},
            {"name": "b", "where": where, **variable},
        ],
    }
    with pytest.raises(ValidationError):
        MelodiDataset.model_validate(card)


@pytest.mark.parametrize("card", load_datasets().values(), ids=lambda card: card.id)
def test_every_variable_is_read_from_its_own_observation(tmp_path, card):
    figures = {one.name: 10.0 + rank for rank, one in enumerate(card.variables)}
    rows = [observation(LENS, 2022, figures[one.name], **card.pins(one)) for one in card.variables]
    crossed = dict.fromkeys(card.dimensions, "ZZ")
    frame = read_melodi(
        written(tmp_path, card.id, [*rows, observation(LENS, 2022, 99, **crossed)]), card, "2026"
    )
    assert dict(frame.select("variable", "value").iter_rows()) == figures
