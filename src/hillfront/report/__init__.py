"""The report: one self-contained HTML page on a fit.

The page loads nothing from elsewhere and reads without scripts; what stands on it comes from tables and
sentences that other folders make.
"""

from __future__ import annotations

from hillfront.report.page import report_html, write_report

__all__ = ["report_html", "write_report"]
