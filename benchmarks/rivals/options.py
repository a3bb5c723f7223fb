"""The options that all rivals share."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["parse_options"]


def parse_options(description: str | None) -> argparse.Namespace:
    """Read DATA.csv, the folder for the results, and the sampler's sampler_options."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--tune", type=int, default=1000)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resamples", type=int, default=1000, help="of the bootstrap")
    return parser.parse_args()
