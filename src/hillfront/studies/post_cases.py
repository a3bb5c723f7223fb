"""The frontiers that the source post reads, and their fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hillfront.curves.families import FAMILIES
from hillfront.datasets import load_dataset
from hillfront.fits.compare import CurveComparison, compare_prepared
from hillfront.fits.fitting import prepare
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.table import Frontiers
from hillfront.sampling.nutpie_run import SamplerOptions
from hillfront.studies.least_squares import REFERENCE, LeastSquares, least_squares, log_ratio_interval
from hillfront.studies.simulated import quiet_frontiers

__all__ = ["BASELINE", "LAYER", "SITES", "VARIANT", "Case", "Cases", "cases", "fit_cases"]

Floats = NDArray[np.float64]

BASELINE: Final = "baseline"
VARIANT: Final = "gated"
LAYER: Final = 20
SITES: Final = ("resid", "attn", "mlp")


@dataclass(frozen=True)
class Case:
    """The two frontiers of one site in layer 20 of Gemma-7B.

    Attributes
    ----------
    site : str
    points : str
        ``Pareto`` points, as the post has them; ``all`` that were trained; or ``four`` of the Pareto points.
    frontiers : Frontiers
    fits : mapping of str to FrontierFit
        By curve: all families for the Pareto points, the Hill curve for the others. Empty before
        :func:`fit_cases`.
    """

    site: str
    points: str
    frontiers: Frontiers
    fits: Mapping[str, FrontierFit] = field(default_factory=dict)

    @property
    def sizes(self) -> str:
        """Number of SAEs of the baseline and of the variant."""
        sizes = self.frontiers.table.groupby("variant").size()
        return f"{sizes[BASELINE]} + {sizes[VARIANT]}"

    def least_squares(self, curve: str) -> dict[str, LeastSquares]:
        """Fit each variant by least squares of y."""
        return {
            variant: least_squares(
                rows["sparsity"].to_numpy(np.float64),
                rows["performance_hit"].to_numpy(np.float64),
                FAMILIES[curve],
            )
            for variant, _, rows in self.frontiers.curves()
        }

    def least_squares_ratio(self, curve: str, quantity: str) -> tuple[float, float, float]:
        """Return lower end, estimate and upper end of a ratio of parameters, by Wald's interval of 90%."""
        family = FAMILIES[curve]
        parameter, sign = family.ratios[quantity]

        def log_quantity(theta: Floats) -> float:
            return float(sign * np.log(family.natural(*theta, reference=REFERENCE)[parameter]))

        found = self.least_squares(curve)
        return log_ratio_interval(found[VARIANT], found[BASELINE], log_quantity)


Cases = Mapping[tuple[str, str], Case]


def cases() -> Cases:
    """Return every case, by (site, points)."""
    rows = load_dataset("gated_sae", model="Gemma-7B", seq_len=1024)
    found = {}
    for site in SITES:
        everything = quiet_frontiers(
            rows[(rows["site"] == site) & (rows["layer"] == LAYER)], y="loss_recovered"
        )
        optimal = everything.pareto_only()
        for points, frontiers in (("all", everything), ("Pareto", optimal), ("four", _four(optimal))):
            found[site, points] = Case(site, points, frontiers)
    return found


def _four(frontiers: Frontiers) -> Frontiers:
    """Keep four SAEs of each curve, evenly spread over its ranks of L0, the ends among them."""
    parts = []
    for _, _, rows in frontiers.curves():
        ranked = rows.sort_values("l0")
        parts.append(ranked.iloc[np.linspace(0, len(ranked) - 1, 4).round().astype(int)])
    return quiet_frontiers(pd.concat(parts)[["variant", "l0", "performance_hit"]], y="performance_hit")


def fit_cases(
    everything: Cases, *, draws: int, random_seed: int
) -> tuple[Cases, Mapping[str, CurveComparison]]:
    """Fit every case, each family compiled once: all cases have the same design.

    Returns
    -------
    cases : mapping of (str, str) to Case
        With their fits.
    comparisons : mapping of str to CurveComparison
        Of all families on the Pareto points, by site.
    """
    template = everything["resid", "Pareto"].frontiers
    models = {curve: prepare(template, baseline=BASELINE, curve=curve) for curve in FAMILIES}
    sampler_options = SamplerOptions(draws=draws, random_seed=random_seed)
    comparisons = {
        site: compare_prepared(models, everything[site, "Pareto"].frontiers, sampler_options=sampler_options)
        for site in SITES
    }
    fitted = {}
    for (site, points), case in everything.items():
        fits = comparisons[site].fits
        if points != "Pareto":
            fit = models["hill"].fit(case.frontiers, draws=draws, random_seed=random_seed, progressbar=False)
            fits = {"hill": fit}
        fitted[site, points] = replace(case, fits=fits)
    return fitted, comparisons
