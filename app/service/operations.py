"""The routes for whoever runs the service: metrics, statistics, backup."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query, Response

from app.service.metrics import CONTENT_TYPE, Metrics
from app.statistics import statistics
from app.tracing.account import account
from terakoya.api import BackupReport, BackupRequest, Statistics

if TYPE_CHECKING:
    from app.installation import Installation

MOST_DAYS: Final = 366


def operation_routes(installation: "Installation", metrics: Metrics) -> APIRouter:
    """What is counted, and the state as one file."""
    router = APIRouter()

    @router.get("/metrics")
    def prometheus() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    @router.get("/api/statistics")
    def counted(days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = 14) -> Statistics:
        settings = installation.settings
        project = account(os.environ, settings)
        return statistics(settings.traces_path, days, server=project.base_url if project else "")

    @router.post("/api/backup")
    def backup(request: BackupRequest) -> BackupReport:
        return installation.backup(Path(request.path))

    return router
