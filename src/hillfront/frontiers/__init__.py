"""The validated table of SAEs: parsing, faults, cautions, measurement errors, observed ranges.

What a column may be called is decided in :mod:`~hillfront.frontiers.column_names`, and how a cell is read,
percent signs included, in :mod:`~hillfront.frontiers.cells`; which rows are refused in
:mod:`~hillfront.frontiers.fault_finders`, and what is warned of in :mod:`~hillfront.frontiers.cautions`, of
conditions and of rows given twice in modules of their own. No model is known here.
:mod:`hillfront.readers` turns the files of other tools into such a table.
"""

from __future__ import annotations

from hillfront.frontiers.fault import FrontierDataError
from hillfront.frontiers.table import FrontierDataWarning, Frontiers

__all__ = ["FrontierDataError", "FrontierDataWarning", "Frontiers"]
