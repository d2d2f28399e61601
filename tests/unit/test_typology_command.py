"""``observatory typology``: any CSV table to a JSON document, or a French error that names the place."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from assets.cli import main

GOLDEN = (
    Path(os.environ.get("OBSERVATORY_GOLDEN", Path(__file__).resolve().parents[3] / "shared" / "golden"))
    / "typologie"
)
KEYS = {
    "eigenvalues",
    "explained_variance",
    "coordinates",
    "k",
    "inertia_gains",
    "between_inertia_ratio",
    "classes",
    "description",
    "eta2",
    "paragons",
    "specifics",
    "stability",
}


class Command:
    """The command, in a folder of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        self.folder, self.monkeypatch, self.capsys = folder, monkeypatch, capsys
        self.out = folder / "result.json"

    def write(self, text: str | bytes, name: str = "table.csv") -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def run(self, table: Path, *options: str, id_column: str = "code") -> dict[str, Any]:
        assert self._call(table, options, id_column) == 0, self.capsys.readouterr().err
        return json.loads(self.out.read_text(encoding="utf-8"), parse_constant=pytest.fail)

    def fail(self, table: Path, *options: str, id_column: str = "code") -> str:
        """Return the error, its thin spaces made plain."""
        assert self._call(table, options, id_column) == 1
        assert not self.out.exists()
        assert [path.name for path in self.folder.iterdir() if path.suffix == ".partial"] == []
        return self.capsys.readouterr().err.replace("\u202f", " ")

    def _call(self, table: Path, options: tuple[str, ...], id_column: str) -> object:
        words = ["observatory", "typology", str(table), "--id", id_column, "--out", str(self.out), *options]
        self.monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


def generated(n: int = 40, seed: int = 3) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    values = random.normal(size=(n, 4)) + 4 * random.normal(size=(3, 4))[random.integers(0, 3, n)]
    frame = pl.DataFrame(values.round(4), schema=["chomage", "cadres", "vacance", "densite"])
    return frame.insert_column(0, pl.Series("code", [f"{row + 1001:05d}" for row in range(n)]))


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="no FactoMineR results (OBSERVATORY_GOLDEN)")
@pytest.mark.parametrize(("options", "key"), [((), "k_auto"), (("--classes", "5"), "k_5")])
@pytest.mark.parametrize("consolidated", [True, False])
def test_the_document_is_factominers(
    command: Command, options: tuple[str, ...], key: str, consolidated: bool
) -> None:
    golden = json.loads((GOLDEN / "factominer_2021.json").read_text(encoding="utf-8"))
    expected = golden[f"{key}_{'consol' if consolidated else 'tree'}"]
    options = (*options, "--bootstrap", "2", *([] if consolidated else ["--no-consolidation"]))
    found = command.run(GOLDEN / "matrice_2021.csv", *options, id_column="code_commune")
    assert set(found) == KEYS
    np.testing.assert_allclose(found["eigenvalues"], golden["pca"]["eigenvalues"], rtol=0, atol=1e-6)
    assert found["k"] == expected["k"]
    assert [row["id"] for row in found["classes"]] == expected["code"]
    assert [row["class"] for row in found["classes"]] == expected["cluster"]
    np.testing.assert_allclose(found["inertia_gains"][:20], expected["inert_gain"], rtol=0, atol=1e-6)
    for row, theirs in zip(found["coordinates"], golden["pca"]["ind_coord"], strict=True):
        assert row["id"] == theirs["code"]
        assert [row[f"axis_{axis}"] for axis in range(1, 6)] == pytest.approx(
            [theirs[f"Dim.{axis}"] for axis in range(1, 6)], abs=1e-6
        )
    for label, lines in expected["desc_var"].items():
        significant = [row for row in found["description"][label] if row["p_value"] <= 0.05]
        # In FactoMineR's order too.
        assert [row["variable"] for row in significant] == [line["variable"] for line in lines]
        assert [row["v_test"] for row in significant] == pytest.approx([line["v.test"] for line in lines])
    assert found["eta2"] == pytest.approx({line["variable"]: line["Eta2"] for line in expected["eta2"]})
    for name, theirs in (("paragons", "para"), ("specifics", "dist")):
        for label, lines in expected[theirs].items():
            assert [row["id"] for row in found[name][label]] == [line["code"] for line in lines]
            assert [row["distance"] for row in found[name][label]] == pytest.approx(
                [line["distance"] for line in lines], abs=1e-6
            )
    ratio, total = found["between_inertia_ratio"], sum(found["inertia_gains"])
    assert ratio["before"] * total == pytest.approx(expected["bw_before"], abs=1e-6)
    if consolidated:
        assert ratio["after"] * total == pytest.approx(expected["bw_after"], abs=1e-6)
    assert set(found["stability"]) == set(found["description"])


def test_every_way_to_write_the_table_gives_the_same(command: Command) -> None:
    frame = generated()
    comma = frame.write_csv()
    lines = comma.splitlines()
    semicolon = comma.replace(",", ";").replace(".", ",")
    expected = command.run(command.write(comma))
    assert expected["classes"][0]["id"] == "01001"
    for text in (
        b"\xef\xbb\xbf" + comma.encode(),
        semicolon,
        semicolon.replace(",", "."),
        comma.replace("\n", "\r\n"),
        comma.rstrip("\n"),
        "\n".join([lines[0], *reversed(lines[1:])]),
        "\n".join([lines[0], "", *lines[1:], "", ""]),
        "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in lines),
    ):
        assert command.run(command.write(text)) == expected
    shuffled = frame.select("densite", "code", "vacance", "cadres", "chomage")
    other = command.run(command.write(shuffled.write_csv()))
    assert other["classes"] == expected["classes"]


def test_options(command: Command) -> None:
    table = command.write(generated().write_csv())
    assert command.run(table, "--classes", "6")["k"] == 6
    assert command.run(table, "--min-classes", "5", "--max-classes", "5", "--criterion", "gain")["k"] == 5
    assert "axis_3" not in command.run(table, "--axes", "2")["coordinates"][0]
    assert "axis_4" in command.run(table)["coordinates"][0]
    plain = command.run(table, "--no-consolidation")["between_inertia_ratio"]
    assert plain["before"] == plain["after"]


def test_a_small_table_has_fewer_than_ten_classes(command: Command) -> None:
    found = command.run(command.write(generated(7).write_csv()))
    assert 3 <= found["k"] <= 6


def test_stability_that_is_not_computed_says_why(command: Command) -> None:
    table = command.write(generated().write_csv())
    assert all(0 <= value <= 1 for value in command.run(table, "--bootstrap", "3")["stability"].values())
    none = command.run(table, "--bootstrap", "0", "--classes", "4")
    assert none["stability"] == dict.fromkeys("1234")
    assert none["stability_note"] == "Non calculée\u202f: aucun tirage demandé."
    large = command.write(generated(5_100).write_csv())
    assert "5\u202f000 lignes" in command.run(large, "--classes", "4")["stability_note"]


def test_supplementary_parts(command: Command) -> None:
    frame = generated().with_columns(population=pl.int_range(100, 140), loyer=pl.col("cadres") ** 2)
    table = command.write(frame.write_csv())
    others = command.write("code;chomage;cadres;vacance;densite\n00007;1,5;2;-1;0\n", "others.csv")
    found = command.run(
        table,
        *("--weights", "population", "--supplementary", str(others)),
        *("--supplementary-variable", "loyer", "--bootstrap", "0"),
    )
    assert set(found["eta2"]) == {"chomage", "cadres", "vacance", "densite"}
    (placed,) = found["supplementary_individuals"]
    assert placed["id"] == "00007"
    assert placed["distance_to_own"] <= placed["distance_to_next"]
    described = found["supplementary_variables"]
    assert described["axes"][0]["variable"] == "loyer"
    assert set(described["description"]) == set(found["description"])
    assert 0 <= described["eta2"]["loyer"] <= 1
    plain = command.run(command.write(frame.drop("loyer").write_csv()), "--weights", "population")
    assert plain["classes"] == found["classes"]


GOOD = (
    "code,chomage,cadres,vacance\n01003,9,10,5\n01001,12.5,7,7\n01002,14,6,6\n01004,8,12,5.5\n01005,21,3,11\n"
)


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("", (), ["« table.csv »", "le fichier est vide"]),
        ("\n \n", (), ["le fichier est vide"]),
        ("code,a,b\n", (), ["aucune ligne"]),
        (
            GOOD.replace("code", "insee"),
            (),
            ["ligne 1", "colonne « code »", "insee, chomage, cadres, vacance"],
        ),
        (GOOD.replace("14,6", ",6"), (), ["ligne 4", "colonne « chomage »", "la valeur manque", "« 01002 »"]),
        (GOOD.replace("14,6", "nan,6"), (), ["ligne 4", "colonne « chomage »", "la valeur manque"]),
        (GOOD.replace("14,6", "-inf,6"), (), ["ligne 4", "colonne « chomage »", "infinie"]),
        (GOOD.replace("14,6", "s,6"), (), ["ligne 4", "colonne « chomage »", "« s »", "pas un nombre"]),
        (GOOD.replace("\n01002", "\n\n01002").replace("14,6", "s,6"), (), ["ligne 5", "colonne « chomage »"]),
        (GOOD.replace("01004", "01001"), (), ["ligne 5", "colonne « code »", "« 01001 »", "déjà"]),
        (GOOD.replace("01004", ""), (), ["ligne 5", "colonne « code »", "l’identifiant manque"]),
        ("code,a,b\n1,2,3\n2,2,5\n3,2,9\n4,2,1\n", (), ["colonne « a »", "constante"]),
        ("code,a,b,c\n1,2,2,8\n2,5,5,1\n3,7,7,3\n4,1,1,2\n", (), ["colonne « b »", "répète « a »"]),
        (GOOD.replace("14,6,6", "14,6"), (), ["ligne 4", "3 valeur(s), l’en-tête 4"]),
        (GOOD.replace("vacance", "cadres"), (), ["ligne 1", "colonne « cadres »", "deux colonnes"]),
        (GOOD.replace("vacance", ""), (), ["ligne 1", "la colonne 4 n’a pas de nom"]),
        (GOOD.replace("14,6", '"14"x,6'), (), ["ligne 4", "guillemets"]),
        (GOOD.replace("chomage", "chômage").encode("latin-1"), (), ["ligne 1", "UTF-8"]),
        (GOOD, ("--classes", "6"), ["5 ligne(s) pour 6 classes"]),
        (GOOD, ("--classes", "1"), ["entre 2 et 5"]),
        (GOOD, ("--classes", "quatre"), ["« quatre » n’est pas un nombre de classes"]),
        (GOOD, ("--max-classes", "8"), ["entre 3 et 8 pour 5 lignes"]),
        (GOOD, ("--axes", "4"), ["3 dimension(s)"]),
        (GOOD, ("--axes", "1"), ["au moins deux axes"]),
        (GOOD, ("--criterion", "coude"), ["« coude » est inconnu"]),
        (GOOD, ("--weights", "population"), ["colonne « population »", "n’a pas cette colonne"]),
        (GOOD, ("--supplementary-variable", "code"), ["un autre rôle"]),
        (GOOD, ("--supplementary-variable", "loyer"), ["colonne « loyer »", "n’a pas cette colonne"]),
        ("code,a\n1,2\n2,3\n3,5\n", (), ["au moins deux variables"]),
    ],
)
def test_bad_input_is_named(
    command: Command, text: str | bytes, options: tuple[str, ...], words: list[str]
) -> None:
    message = command.fail(command.write(text), *options)
    assert message.startswith("Erreur : ")
    for word in words:
        assert word in message


def test_files_that_cannot_be_read_or_written(command: Command, tmp_path: Path) -> None:
    assert "ne peut pas être lu" in command.fail(tmp_path / "absent.csv")
    assert "ne peut pas être lu" in command.fail(tmp_path)
    command.out = command.write(GOOD) / "result.json"
    assert "ne peut pas être écrit" in command.fail(command.write(GOOD), "--bootstrap", "0")


def test_a_supplementary_individual_must_be_another(command: Command) -> None:
    others = command.write("code,chomage,cadres,vacance\n01009,1,2,3\n01004,8,12,5.5\n", "others.csv")
    message = command.fail(command.write(GOOD), "--supplementary", str(others), "--bootstrap", "0")
    assert "« others.csv », ligne 3" in message
    assert "« 01004 » est déjà un individu actif" in message


def test_the_command_needs_neither_dagster_nor_great_expectations(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(generated().write_csv(), encoding="utf-8")
    script = (
        "import sys; from assets.cli import main\n"
        "sys.argv = ['observatory', 'typology', 'table.csv', '--id', 'code', '--out', 'result.json']\n"
        "try: main()\n"
        "except SystemExit as stopped: assert not stopped.code\n"
        "heavy = {'dagster', 'great_expectations', 'duckdb', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "result.json").is_file()
