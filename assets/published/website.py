"""The site: pages and open data, staged whole and published with the warehouse."""

import dagster as dg
import polars as pl

from assets.building import OWNER, YEARLY
from assets.checks import CHECKS_TABLE
from assets.indicators.typology import output_name
from assets.instance import WRITER
from assets.perimeter import check_pages, chosen_perimeter
from assets.storage import SESSION
from observatory.paths import data_paths
from observatory.projection.assumptions import CARD as ASSUMPTIONS
from observatory.projection.assumptions import read_assumptions
from observatory.projection.calibration import CARD as LANDMARKS
from observatory.projection.calibration import calibrate, read_landmarks
from observatory.releases.differences import since_last
from observatory.releases.editions import PublicEdition
from observatory.releases.provenance import code_fingerprint
from observatory.rendering.changelog import CHANGES, read_changes
from observatory.rendering.imprint import CARD, read_imprint
from observatory.rendering.inputs import SiteData
from observatory.rendering.portrait import read_chapters
from observatory.rendering.website import build_site
from observatory.tables import TYPOLOGY_TABLES
from observatory.territories import cites_within


@dg.asset(
    name="published_all__site",
    group_name="published",
    kinds={"html", "csv", "plotly"},
    owners=[OWNER],
    description="Le site : fiches de cité, de commune et d’EPCI, repères, portrait, typologie, données.",
    ins={output_name(table): dg.AssetIn() for table in TYPOLOGY_TABLES},
    required_resource_keys={SESSION},
    pool=WRITER,
    freshness_policy=YEARLY,
)
def site(
    context: dg.AssetExecutionContext,
    core_all__territories: pl.DataFrame,
    core_mbm__cites: pl.DataFrame,
    core_all__files: pl.DataFrame,
    core_contours__commune_outlines: pl.DataFrame,
    core_etalab__commune_postcodes: pl.DataFrame,
    core_mbm__heritage_features: pl.DataFrame,
    core_mbm__cite_ties: pl.DataFrame,
    core_mbm__cite_heritage: pl.DataFrame,
    core_mbm__cite_shares: pl.DataFrame,
    core_mbm__cite_iris: pl.DataFrame,
    core_mbm__cite_grid: pl.DataFrame,
    core_mbm__cite_contradictions: pl.DataFrame,
    indicators_all__observations: pl.DataFrame,
    indicators_all__definitions: pl.DataFrame,
    indicators_mbm__cite_dashboard: pl.DataFrame,
    indicators_angdm__projections: pl.DataFrame,
    core_insee__mortality: pl.DataFrame,
    **typology: pl.DataFrame,
) -> dg.MaterializeResult:
    """Write every page and export."""
    check_pages()
    session = context.resources.session
    territories = chosen_perimeter(core_all__territories)
    reference = data_paths().reference
    imprint = read_imprint(reference / CARD)
    assumed = read_assumptions(reference / ASSUMPTIONS)
    data = SiteData(
        imprint=imprint,
        perimeter_vintage=int(territories["perimeter_vintage"][0]),
        territories=territories,
        cites=cites_within(core_mbm__cites, territories),
        observations=indicators_all__observations,
        definitions=indicators_all__definitions,
        files=core_all__files,
        contours=core_contours__commune_outlines,
        postcodes=core_etalab__commune_postcodes,
        typology={table.name: typology[output_name(table)] for table in TYPOLOGY_TABLES},
        checks=session.read(CHECKS_TABLE),
        heritage=core_mbm__heritage_features,
        cite_ties=core_mbm__cite_ties,
        cite_heritage=core_mbm__cite_heritage,
        # A cité of the perimeter may cross into a commune that is not in it, and that has no page.
        cite_shares=core_mbm__cite_shares.join(territories, on="code", how="semi"),
        cite_iris=core_mbm__cite_iris,
        cite_grid=core_mbm__cite_grid,
        cite_contradictions=core_mbm__cite_contradictions,
        dashboard=indicators_mbm__cite_dashboard,
        portrait=read_chapters(data_paths().portrait),
        projections=indicators_angdm__projections,
        assumed=assumed,
        calibration=None
        if core_insee__mortality.is_empty()
        else calibrate(core_insee__mortality, read_landmarks(reference / LANDMARKS), assumed),
        changes=read_changes(reference / CHANGES),
        differences=since_last(
            session.paths.releases,
            PublicEdition(
                imprint.release,
                indicators_all__observations,
                indicators_all__definitions,
                core_all__files,
                territories,
                code_fingerprint(),
            ),
        ),
    )
    pages = build_site(data, session.site)
    size = sum(path.stat().st_size for path in session.site.rglob("*") if path.is_file())
    return dg.MaterializeResult(
        metadata={"pages": len(pages), "octets": size, "périmètre": f"COG {data.perimeter_vintage}"}
    )
