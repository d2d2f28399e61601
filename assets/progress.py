"""One French line per step, for the person who runs the chain from a terminal."""

import logging

import dagster as dg

_WORDS = {
    dg.DagsterEventType.ASSET_MATERIALIZATION: "fait",
    dg.DagsterEventType.ASSET_CHECK_EVALUATION: "contrôlé",
    dg.DagsterEventType.STEP_FAILURE: "ÉCHEC",
}


class _StepLines(logging.Handler):
    """Prints what Dagster's events say of assets and checks."""

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        if event is None or event.event_type not in _WORDS:
            return
        name = event.asset_key.to_user_string() if event.asset_key else event.step_key
        partition = f" [{event.partition}]" if event.partition else ""
        print(f"  {_WORDS[event.event_type]:<9} {name}{partition}", flush=True)  # noqa: T201


@dg.logger({}, description="Une ligne par étape, en français.")
def progress_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """Return a logger that prints one line per materialization, check or failure."""
    logger = logging.Logger("observatory.progress", logging.DEBUG)
    logger.addHandler(_StepLines())
    return logger
