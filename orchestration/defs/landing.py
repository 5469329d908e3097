"""Raw file groups and the raw tables that they land in."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator
from pydantic import Field

from expectations import load_ahead
from orchestration.defs.running import POOL, Writing
from orchestration.exports import is_demo, settings_to_land
from orchestration.faults import fault_point
from orchestration.inputs import build_state
from orchestration.landing.load import FileOutcome, LandingSummary, land_folder
from orchestration.lock import wait_until_closed
from orchestration.measurement.registry import SCHEMA as MEASURED
from orchestration.publication import current_publication
from orchestration.recovery import repair
from orchestration.replacing import ask_for
from orchestration.settings import Settings
from orchestration.summary import SHOWN_REFUSALS
from orchestration.warehouse import connect

LEDGER = "landing"
OWN = "balcony"

SHOWN_FILES = 20
"""Beyond so many files of one outcome, a count stands for them."""


class LandingConfig(dg.Config):
    """How a run is started."""

    rebuild: bool = False
    """Build and publish although nothing is new, every table whole."""
    days: list[str] = Field(default_factory=list)
    """First and last day to replace whole, as in 2026-01-01, whatever changed in them."""


def landing_assets(
    manifest: Mapping[str, Any], translator: DagsterDbtTranslator
) -> tuple[list[dg.AssetSpec], dg.AssetsDefinition]:
    """What comes from elsewhere, such as the exports of each source, and the op that lands it."""
    declared: dict[str, list[dg.AssetSpec]] = {}
    for unique_id, source in manifest["sources"].items():
        spec = translator.get_asset_spec(manifest, unique_id, None)
        declared.setdefault(source["source_name"], []).append(spec.replace_attributes(group_name="raw", skippable=True))
    own, ledger = declared.pop(OWN), declared.pop(LEDGER)
    declared.pop(MEASURED, None)
    exports = {
        source: dg.AssetSpec(
            ["exports", source],
            group_name="exports",
            description=f"Files of {source}, as the platform exported them, found by their content.",
            kinds={"file"},
        )
        for source in declared
    }
    raw = [spec.replace_attributes(deps=[exports[source].key]) for source, specs in declared.items() for spec in specs]
    ledger = [spec.replace_attributes(deps=[spec.key for spec in exports.values()]) for spec in ledger]
    return [*exports.values(), *own], _land_exports([*raw, *ledger])


def _land_exports(specs: list[dg.AssetSpec]) -> dg.AssetsDefinition:
    @dg.multi_asset(name="land_exports", specs=specs, pool=POOL)
    def land_exports(
        context: dg.AssetExecutionContext, config: LandingConfig, writing: Writing
    ) -> Iterator[dg.MaterializeResult[Any]]:
        settings = Settings.from_environment()
        holder = wait_until_closed(settings.warehouse, settings.patience_seconds, context.log.info)
        if holder is not None:
            raise dg.Failure(
                f"process {holder} has {settings.warehouse} open, so nothing can be landed: close it there, and start the run"
                f" again; readers open {settings.published / 'current'} instead"
            )
        to_land = settings_to_land(settings)
        folder = f"{to_land.exports}" + (" (a demo: no file was ever exported)" if is_demo(to_land) else "")
        for line in repair(to_land):
            context.log.info(line)
        context.log.info(f"landing {folder}")
        summary = land_folder(to_land, _teller(context))
        fault_point("landing")
        with connect(settings) as connection:
            ask_for(connection, config.days, rebuild=config.rebuild)
            is_new = config.rebuild or bool(config.days) or _differs(settings, build_state(settings, connection))
        context.log.info(_landed_line(summary))
        if not is_new:
            current = current_publication(settings)
            assert current is not None
            context.log.info(f"nothing new: publication {current.publication_id} stays current")
        context.add_asset_metadata(_summary_metadata(summary, to_land, is_new), asset_key=[LEDGER, "files"])
        rows = Counter[tuple[str, ...]]()
        for file in summary.files:
            if file.outcome == "landed":
                rows[str(file.source_name), str(file.table_name)] += file.rows_landed
        for spec in specs:
            # Without a raw table there is no input for what follows: Dagster skips it, and the run succeeds.
            if is_new or spec.key.path[0] == LEDGER:
                yield dg.MaterializeResult(asset_key=spec.key, metadata={"rows_landed": rows[tuple(spec.key.path)]})

    return land_exports


def _differs(settings: Settings, state: str) -> bool:
    current = current_publication(settings)
    return current is None or current.build_state != state


def _teller(context: dg.AssetExecutionContext) -> Any:
    """Says what became of a file, as long as there are few like it. Files seen before are only counted."""
    told = Counter[str]()

    def tell(file: FileOutcome) -> None:
        told[file.outcome] += 1
        if file.outcome == "landed":
            load_ahead()
        if file.outcome in ("unchanged", "container") or told[file.outcome] > SHOWN_FILES:
            return
        name = f"{file.file_name}: {file.member_name}" if file.member_name else file.file_name
        became = {
            "landed": f"{file.rows_landed:,} rows in {file.source_name}.{file.table_name}"
            + (f", {file.rows_quarantined:,} in quarantine" if file.rows_quarantined else "")
            + (f", {file.rows_erased:,} of erased persons left out" if file.rows_erased else "")
            + (
                f"; columns not known yet, kept as text: {', '.join(file.unknown_columns)}" * bool(file.unknown_columns)
            ),
            "duplicate": "a copy of what has landed",
            "refused": f"refused: {file.reason}",
            "not_taken": f"not taken: {file.reason}",
            "lost": f"lost: {file.reason}",
        }[file.outcome]
        context.log.info(f"  {name}: {became}")

    return tell


def _landed_line(summary: LandingSummary) -> str:
    return (
        f"landing: {summary.landed_count:,} files with {summary.rows_read:,} rows landed,"
        f" {summary.count('duplicate') + summary.count('unchanged'):,} seen before, {summary.count('refused'):,} refused"
    )


def _summary_metadata(summary: LandingSummary, settings: Settings, is_new: bool) -> dict[str, Any]:
    """For the UI and for the end of a run on the command line."""
    return {
        "folder": str(settings.exports),
        "is_demo": is_demo(settings),
        "is_new": is_new,
        "landed": summary.landed_count,
        "skipped": summary.count("duplicate") + summary.count("unchanged"),
        "refused": summary.count("refused"),
        "not_taken": summary.count("not_taken"),
        "rows_read": summary.rows_read,
        "rows_landed": summary.rows_landed,
        "rows_quarantined": summary.rows_quarantined,
        "refusals": [
            {"file": " / ".join(filter(None, (file.file_name, file.member_name))), "reason": file.reason or ""}
            for file in islice((f for f in summary.files if f.outcome in ("refused", "not_taken")), SHOWN_REFUSALS)
        ],
    }
