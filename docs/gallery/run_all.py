"""Draw every figure of the gallery, from one fit: ``python docs/gallery/run_all.py``.

Figures go to docs/gallery/figures, or where ``--out`` says; they are made, not kept.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

import demonstration
import matplotlib as mpl

HERE = Path(__file__).resolve().parent
NAMES = (
    "anatomy",
    "frontiers",
    "frontiers_logit",
    "improvement",
    "gain_profile",
    "checks",
    "families",
    "prior",
    "shrinkage",
    "k_against_x_half",
)


def main() -> None:
    """Draw all, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"Of {', '.join(NAMES)}; all by default.")
    parser.add_argument("--out", type=Path, default=HERE / "figures", help="Folder of the figures.")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"no figure {', '.join(unknown)}. Allowed: {', '.join(NAMES)}.")
    mpl.use("Agg")
    for name in options.names or NAMES:
        draw = importlib.import_module(name).draw
        print(demonstration.save(draw, options.out / f"{name}.png"), file=sys.stderr)


if __name__ == "__main__":
    main()
