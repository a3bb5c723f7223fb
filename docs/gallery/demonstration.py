"""The fit that all figures of the gallery show: the packaged tables of Gemma-7B, gated against baseline SAEs.

Fitted once a process. Each script of this folder draws one figure of it: ``python NAME.py --out FIGURE.png``.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

import hillfront as hf
from hillfront.frontiers.table import FrontierDataWarning

DPI = 150


@cache
def frontiers() -> hf.Frontiers:
    """Load the packaged data: three sites and up to four layers."""
    rows = hf.load_dataset("gated_sae", model="Gemma-7B")
    with warnings.catch_warnings():
        # Attention at layer 27 has no hit to fit, and the points were filtered: docs/reproduction.md.
        warnings.simplefilter("ignore", FrontierDataWarning)
        return hf.Frontiers.from_frame(rows, group=["site", "layer"])


@cache
def fit() -> hf.FrontierFit:
    """Hill curves, seeded, so that figures come out alike each time."""
    return hf.fit(frontiers(), baseline="baseline", draws=500, tune=500, random_seed=1, progressbar=False)


def save(draw: Callable[[], Figure], path: Path) -> Path:
    """Draw a figure and write it; its folder is made if need be."""
    figure = draw()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DPI)
    return path


def main(draw: Callable[[], Figure], name: str) -> None:
    """Run a script of the gallery from the command line."""
    parser = argparse.ArgumentParser(description=draw.__doc__)
    parser.add_argument("--out", type=Path, default=Path(f"{Path(name).stem}.png"), help="PNG to write.")
    out = parser.parse_args().out
    mpl.use("Agg")
    save(draw, out)
