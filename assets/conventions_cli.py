"""The command of the agreements with partners: ``conventions``."""

from datetime import UTC, date, datetime

from rich.console import Console
from rich.table import Table

from observatory.paths import data_paths

console = Console()
_TABLES = ("core.territories", "confidential.dwellings")


def conventions() -> None:
    """Montrer les conventions avec les partenaires : dates, ce que chacune couvre, ce qu’il faut régler."""
    from assets.perimeter import chosen_perimeter
    from assets.settling import real_deliveries
    from observatory.disclosure.conventions import conventions_path, read_conventions, scope_of
    from observatory.rendering.french import plural
    from observatory.warehouse import published_tables, read_table

    paths = data_paths()
    real = real_deliveries(paths)
    path = conventions_path(paths, all_fictive=not real)
    if path is None:
        console.print("Aucune convention n’est enregistrée.")
        return
    read = read_conventions(path)
    console.print(f"{'Conventions fictives' if read.fictive else 'Conventions'} : {path}", soft_wrap=True)
    table = Table("Partenaire", "Convention", "Du", "Au", "État", "Territoires", "Mesures")
    published = published_tables(paths) >= set(_TABLES)
    frames = [read_table(paths, name) for name in _TABLES] if published else []
    problems = ["le fichier est fictif et des livraisons sont réelles."] if read.fictive and real else []
    for one in sorted(read.agreements, key=lambda one: (one.partner, one.first_day)):
        covered = (
            plural(len(one.territories), "territoire", "territoires") if one.territories else "ses cités"
        )
        if frames:
            scope = scope_of(one, chosen_perimeter(frames[0]), frames[1])
            problems += [f"{one.partner} : {problem}" for problem in scope.problems]
            if one.own_cites:
                count = len(scope.agreement.areas) if scope.agreement else 0
                covered = f"ses {plural(count, 'cité', 'cités')}"
        table.add_row(
            f"{one.name} ({one.partner})",
            one.reference,
            f"{one.first_day:%d/%m/%Y}",
            f"{one.last_day:%d/%m/%Y}",
            _state(one.first_day, one.last_day),
            covered,
            "toutes" if one.measures == "all" else ", ".join(sorted(one.counts)),
        )
    console.print(table)
    if not frames:
        console.print("Ce qu’elles couvrent se vérifie après « observatory run ».")
    for problem in problems:
        console.print(f"À régler – {problem}", style="yellow", markup=False)


def _state(first: date, last: date) -> str:
    today = datetime.now(UTC).date()
    if today < first:
        return "à venir"
    return "échue" if today > last else "en vigueur"
