"""All the sheets of the cités that stand alone, as one archive.

Belongs here: which files it holds, its notice. Does not: the sheets (``rendering``).
"""

from datetime import date
from pathlib import Path

from observatory.opendata.archives import CHECKSUMS, checksums, write_zip

_NOTICE = """Fiches des cités minières — édition {release}

Une fiche par cité, en un seul fichier HTML qui s’ouvre sans connexion dans un navigateur et s’imprime.
{count} fiche(s), publiées le {day} par {publisher}.

{checksums} donne l’empreinte SHA-256 de chaque fichier. Pour vérifier, dans ce dossier :
    sha256sum --check {checksums}

Chaque fiche dit ses sources, leurs millésimes et pourquoi une valeur manque. Une valeur marquée « fictif »
est inventée : elle ne doit être ni citée ni diffusée comme réelle.
"""


def write_sheet_archive(site: Path, release: str, published_on: date, publisher: str) -> Path | None:
    """Write in ``site/donnees`` the archive of every sheet of a site that stands alone.

    Args:
        site: the folder of the site, pages written.
        release: the edition; sheets are the files ``fiche-*-<release>.html``.
        published_on: date of the members.
        publisher: who publishes.

    Returns:
        The archive; none where the site has no such sheet.
    """
    contents = {path.name: path.read_bytes() for path in site.rglob(f"fiche-*-{release}.html")}
    if not contents:
        return None
    notice = _NOTICE.format(
        release=release,
        count=len(contents),
        day=f"{published_on:%d/%m/%Y}",
        publisher=publisher,
        checksums=CHECKSUMS,
    )
    folder = f"fiches-des-cites-{release}"
    members = contents | {"LISEZMOI.txt": notice.encode()}
    members[CHECKSUMS] = checksums(members).encode()
    path = site / "donnees" / f"{folder}.zip"
    write_zip(path, {f"{folder}/{name}": content for name, content in members.items()}, published_on)
    return path
