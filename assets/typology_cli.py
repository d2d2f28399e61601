"""The options of ``observatory typology``."""

from pathlib import Path
from typing import Annotated

import typer

from observatory.errors import ObservatoryError

TableArgument = Annotated[
    Path, typer.Argument(metavar="MATRIX.csv", help="Table : CSV en UTF-8, séparé par « , » ou « ; ».")
]
IdOption = Annotated[str, typer.Option("--id", metavar="COLUMN", help="Colonne des identifiants.")]
OutOption = Annotated[Path, typer.Option(help="Fichier JSON à écrire.")]
AxesOption = Annotated[
    int | None, typer.Option(help="Axes retenus pour les classes ; 5 sinon, ou tous s’il y en a moins.")
]
ClassesOption = Annotated[
    str, typer.Option(metavar="auto|N", help="Nombre de classes, ou auto pour laisser le critère choisir.")
]
CriterionOption = Annotated[
    str,
    typer.Option(
        metavar="within|gain",
        help="within : plus petit W(k)/W(k-1), W l’inertie intra-classe (FactoMineR 2.7) ; "
        "gain : plus grand gain de k-1 à k sur gain de k à k+1 (FactoMineR 2.14).",
    ),
]
MinOption = Annotated[int, typer.Option(help="Plus petit nombre de classes essayé par auto.")]
MaxOption = Annotated[
    int | None,
    typer.Option(help="Plus grand nombre de classes essayé par auto ; 10 sinon, ou les lignes moins une."),
]
ConsolidationOption = Annotated[bool, typer.Option(help="Consolider les classes de l’arbre par k-means.")]
WeightsOption = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Colonne des poids, comme la population.")
]
SupplementaryOption = Annotated[
    Path | None,
    typer.Option(metavar="FICHIER.csv", help="Individus supplémentaires : placés sans rien changer."),
]
VariablesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--supplementary-variable",
        metavar="COLUMN",
        help="Variable supplémentaire : décrit les classes sans y prendre part. À répéter.",
    ),
]
BootstrapOption = Annotated[
    int | None,
    typer.Option(min=0, help="Tirages pour la stabilité ; 100 sinon, aucun au-delà de 5 000 lignes."),
]


def typology(
    matrix: TableArgument,
    id_column: IdOption,
    out: OutOption,
    axes: AxesOption = None,
    classes: ClassesOption = "auto",
    criterion: CriterionOption = "within",
    min_classes: MinOption = 3,
    max_classes: MaxOption = None,
    consolidation: ConsolidationOption = True,
    weights: WeightsOption = None,
    supplementary: SupplementaryOption = None,
    supplementary_variable: VariablesOption = None,
    bootstrap: BootstrapOption = None,
) -> None:
    """Classer les lignes d’une table : ACP normée, arbre de Ward, consolidation, description."""
    from observatory.typology.command import Request, analyse
    from observatory.typology.result import write_document

    request = Request(
        table=matrix,
        id_column=id_column,
        n_axes=axes,
        n_classes=_class_count(classes),
        criterion=criterion,  # type: ignore[arg-type]  # the library names those it knows
        min_classes=min_classes,
        max_classes=max_classes,
        consolidated=consolidation,
        weights=weights,
        supplementary=supplementary,
        supplementary_variables=tuple(supplementary_variable or ()),
        bootstrap=bootstrap,
    )
    document = analyse(request)
    try:
        write_document(document, out)
    except OSError as error:
        raise ObservatoryError(f"Le fichier « {out} » ne peut pas être écrit : {error.strerror}.") from error
    typer.echo(f"{len(document['classes'])} lignes, {document['k']} classes. Écrit : {out}")


def _class_count(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal():
        raise ObservatoryError(f"« {text} » n’est pas un nombre de classes : donnez auto ou un entier.")
    return int(text)
