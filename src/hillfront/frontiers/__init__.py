"""The validated table of SAEs: parsing, faults, cautions, measurement errors, observed ranges.

What a column is called, how a percent sign is read, which rows are refused and what is warned of are decided
here, before any model exists. Files of other tools are turned into such a table by :mod:`hillfront.readers`.
"""

from __future__ import annotations

from hillfront.frontiers.fault import FrontierDataError
from hillfront.frontiers.table import FrontierDataWarning, Frontiers

__all__ = ["FrontierDataError", "FrontierDataWarning", "Frontiers"]
