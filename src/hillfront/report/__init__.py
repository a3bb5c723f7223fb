"""The report: one self-contained HTML page on a fit."""

from __future__ import annotations

from hillfront.report.page import report_html, write_report

__all__ = ["report_html", "write_report"]
