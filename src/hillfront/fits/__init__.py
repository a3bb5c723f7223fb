"""A fit from table to file: fit, prepare, FrontierFit, storage, comparison of families, simulation."""

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
