"""Pages of the portal itself: sign-in, home of a partner, errors.

Belongs here: their templates. Does not: pages of the site and of editions, served as they were published.
"""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from observatory.portal.headers import PARTNERS
from observatory.portal.policies import policy_of
from observatory.rendering import french

MESSAGES = {
    400: ("Demande mal formée", "Cette demande n’a pas la forme attendue."),
    403: (
        "Formulaire périmé",
        "Ce formulaire ne vient pas de cette page, ou a trop attendu. Revenir à la page, et recommencer.",
    ),
    404: ("Page introuvable", "Cette adresse ne mène à rien, ou à rien qui vous soit ouvert."),
    405: ("Demande refusée", "Cette adresse ne se demande pas de cette façon."),
    408: (
        "Demande trop lente",
        "Le formulaire n’est pas arrivé à temps. Vérifier la connexion, et recommencer.",
    ),
    413: (
        "Demande trop longue",
        "Ce qui a été envoyé dépasse ce qu’un formulaire de ce portail peut contenir.",
    ),
    429: (
        "Trop de demandes",
        "Votre adresse a fait trop de demandes en peu de temps. Attendre, et recommencer.",
    ),
    500: (
        "Erreur du portail",
        "Le portail a rencontré une erreur. Si elle persiste, la signaler à l’observatoire.",
    ),
    503: (
        "Momentanément indisponible",
        "Le portail ne peut répondre pour l’instant. Recommencer dans quelques minutes.",
    ),
}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "long_date": french.long_date,
        "plural": french.plural,
        "quantity": french.quantity,
    }
    return environment


def render(template: str, status: int = 200, **content: object) -> Response:
    """Return a page of the portal, with its policy."""
    body = _environment().get_template(template).render(content).encode()
    return Response(body, status, {"Content-Security-Policy": policy_of(body)}, "text/html")


def error_page(request: Request, status: int) -> Response:
    """Return the page of an error."""
    title, text = MESSAGES.get(status, MESSAGES[500 if status >= 500 else 400])
    reserved = request.scope["path"].startswith(PARTNERS)
    return render("erreur.html.j2", status, title=title, text=text, reserved=reserved)
