"""All the sheets that stand alone, as one archive.

Belongs here: which files it holds, its notice. Does not: the sheets (``rendering``).
"""

from datetime import date
from pathlib import Path

from observatory.opendata.archives import CHECKSUMS, checksums, write_zip

SHEETS = "fiche-*-{}.html"
"""Names of the sheets that stand alone, in the folders of their pages; the release stands last."""
_NOTICE = """Fiches de l’observatoire du Bassin minier — édition {release}

Une fiche par territoire, en un seul fichier HTML qui s’ouvre sans connexion dans un navigateur et s’imprime.
{count} fiche(s), publiées le {day} par {publisher}. Un dossier par niveau : cites, communes, epci…

{checksums} donne l’empreinte SHA-256 de chaque fichier. Pour vérifier, dans ce dossier :
    sha256sum --check {checksums}

Chaque fiche dit ses sources, leurs millésimes et pourquoi une valeur manque. Une valeur marquée « fictif »
est inventée : elle ne doit être ni citée ni diffusée comme réelle.
"""


def write_sheet_archive(
    site: Path, release: str, published_on: date, publisher: str
) -> tuple[Path, int] | None:
    """Write in ``site/donnees`` the archive of every sheet of a site that stands alone.

    Args:
        site: the folder of the site, pages written.
        release: the edition.
        published_on: date of the members.
        publisher: who publishes.

    Returns:
        The archive and its number of sheets; none where the site has no such sheet.
    """
    contents = {
        f"{path.relative_to(site).parts[0]}/{path.name}": path.read_bytes()
        for path in site.rglob(SHEETS.format(release))
    }
    if not contents:
        return None
    notice = _NOTICE.format(
        release=release,
        count=len(contents),
        day=f"{published_on:%d/%m/%Y}",
        publisher=publisher,
        checksums=CHECKSUMS,
    )
    members = contents | {"LISEZMOI.txt": notice.encode()}
    members[CHECKSUMS] = checksums(members).encode()
    path = site / "donnees" / f"fiches-{release}.zip"
    write_zip(path, {f"{path.stem}/{name}": content for name, content in members.items()}, published_on)
    return path, len(contents)
