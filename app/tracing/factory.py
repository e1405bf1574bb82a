"""Makes the tracer of an installation."""

import os
from collections.abc import Mapping

from app.settings import Settings
from app.tracing.account import account
from app.tracing.langfuse import LangfuseDelivery
from app.tracing.masking import Masker
from app.tracing.sampling import Sampling
from app.tracing.spool import Spool
from app.tracing.tracer import SpoolTracer
from terakoya import __version__


def outward_masker(settings: Settings, environ: Mapping[str, str] | None = None) -> Masker:
    """Masks what leaves for Langfuse; withholds all text unless the settings let it go."""
    variables = os.environ if environ is None else environ
    secrets = (settings.langfuse_secret_key, variables.get("LANGFUSE_SECRET_KEY", ""))
    return Masker(settings.trace_mask, secrets=secrets, withhold=settings.trace_text != "all")


def make_tracer(
    settings: Settings, *, deliver: bool, environ: Mapping[str, str] | None = None
) -> SpoolTracer:
    """The tracer of the installation: always to files, and from there to Langfuse where one is named.

    Args:
        settings: Of the installation; its `environment` is used unless `LANGFUSE_TRACING_ENVIRONMENT` is set.
        deliver: Whether this process may carry traces to Langfuse. Those that are not carried wait on disk
            for a process that does.
        environ: Where the `LANGFUSE_*` variables stand; the process's own environment when None. They go
            before what the settings say of Langfuse.
    """
    variables = os.environ if environ is None else environ
    secrets = (settings.langfuse_secret_key, variables.get("LANGFUSE_SECRET_KEY", ""))
    masker = Masker(settings.trace_mask, secrets=secrets, withhold=settings.trace_text == "none")
    project = account(variables, settings) if deliver else None
    delivery = None
    if project:
        delivery = LangfuseDelivery(
            project,
            settings.traces_path,
            masker=outward_masker(settings, variables),
            sampling=Sampling(rate=_rate(settings, variables), slow_ms=settings.trace_slow_ms),
        )
    spool = Spool(settings.traces_path, on_written=delivery.wake if delivery else _nobody, clean=masker.line)
    return SpoolTracer(
        spool,
        environment=variables.get("LANGFUSE_TRACING_ENVIRONMENT") or settings.environment,
        release=variables.get("LANGFUSE_RELEASE") or __version__,
        user=settings.trace_user,
        delivery=delivery,
    )


def _rate(settings: Settings, variables: Mapping[str, str]) -> float:
    """The settings' rate, else that of the SDK's variable, else everything."""
    if settings.trace_sample is not None:
        return settings.trace_sample
    try:
        return min(1.0, max(0.0, float(variables.get("LANGFUSE_SAMPLE_RATE") or 1.0)))
    except ValueError:
        return 1.0


def _nobody() -> None:
    """Who is told of new lines where nothing is delivered."""
