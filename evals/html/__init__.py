"""The report as one page that needs nothing beside itself."""

from evals.html.page import html_report

__all__ = ["html_report"]
