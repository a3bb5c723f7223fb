"""A fit as the parts of a LaTeX paper: tables, macros, sentences, a methods paragraph and figures."""

from __future__ import annotations

from hillfront.paper.write import write_paper

__all__ = ["write_paper"]
