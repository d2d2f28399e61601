"""Blocking checks: one Great Expectations suite per core table, then the audits of what is published."""

import dagster as dg
import polars as pl

from assets.agreements import agreements_of_the_day
from assets.instance import WRITER
from assets.storage import SESSION, TABLE
from observatory.disclosure.audit import audit_release
from observatory.disclosure.pooling import audit_editions
from observatory.disclosure.release import read_release, read_releases
from observatory.disclosure.report import audit_report
from observatory.expectations import core_tables, validate
from observatory.indicators.catalogue import load_indicators
from observatory.tables import TABLES, VALUES
from observatory.value_expectations import validate_values

CHECKS_TABLE = "quality.checks"
BROKEN = "règles enfreintes"
"""Metadata of a check: the rules that are broken, what was found and why it matters, without any value."""


def values_check(asset: dg.AssetsDefinition) -> dg.AssetChecksDefinition:
    """Return the blocking check of the producers' values, file by file."""

    @dg.asset_check(
        asset=asset.key,
        name="attentes_par_source",
        blocking=True,
        description="Suites Great Expectations par source et millésime.",
        additional_ins={"populations": dg.AssetIn("core_etalab__territory_populations")},
        required_resource_keys={SESSION},
        pool=WRITER,
    )
    def attentes_par_source(
        context: dg.AssetCheckExecutionContext,
        values: pl.DataFrame,
        populations: pl.DataFrame,
    ) -> dg.AssetCheckResult:
        results = validate_values(values, populations)
        return _recorded(context, f"{VALUES.qualified_name} par source", results)

    return attentes_par_source


def audit_check() -> dg.AssetChecksDefinition:
    """Return the blocking check of the staged site: an attack of all its files and pages."""

    @dg.asset_check(
        asset="published_all__site",
        name="audit_confidentialite",
        blocking=True,
        description="Attaque du site entier : rien de ce qui est caché ne doit pouvoir être retrouvé.",
        additional_ins={"counts": dg.AssetIn("indicators_mining__territory_measures")},
        required_resource_keys={SESSION},
        pool=WRITER,
    )
    def audit_confidentialite(
        context: dg.AssetCheckExecutionContext, counts: pl.DataFrame
    ) -> dg.AssetCheckResult:
        session = context.resources.session
        earlier = read_releases(session.paths.releases)
        audit = audit_release(read_release(session.site), earlier, load_indicators(), counts)
        report = audit_report(audit)
        if audit.leaks:
            context.log.error(report)
        return dg.AssetCheckResult(
            passed=not audit.leaks, metadata={"rapport": dg.MetadataValue.text(report)}
        )

    return audit_confidentialite


def partners_check() -> dg.AssetChecksDefinition:
    """Return the blocking check of the staged editions: attacks by each partner, and by several together."""

    @dg.asset_check(
        asset="published_partners__editions",
        name="audit_partenaires",
        blocking=True,
        description="Attaque par les partenaires, seuls puis ensemble : rien de ce que leurs conventions ne "
        "couvrent pas ne doit pouvoir être retrouvé.",
        additional_ins={
            "territories": dg.AssetIn("core_all__territories"),
            "dwellings": dg.AssetIn("core_landlords__dwellings"),
            "counts": dg.AssetIn("indicators_mining__territory_measures"),
        },
        required_resource_keys={SESSION},
        pool=WRITER,
    )
    def audit_partenaires(
        context: dg.AssetCheckExecutionContext,
        territories: pl.DataFrame,
        dwellings: pl.DataFrame,
        counts: pl.DataFrame,
    ) -> dg.AssetCheckResult:
        session = context.resources.session
        agreements, _ = agreements_of_the_day(session.paths, territories, dwellings)
        if not agreements:
            return dg.AssetCheckResult(passed=True, metadata={"éditions": 0})
        site = session.site if session.site.exists() else session.paths.site
        audits = list(
            audit_editions(
                read_release(site),
                {one.partner: read_release(session.partners / one.partner) for one in agreements},
                agreements,
                read_releases(session.paths.releases),
                load_indicators(),
                counts,
            )
        )
        report = "\n\n".join(audit_report(audit) for audit in audits)
        passed = not any(audit.leaks for audit in audits)
        if not passed:
            context.log.error(report)
        return dg.AssetCheckResult(
            passed=passed, metadata={"éditions": len(agreements), "rapport": dg.MetadataValue.text(report)}
        )

    return audit_partenaires


def check_of(asset: dg.AssetsDefinition) -> dg.AssetChecksDefinition:
    """Return the blocking check of an asset whose table has a suite."""
    table = TABLES[asset.metadata_by_key[asset.key][TABLE]]

    @dg.asset_check(
        asset=asset.key,
        name="attentes",
        blocking=True,
        description=f"Suite Great Expectations de {table.qualified_name}.",
        required_resource_keys={SESSION},
        pool=WRITER,
    )
    def attentes(context: dg.AssetCheckExecutionContext, frame: pl.DataFrame) -> dg.AssetCheckResult:
        return _recorded(context, table.qualified_name, validate(table, frame))

    return attentes


def _recorded(
    context: dg.AssetCheckExecutionContext, suite: str, results: pl.DataFrame
) -> dg.AssetCheckResult:
    """Keep the outcome of a suite for the site, and tell Dagster."""
    results = results.with_columns(table=pl.lit(suite))
    context.resources.session.replace_rows(CHECKS_TABLE, results, "table", [suite])
    failed = results.filter(~pl.col("passed"))
    return dg.AssetCheckResult(
        passed=failed.is_empty(),
        metadata={
            "règles": results.height,
            BROKEN: dg.MetadataValue.md(
                "\n".join(
                    f"- {rule} ({observed}) – {reason}"
                    for rule, observed, reason in failed.select("rule", "observed", "reason").iter_rows()
                )
                or "aucune"
            ),
        },
    )


def suites(assets: list[dg.AssetsDefinition]) -> list[dg.AssetChecksDefinition]:
    """Return the checks of every asset whose table has a suite."""
    guarded = {table.qualified_name for table in core_tables()}
    return [
        check_of(asset)
        for asset in assets
        if len(asset.keys) == 1 and asset.metadata_by_key[asset.key].get(TABLE) in guarded
    ]
