"""A fit from table to file: fit, prepare, FrontierFit, storage, comparison of families, simulation.

What a fit saves, and under which names, is decided here: a change of it needs a new number of the saved
format and must go on reading the files of the old one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hillfront.fits.fitting import PreparedModel, fit, prepare

__all__ = ["PreparedModel", "fit", "prepare"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from hillfront.fits import fitting

        return getattr(fitting, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")
