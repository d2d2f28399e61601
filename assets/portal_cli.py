"""The commands of the portal: ``serve``, and ``accounts`` for who may sign in."""

import sys
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from observatory.paths import data_paths

if TYPE_CHECKING:
    from observatory.portal import Accounts

console = Console()
accounts = typer.Typer(no_args_is_help=True, help="Ouvrir, fermer et montrer les comptes des partenaires.")

NameArgument = Annotated[str, typer.Argument(metavar="NOM", help="Nom du compte.")]
OrganisationOption = Annotated[
    str, typer.Option(help="Identifiant du partenaire, tel que ses conventions le nomment.")
]
DayOption = Annotated[
    datetime | None,
    typer.Option(
        "--until", formats=["%Y-%m-%d"], help="Dernier jour du compte (AAAA-MM-JJ) ; sans limite sinon."
    ),
]
ProxyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--proxy",
        help="Adresse ou réseau d’un mandataire dont croire X-Forwarded-For ; plusieurs fois si besoin.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(serve)
    app.add_typer(accounts, name="accounts")


def serve(
    host: Annotated[str, typer.Option(help="Adresse d’écoute.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port d’écoute.", min=1, max=65535)] = 8000,
    address: Annotated[
        str | None, typer.Option(help="Adresse publique, https://…, derrière un mandataire TLS.")
    ] = None,
    proxy: ProxyOption = None,
) -> None:
    """Servir le site public et, à chaque partenaire connecté, son édition."""
    from assets.settling import real_deliveries
    from observatory.portal import Accounts, Journal, Portal, Rights, Settings, build_portal
    from observatory.portal.serving import server
    from observatory.portal.settings import origin_of

    paths = data_paths()
    origin = origin_of(address, host, port)
    portal = Portal(
        Settings(paths, origin),
        Accounts(paths.accounts),
        Rights(paths, all_fictive=lambda: not real_deliveries(paths)),
        Journal(paths.downloads),
    )
    console.print(f"Site : {origin}/", soft_wrap=True, highlight=False)
    console.print(f"Partenaires : {origin}/partenaires/", soft_wrap=True, highlight=False)
    if not paths.site.is_dir():
        console.print("Aucun site n’est publié encore : « observatory run » le fait.", style="yellow")
    server(build_portal(portal), host, port, proxy or []).run()


@accounts.command()
def create(name: NameArgument, organisation: OrganisationOption, until: DayOption = None) -> None:
    """Ouvrir un compte ; le mot de passe se tape, ou vient de l’entrée standard."""
    store = _accounts()
    store.create(name, organisation, _password(), until.date() if until else None)
    console.print(f"Compte ouvert : {name}, pour {organisation}.", markup=False)
    if (warning := _agreement_warning(organisation)) is not None:
        console.print(warning, style="yellow", markup=False)


@accounts.command()
def revoke(name: NameArgument) -> None:
    """Fermer un compte pour de bon, et ses sessions aussitôt."""
    _accounts().revoke(name)
    console.print(f"Compte révoqué : {name}.", markup=False)


@accounts.command()
def expire(name: NameArgument, until: DayOption = None) -> None:
    """Fixer le dernier jour d’un compte ; sans --until, lever la limite."""
    _accounts().expire(name, until.date() if until else None)
    console.print(
        f"Compte {name} : ouvert {f'jusqu’au {until:%d/%m/%Y} compris' if until else 'sans limite'}.",
        markup=False,
    )


@accounts.command()
def password(name: NameArgument) -> None:
    """Changer un mot de passe, tapé ou lu de l’entrée standard ; les sessions du compte finissent."""
    _accounts().change_password(name, _password())
    console.print(f"Mot de passe changé : {name}.", markup=False)


@accounts.command(name="list")
def list_accounts() -> None:
    """Montrer les comptes, leur organisation, leur état."""
    store, today = _accounts(), datetime.now(UTC).date()
    found, locked = store.all(), store.locked()
    if not found:
        console.print("Aucun compte n’est ouvert.")
        return
    table = Table("Compte", "Organisation", "Créé le", "Jusqu’au", "État")
    for one in found:
        state = "ouvert" if one.open_on(today) else "échu"
        if one.revoked_on:
            state = f"révoqué le {one.revoked_on:%d/%m/%Y}"
        elif one.name in locked:
            state += ", bloqué un quart d’heure"
        table.add_row(one.name, one.organisation, _day(one.created_on), _day(one.last_day), state)
    console.print(table)


def _accounts() -> "Accounts":
    from observatory.portal import Accounts

    return Accounts(data_paths().accounts)


def _password() -> str:
    """Return the password typed twice, or the first line of the standard input; never an argument."""
    if sys.stdin.isatty():
        return str(
            typer.prompt("Mot de passe", hide_input=True, confirmation_prompt="Le même, encore une fois")
        )
    return sys.stdin.readline().rstrip("\r\n")


def _agreement_warning(organisation: str) -> str | None:
    """Return what keeps an organisation from seeing anything today."""
    from assets.settling import real_deliveries
    from observatory.portal import Rights

    paths = data_paths()
    rights = Rights(paths, all_fictive=lambda: not real_deliveries(paths))
    if rights.agreement(organisation) is None:
        return (
            f"Aucune convention de « {organisation} » n’est en vigueur : le compte n’ouvrira rien d’ici là."
        )
    return None


def _day(day: date | None) -> str:
    return "" if day is None else f"{day:%d/%m/%Y}"
