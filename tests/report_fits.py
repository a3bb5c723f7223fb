"""Fits whose labels attack a page."""

from __future__ import annotations

import warnings

import pandas as pd

from helpers import fit_of, frontiers_of, points
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers import FrontierDataWarning, Frontiers

HOSTILE = "<script>alert(1)</script>"
QUOTED = "\"><img src=x onerror='alert(2)'> & {{ 7 * 7 }} $x_1$"


def small_fit(*, variant: str = "gated", setting: str = "resid", diverging: int = 0) -> FrontierFit:
    rows = [
        points(name, [8.0, 16.0, 32.0, 64.0, 128.0], x_half=x_half, site=site)
        for site in (setting, "mlp")
        for name, x_half in (("baseline", 1.0), (variant, 3.0))
    ]
    frame = pd.concat(rows, ignore_index=True)
    return fit_of(frontiers_of(frame, group="site"), baseline="baseline", draws=600, diverging=diverging)


def hostile() -> FrontierFit:
    """A fit whose every name is an attack, with a dropped row and a failed diagnostic."""
    frame = pd.concat(
        [
            points(name, [8.0, 16.0, 32.0, 64.0], x_half=x_half, label=f"{HOSTILE} of a row").assign(
                **{QUOTED: setting}
            )
            for setting in (QUOTED, "mlp")
            for name, x_half in (("baseline", 1.0), (HOSTILE, 3.0))
        ],
        ignore_index=True,
    )
    frame["l0"] = frame["l0"].astype(object)
    frame.loc[len(frame)] = frame.loc[0].to_dict() | {"l0": "<b>many</b>", "variant": HOSTILE}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        frontiers = Frontiers.from_frame(frame, group=QUOTED, on_fault="drop")
    assert len(frontiers.dropped) == 1
    return fit_of(frontiers, baseline="baseline", draws=600, diverging=3)
