"""The names of :mod:`hillfront.fits`, where the first design had them."""

from __future__ import annotations

from hillfront.fits.fitting import PreparedModel, fit, prepare

__all__ = ["PreparedModel", "fit", "prepare"]
