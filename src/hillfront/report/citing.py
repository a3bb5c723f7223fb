"""What to cite: the package, the post that its idea is from, and the source of packaged data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from hillfront.datasets import load_dataset
from hillfront.frontiers.table import Frontiers

__all__ = ["POST", "TITLE", "Citation", "citations_of", "packaged_source"]

TITLE: Final = "hillfront: Bayesian Hill-curve comparison of sparse-autoencoder sparsity-fidelity frontiers"
POST: Final = "How to Better Report Sparse Autoencoder Performance"
_CLOSE: Final = 1e-4
"""Tables print loss recovered with four decimals."""


@dataclass(frozen=True)
class Citation:
    """A source, and what it is cited for."""

    what: str
    text: str


def citations_of(frontiers: Frontiers, *, version: str) -> tuple[Citation, ...]:
    """List what a user of the result cites."""
    found = [
        Citation("The software", f"hillfront developers. {TITLE}. Version {version}."),
        Citation("The idea of reporting Hill parameters", f"The post “{POST}”."),
    ]
    source = packaged_source(frontiers)
    if source:
        found.append(Citation("The data", source))
    return tuple(found)


def packaged_source(frontiers: Frontiers) -> str:
    """Citation of the packaged dataset that every row is from, empty if there is none.

    A fit does not say where its table came from, so rows are looked up by variant, L0 and hit.
    """
    if not frontiers.bounded or not len(frontiers):
        return ""
    packaged = load_dataset("gated_sae")
    known = packaged[["variant", "l0", "loss_recovered", "loss_recovered_from_ce"]]
    rows = frontiers.table[["row", "variant", "l0", "performance_hit"]]
    pairs = rows.merge(known, on=["variant", "l0"], how="inner")
    hit = pairs["performance_hit"].to_numpy()
    close = np.zeros(len(pairs), dtype=bool)
    for name in ("loss_recovered", "loss_recovered_from_ce"):
        close |= np.abs(1.0 - pairs[name].to_numpy() - hit) <= _CLOSE
    if not set(rows["row"]) <= set(pairs.loc[close, "row"]):
        return ""
    return f"{packaged.attrs['citation']} ({packaged.attrs['source']}; {packaged.attrs['licence']})"
