"""A fit as the parts of a LaTeX paper: tables, macros, sentences, a methods paragraph and figures.

One module per part, all made from one :class:`~hillfront.paper.source.PaperSource`, so that no two parts
differ in a number. All text passes through :mod:`~hillfront.paper.latex`.
"""

from __future__ import annotations

from hillfront.paper.write import write_paper

__all__ = ["write_paper"]
