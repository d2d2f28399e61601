"""The chain on the real files of a mirror: published figures, statuses, and the way back to embedded."""

import duckdb
import pytest
from running_notebooks import executed
from shared_runs import copied, observatory
from typology_claims import MIRROR, false_claims

pytestmark = pytest.mark.integration


def query(data, sql):
    with duckdb.connect(str(data / "warehouse" / "observatory.duckdb"), read_only=True) as warehouse:
        return warehouse.sql(sql).fetchall()


@pytest.fixture(scope="module")
def data(mirror_run, tmp_path_factory):
    """The data of the run on the mirror, for this file alone: the last test runs over it."""
    return copied(mirror_run, tmp_path_factory.mktemp("mirror-run")).data


@pytest.mark.parametrize(
    ("indicator", "vintage", "code", "value"),
    [
        ("population_recensement", 2018, "62498", 31_606),
        ("population_recensement", 2022, "62498", 32_697),
        ("population_recensement", 2018, "BM", 1_216_644),
        ("population_recensement", 2022, "BM", 1_213_844),
        ("niveau_vie_median", 2021, "62498", 17_250),
        ("logements_sociaux", 2024, "BM", 169_589),
        ("population_depuis_1968", 2016, "BM", 1_217_016),
    ],
)
def test_published_figures(data, indicator, vintage, code, value):
    rows = query(
        data,
        f"""
        SELECT value, status FROM indicators.observations
        WHERE indicator = '{indicator}' AND vintage = {vintage} AND territory_code = '{code}'
        """,
    )
    assert rows == [(value, "published")]


def test_dwellings_of_2018_and_their_vacancy(data):
    ((numerator, denominator),) = query(
        data,
        """
        SELECT numerator, denominator FROM indicators.observations
        WHERE indicator = 'part_logements_vacants' AND vintage = 2018 AND territory_code = 'BM'
        """,
    )
    assert (round(numerator), round(denominator)) == (46_651, 557_626)


def test_withheld_poverty_is_secret_and_never_zero(data):
    """INSEE withholds the rate of 2021 for 148 of the 287 communes; none is at zero."""
    statuses = dict(
        query(
            data,
            """
            SELECT status, count(*) FROM indicators.observations
            WHERE indicator = 'taux_pauvrete' AND vintage = 2021 AND territory_level = 'commune'
            GROUP BY status
            """,
        )
    )
    assert statuses == {"secret": 148, "published": 139}
    assert query(
        data, "SELECT count(*) FROM indicators.observations WHERE indicator = 'taux_pauvrete' AND value = 0"
    ) == [(0,)]


def test_commune_without_a_row_in_the_register_is_not_available(data):
    statuses = dict(
        query(
            data,
            """
            SELECT status, count(*) FROM indicators.observations
            WHERE indicator = 'logements_sociaux' AND territory_level = 'commune' GROUP BY status
            """,
        )
    )
    assert statuses == {"published": 236, "not_available": 51}


def test_medians_are_never_aggregated(data):
    levels = query(
        data,
        "SELECT DISTINCT territory_level FROM indicators.observations WHERE indicator = 'niveau_vie_median'",
    )
    assert levels == [("commune",)]


def test_establishments_before_the_break_are_left_out(data):
    ((first,),) = query(
        data, "SELECT min(vintage) FROM indicators.observations WHERE indicator = 'etablissements'"
    )
    assert first >= 2016


def test_suites_by_source_all_pass(data):
    ((rules, failed),) = query(
        data,
        """
        SELECT count(*), count(*) FILTER (NOT passed) FROM quality.checks WHERE "table" LIKE '%par source'
        """,
    )
    assert rules >= 60
    assert failed == 0


def test_secret_reads_as_secret_on_the_page(data):
    ((code,),) = query(
        data,
        """
        SELECT min(territory_code) FROM indicators.observations
        WHERE indicator = 'taux_pauvrete' AND vintage = 2021 AND status = 'secret'
        """,
    )
    page = (data / "site" / "communes" / code / "index.html").read_text()
    row = page[page.index("Taux de pauvreté") :][:1500]
    assert "secret" in row


def test_fetched_files_are_kept_verified_and_shown(data, mirror):
    done = observatory(data, "sources", "insee_filosofi")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("vérifiée") == 3
    again = observatory(data, "fetch", "insee_filosofi", "--sources", f"mirror={mirror}")
    assert again.returncode == 0, again.stdout
    assert "NOUVEAU CONTENU" not in again.stdout


def test_source_that_cannot_be_had_says_what_to_do(data):
    done = observatory(data, "fetch", "insee_filosofi", "--vintage", "2021")
    assert done.returncode == 1
    assert "data/landing/insee_filosofi/2021" in done.stdout


# --- Typology -----------------------------------------------------------------------------------------------


def test_typology_takes_fifteen_variables_and_one_that_describes(data):
    roles = dict(query(data, "SELECT role, count(*) FROM typology.variables GROUP BY role"))
    assert roles == {"active": 15, "supplementary": 1, "left_out": 3}
    replaced = query(
        data, "SELECT variable, left_out FROM typology.variables WHERE role = 'left_out' ORDER BY 1"
    )
    assert replaced == [
        ("evolution_population_5_ans", "remplacée par « evolution_population_recensement_5_ans »"),
        ("part_maisons", "remplacée par « part_proprietaires »"),
        ("part_residences_secondaires", "remplacée par « part_proprietaires »"),
    ]


def test_communes_that_lack_a_value_are_placed_and_say_which(data):
    """Rombly has too few households for Filosofi; the census names no managers in either."""
    placed = query(
        data,
        "SELECT commune_code, list_sort(missing) FROM typology.communes WHERE role = 'placed' ORDER BY 1",
    )
    assert placed == [
        ("62720", ["niveau_vie_median", "part_cadres", "part_ouvriers"]),
        ("62885", ["part_cadres"]),
    ]
    assert query(data, "SELECT count(*) FROM typology.communes WHERE role = 'active'") == [(285,)]


def test_four_classes_and_what_everyone_knows_of_them(data):
    classes = dict(query(data, "SELECT commune_code, class FROM typology.communes"))
    assert set(classes.values()) == {1, 2, 3, 4}
    assert classes["62498"] == classes["62510"] == 1
    means = {
        (variable, number): mean
        for variable, number, mean in query(
            data, "SELECT variable, class, mean_in_class FROM typology.classes"
        )
    }
    unemployment = [means["taux_chomage_recensement", number] for number in (1, 2, 3, 4)]
    assert max(unemployment) == unemployment[0]
    assert 17 < unemployment[0] < 21
    income = [means["niveau_vie_median", number] for number in (1, 2, 3, 4)]
    assert max(income) == income[3]
    assert 25_000 < income[3] < 27_500
    assert income[0] < 20_000
    ((share,),) = query(
        data,
        """
        SELECT sum(value) FILTER (class = 1) / sum(value)
        FROM typology.communes JOIN indicators.observations ON territory_code = commune_code
        WHERE territory_level = 'commune' AND indicator = 'population_recensement' AND vintage = 2022
        """,
    )
    assert 0.6 < share < 0.75


def test_four_axes_are_those_above_one(data):
    eigenvalues = query(data, "SELECT eigenvalue > 1, kept FROM typology.axes ORDER BY axis")
    assert eigenvalues == [(True, True)] * 4 + [(False, False)] * 11


def test_no_class_is_unstable_nor_left_to_chance(data):
    assert query(data, "SELECT count(*) FROM typology.stability WHERE jaccard < 0.6") == [(0,)]
    assert query(data, "SELECT count(*) FROM typology.chance WHERE observed <= random_high") == [(0,)]


def test_sentences_of_the_portraits_are_true(data):
    with duckdb.connect(str(data / "warehouse" / "observatory.duckdb"), read_only=True) as warehouse:
        classes = warehouse.sql("FROM typology.classes").pl()
        portraits = warehouse.sql(
            "SELECT class, title, likeness FROM typology.portraits ORDER BY class"
        ).fetchall()
    assert portraits == [(number, title, 1.0) for number, title in enumerate(MIRROR, start=1)]
    for number, claims in enumerate(MIRROR.values(), start=1):
        assert false_claims(claims, number, classes) == []


def test_trajectories_follow_all_but_the_commune_without_incomes(data):
    ((followed, moved, net),) = query(
        data,
        """
        SELECT count(*), count(*) FILTER (moved), count(*) FILTER (moved_net)
        FROM typology.trajectory_communes
        """,
    )
    assert followed == 286
    assert net < moved < followed / 5
    flows = query(data, "SELECT net, sum(count) FROM typology.trajectory_flows GROUP BY net ORDER BY net")
    assert flows == [(False, 286), (True, 286)]
    off = query(
        data,
        """
        SELECT commune_code FROM typology.trajectory_drivers GROUP BY net, commune_code
        HAVING abs(sum(share) - 1) > 1e-9
        """,
    )
    assert off == []


def test_noise_may_explain_the_moves(data):
    """Sampling alone makes fewer moves than are observed; all that is unexplained, about as many."""
    bounds = {
        bound: (observed, low, high)
        for bound, observed, low, high in query(
            data, "SELECT bound, observed, expected_low, expected_high FROM typology.trajectory_noise"
        )
    }
    observed, low, high = bounds["high"]
    assert low <= observed <= high
    assert bounds["low"][2] < observed


def test_the_notebook_of_the_typology_follows_the_communes(data):
    printed = executed("typologie", data)
    assert "2017 → 2022" in printed


def test_the_notebook_of_the_beneficiaries_varies_the_assumptions(data):
    printed = executed("ayants_droit", data)
    assert "bénéficiaires dans" in printed
    assert "médiane en 2051" in printed
