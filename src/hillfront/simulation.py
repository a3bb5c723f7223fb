"""Frontiers of known truth, to test methods and plan experiments on."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hillfront.curves import HILL
from hillfront.estimands import mean_hit_reduction, mean_sparsity_gain, sparsity_gain
from hillfront.frontiers import FrontierDataWarning, Frontiers
from hillfront.ranges import observed_ranges, shared_range

__all__ = ["Simulation", "simulate"]


@dataclass(frozen=True)
class Simulation:
    """Simulated frontiers with their truth.

    Attributes
    ----------
    frontiers : Frontiers
    curves : pandas.DataFrame
        True ``x_half`` and ``k`` of each curve, by variant and group.
    truth : pandas.DataFrame
        True value of each quantity of the improvement table, in each group and on average: columns variant,
        group, scope, quantity, at, value. Means are over the range that the simulated frontiers share.
    """

    frontiers: Frontiers
    curves: pd.DataFrame
    truth: pd.DataFrame


def simulate(
    *,
    variants: Sequence[str] = ("baseline", "variant"),
    groups: int = 1,
    points: int = 4,
    l0: tuple[float, float] = (10.0, 200.0),
    k: float | Mapping[str, float] = 0.9,
    gain: float | Mapping[str, float] = 2.0,
    hit_at_l0: tuple[float, float] = (0.05, 50.0),
    group_sd: float = 0.5,
    interaction_sd: float = 0.0,
    sigma: float = 0.1,
    tau: float = 0.0,
    at_hit: Sequence[float] = (0.05,),
    seed: int = 1,
) -> Simulation:
    """Simulate Hill frontiers whose truth is known.

    ``y = sigmoid(k (log x - log x_half) + sigma e1) + tau e2`` with standard normal e1 and e2, at L0 values
    evenly spaced in log L0.

    Parameters
    ----------
    variants : sequence of str
        The baseline first.
    groups, points : int
        Number of groups, and of SAEs in each curve.
    l0 : (float, float)
        Lowest and highest L0 of each sweep.
    k : float or mapping of variant to float
        Hill coefficient.
    gain : float or mapping of variant to float
        True sparsity gain over the baseline at the hit named in ``hit_at_l0``; a number is that of all
        variants but the baseline.
    hit_at_l0 : (float, float)
        The baseline's typical hit at an L0, which sets its position.
    group_sd, interaction_sd : float
        Spread of log position between groups, and between variants within groups.
    sigma, tau : float
        Scatter on the logit scale, and additive noise in units of y.
    at_hit : sequence of float
        Hits at which the truth of ``sparsity_gain`` is given.
    seed : int

    Returns
    -------
    Simulation

    Raises
    ------
    ValueError
        For fewer than one variant, group or point, or scales that are negative.

    Examples
    --------
    >>> simulation = simulate(points=6, gain=2.0)
    >>> truth = simulation.truth.set_index("quantity")["value"]
    >>> round(float(truth["mean_sparsity_gain"].iloc[0]), 6)
    2.0
    """
    if not variants or groups < 1 or points < 1:
        raise ValueError(
            f"variants={tuple(variants)!r}, groups={groups}, points={points}: give at least one of each."
        )
    if min(group_sd, interaction_sd, sigma, tau) < 0 or not 0 < l0[0] <= l0[1]:
        raise ValueError(
            f"group_sd={group_sd}, interaction_sd={interaction_sd}, sigma={sigma}, tau={tau}, l0={l0}: "
            "scales must not be negative, and l0 must be a positive range from low to high."
        )
    rng = np.random.default_rng(seed)
    ks = np.array([k if isinstance(k, (int, float)) else k[name] for name in variants], dtype=np.float64)
    gains = np.array(
        [1.0, *((gain if isinstance(gain, (int, float)) else gain[name]) for name in variants[1:])]
    )
    hit, at = hit_at_l0
    # Position at the reference hit, then x_half from it: log x_ref = log x_half + logit(hit) / k.
    position = math.log(1.0 / at) + np.log(gains) + group_sd * rng.standard_normal((groups, 1))
    position = position + interaction_sd * rng.standard_normal((groups, len(variants)))
    x_half = np.exp(position - math.log(hit / (1.0 - hit)) / ks)
    x = 1.0 / np.geomspace(l0[0], l0[1], points)
    eta = ks[:, None] * (np.log(x) - np.log(x_half)[..., None])
    noisy = eta + sigma * rng.standard_normal(eta.shape)
    y = 1.0 / (1.0 + np.exp(-noisy)) + tau * rng.standard_normal(eta.shape)
    names = [f"group {g + 1}" for g in range(groups)]
    table = pd.DataFrame(
        {
            "group": np.repeat(names, len(variants) * points),
            "variant": np.tile(np.repeat(variants, points), groups),
            "l0": np.tile(1.0 / x, groups * len(variants)),
            "performance_hit": y.ravel(),
        }
    )
    with warnings.catch_warnings():
        # A simulation of three points is meant to have three points; the table keeps its warnings.
        warnings.simplefilter("ignore", FrontierDataWarning)
        frontiers = Frontiers.from_frame(table, group="group")
    curves = pd.DataFrame(
        {
            "variant": np.tile(variants, groups),
            "group": np.repeat(names, len(variants)),
            "x_half": x_half.ravel(),
            "k": np.tile(ks, groups),
        }
    )
    return Simulation(frontiers, curves, _truth(frontiers, x_half, ks, tuple(variants), names, at_hit))


def _truth(
    frontiers: Frontiers,
    x_half: NDArray[np.float64],
    ks: NDArray[np.float64],
    variants: tuple[str, ...],
    groups: list[str],
    at_hit: Sequence[float],
) -> pd.DataFrame:
    ranges = observed_ranges(frontiers)
    rows = []
    for index, variant in enumerate(variants[1:], start=1):
        in_groups: dict[tuple[str, float], list[float]] = {}
        for g, group in enumerate(groups):
            v = {"x_half": x_half[g, index], "k": ks[index]}
            b = {"x_half": x_half[g, 0], "k": ks[0]}
            hits, xs = (
                shared_range(ranges, variant=variant, baseline=variants[0], group=group, of=of)
                for of in ("hit", "sparsity")
            )
            values: dict[tuple[str, float], float] = {
                ("sparsity_gain", y): float(sparsity_gain(HILL, v, b, y)) for y in at_hit
            }
            values["x_half_ratio", np.nan] = float(v["x_half"] / b["x_half"])
            values["k_ratio", np.nan] = float(b["k"] / v["k"])
            if hits:
                gain = mean_sparsity_gain(HILL, v, b, hits.low, hits.high)
                values["mean_sparsity_gain", np.nan] = float(gain)
            if xs:
                reduction = mean_hit_reduction(HILL, v, b, xs.low, xs.high)
                values["mean_hit_reduction", np.nan] = float(reduction)
            for (quantity, at), value in values.items():
                rows.append((variant, group, "group", quantity, at, value))
                in_groups.setdefault((quantity, at), []).append(value)
        for (quantity, at), several in in_groups.items():
            rows.append((variant, "", "average", quantity, at, float(np.exp(np.mean(np.log(several))))))
    return pd.DataFrame(rows, columns=["variant", "group", "scope", "quantity", "at", "value"])
