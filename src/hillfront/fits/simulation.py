"""Frontiers of known truth, to test methods and plan experiments on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from hillfront.curves.families import FAMILIES, family_named
from hillfront.curves.family import CurveFamily
from hillfront.curves.sparsity import Reference, SparsityScale
from hillfront.estimands.comparisons import compared_curves
from hillfront.estimands.improvement import values_of
from hillfront.estimands.quantities import AT_HIT, quantities_at
from hillfront.estimands.scopes import AVERAGE, SETTING
from hillfront.frontiers.ranges import pareto_optimal
from hillfront.frontiers.table import FrontierDataWarning, Frontiers
from hillfront.model.design import Design, design_of
from hillfront.model.likelihood import tail_quantile

__all__ = ["Simulation", "simulate"]

Floats = NDArray[np.float64]
PerVariant = float | Mapping[str, float]

_DEFAULT_SHAPES: Final = {"k": 0.9, "c": 0.01}


@dataclass(frozen=True)
class Simulation:
    """Simulated frontiers with their truth.

    Attributes
    ----------
    frontiers : Frontiers
    curves : pandas.DataFrame
        True natural parameters of each curve, such as ``x_half`` and ``k``, by variant and setting.
    truth : pandas.DataFrame
        True value of each quantity of the improvement table, in each setting and on average: columns variant,
        setting, scope, quantity, at, value. Means are over the range that the simulated frontiers share.
    trained : Frontiers
        All SAEs, those that a Pareto selection left out included; otherwise the frontiers themselves.
    """

    frontiers: Frontiers
    curves: pd.DataFrame
    truth: pd.DataFrame
    trained: Frontiers


def simulate(
    *,
    variants: Sequence[str] = ("baseline", "variant"),
    settings: int = 1,
    points: int = 4,
    l0: tuple[float, float] = (10.0, 200.0),
    curve: str = "hill",
    k: PerVariant | None = None,
    c: PerVariant | None = None,
    gain: PerVariant = 2.0,
    hit_at_l0: tuple[float, float] = (0.05, 50.0),
    dense_limit: float | None = None,
    setting_sd: float = 0.5,
    interaction_sd: float = 0.0,
    sigma: float = 0.1,
    tau: float = 0.0,
    nu: float | None = None,
    outliers: float = 0.0,
    n_trained: int | Mapping[str, int] | None = None,
    at_hit: Sequence[float] = (0.05,),
    random_seed: int = 1,
) -> Simulation:
    """Simulate frontiers whose truth is known.

    ``y = sigmoid(logit f(x) + sigma e1) + tau e2`` with standard normal e1 and e2, at L0 values evenly
    spaced in log L0; f is kept inside (0, 1) where its family leaves it.

    With ``n_trained``, that many SAEs of each curve are trained, at L0 values uniform in log L0, and only the
    Pareto-optimal ones are kept, as published tables often do. The table then has a column ``n_trained``.

    Parameters
    ----------
    variants : sequence of str
        The baseline first.
    settings, points : int
        Number of settings, and of SAEs in each curve.
    l0 : (float, float)
        Lowest and highest L0 of each sweep.
    curve : str
        Name of the curve family.
    k : float or mapping of variant to float, optional
        Slope of ``hill`` and ``power``, 0.9 by default.
    c : float or mapping of variant to float, optional
        Intercept of ``linear``, 0.01 by default.
    gain : float or mapping of variant to float
        True sparsity gain over the baseline at the hit named in ``hit_at_l0``; a number is that of all
        variants but the baseline.
    hit_at_l0 : (float, float)
        The baseline's typical hit at an L0, which sets its position.
    dense_limit : float, optional
        L0 at which the hit vanishes.
    setting_sd, interaction_sd : float
        Spread of log position between settings, and between variants within settings.
    sigma, tau : float
        Scatter on the logit scale, and additive noise in units of y.
    nu : float, optional
        Degrees of freedom of e1; sigma stays the scatter of two thirds of the SAEs. Normal by default.
    outliers : float
        Share of SAEs with ten times the scatter.
    n_trained : int or mapping of variant to int, optional
        SAEs trained for each curve before the selection; ``points`` then does not count.
    at_hit : sequence of float
        Hits at which the truth of ``sparsity_gain`` is given.
    random_seed : int

    Returns
    -------
    Simulation

    Raises
    ------
    ValueError
        For fewer than one variant, setting or point, scales that are negative, a gain that is not positive, a
        position or a shape that the family does not have, or sweeps that reach the dense limit.

    Examples
    --------
    >>> simulation = simulate(points=6, gain=2.0)
    >>> truth = simulation.truth.set_index("quantity")["value"]
    >>> round(float(truth["mean_sparsity_gain"].iloc[0]), 6)
    2.0
    """
    if not variants or settings < 1 or points < 1:
        raise ValueError(
            f"variants={tuple(variants)!r}, settings={settings}, points={points}: give at least one of each."
        )
    if min(setting_sd, interaction_sd, sigma, tau) < 0 or not 0 < l0[0] <= l0[1]:
        raise ValueError(
            f"setting_sd={setting_sd}, interaction_sd={interaction_sd}, sigma={sigma}, tau={tau}, l0={l0}: "
            "scales must not be negative, and l0 must be a positive range from low to high."
        )
    if dense_limit is not None and not max(l0[1], hit_at_l0[1]) < dense_limit:
        raise ValueError(
            f"dense_limit={dense_limit!r} must lie above every L0, here {max(l0[1], hit_at_l0[1]):g}: hits "
            "vanish there."
        )
    family, scale = family_named(curve), SparsityScale(dense=dense_limit)
    shapes = _shapes(family, {"k": k, "c": c}, variants)
    hit, at = hit_at_l0
    _check_curve(family, shapes, hit, at)
    rng = np.random.default_rng(random_seed)
    gains = _per_variant(gain if isinstance(gain, (int, float)) else {variants[0]: 1.0, **gain}, variants)
    gains[0] = 1.0
    if not (np.isfinite(gains) & (gains > 0)).all():
        raise ValueError(f"gain={gain!r}: a gain is a positive factor, 1 for none.")
    log_reciprocal = np.log(gains) - np.log(at) + setting_sd * rng.standard_normal((settings, 1))
    log_reciprocal = log_reciprocal + interaction_sd * rng.standard_normal((settings, len(variants)))
    if scale.dense is not None and (np.exp(log_reciprocal) * scale.dense <= 1.0).any():
        raise ValueError(
            f"dense_limit={dense_limit!r}: a curve would reach the hit of {hit:g} beyond it only. Raise the "
            "limit or the gain, or give a smaller setting_sd or interaction_sd."
        )
    natural = _through(family, scale.from_reciprocal(np.exp(log_reciprocal)), hit, shapes)

    names = [f"setting {g + 1}" for g in range(settings)]
    counts = _counts(n_trained, variants, points)
    sizes = np.tile(counts, settings)
    if n_trained is None:
        at_l0 = np.tile(np.geomspace(l0[0], l0[1], points), settings * len(variants))
    else:
        at_l0 = np.exp(rng.uniform(np.log(l0[0]), np.log(l0[1]), sizes.sum()))
    at_curve = {name: np.repeat(values.ravel(), sizes) for name, values in natural.items()}
    logit = family.logit(scale.sparsity(at_l0), **at_curve)
    scatter = sigma * simulated_scatter(rng, logit.shape, nu=nu, outliers=outliers)
    table = pd.DataFrame(
        {
            "setting": np.repeat(names, counts.sum()),
            "variant": np.repeat(np.tile(variants, settings), sizes),
            "l0": at_l0,
            "performance_hit": special.expit(logit + scatter) + tau * rng.standard_normal(logit.shape),
        }
    )
    with warnings.catch_warnings():
        # A simulation of three points is meant to have three points; the table keeps its warnings.
        warnings.simplefilter("ignore", FrontierDataWarning)
        frontiers = trained = Frontiers.from_frame(table, group="setting")
        if n_trained is not None:
            numbers = np.repeat(np.tile(counts, settings), sizes).astype(np.float64)
            kept = table.assign(n_trained=numbers)[pareto_optimal(table)]
            frontiers = Frontiers.from_frame(kept, group="setting")
    curves = pd.DataFrame(
        {
            "variant": np.tile(variants, settings),
            "setting": np.repeat(names, len(variants)),
            **{name: values.ravel() for name, values in natural.items()},
        }
    )
    design = design_of(frontiers, baseline=variants[0], curve=curve, dense_limit=dense_limit)
    truth = _truth(frontiers, design, natural, at_hit)
    return Simulation(frontiers, curves, truth, trained)


def _counts(
    n_trained: int | Mapping[str, int] | None, variants: Sequence[str], points: int
) -> NDArray[np.int64]:
    """SAEs of each variant's curve, before any selection."""
    if n_trained is None:
        return np.full(len(variants), points)
    counts = _per_variant(n_trained, variants)
    if not (counts >= 1).all() or not (counts == np.round(counts)).all():
        raise ValueError(f"n_trained={n_trained!r}: give a whole number of SAEs, 1 or more.")
    return counts.astype(np.int64)


def simulated_scatter(
    rng: np.random.Generator, shape: tuple[int, ...], *, nu: float | None, outliers: float
) -> Floats:
    """Draw scatter of which two thirds lies within 1: normal, or Student t, with a share of outliers.

    Raises
    ------
    ValueError
        For a nu that is not positive, or a share outside [0, 1).
    """
    if nu is not None and not nu > 0:
        raise ValueError(f"nu={nu!r}: degrees of freedom must be positive; leave it out for normal scatter.")
    if not 0.0 <= outliers < 1.0:
        raise ValueError(f"outliers={outliers!r}: give the share of outliers, from 0 up to below 1.")
    e = rng.standard_normal(shape) if nu is None else rng.standard_t(nu, shape) / tail_quantile(nu)
    if outliers:
        e = np.where(rng.random(shape) < outliers, 10.0 * e, e)
    return np.asarray(e)


def _check_curve(family: CurveFamily, shapes: Mapping[str, Floats], hit: float, at: float) -> None:
    """Refuse a position or a shape that no curve of the family has."""
    if not 0.0 < hit < 1.0 or not 0.0 < at < np.inf:
        raise ValueError(
            f"hit_at_l0={(hit, at)!r}: give a hit between 0 and 1, and the L0, a positive number, at which "
            "the baseline has it."
        )
    if "k" in shapes and not (np.isfinite(shapes["k"]) & (shapes["k"] > 0)).all():
        raise ValueError(f"k={shapes['k'].tolist()}: slopes must be positive.")
    if "c" in shapes and not (shapes["c"] < hit).all():
        raise ValueError(
            f"c={shapes['c'].tolist()}: a {family.name} curve has its intercept below the hit of {hit:g} "
            "that hit_at_l0 names."
        )


def _per_variant(value: PerVariant, variants: Sequence[str]) -> Floats:
    if isinstance(value, (int, float)):
        return np.full(len(variants), float(value))
    missing = [name for name in variants if name not in value]
    if missing:
        raise ValueError(
            f"{dict(value)!r} has nothing for {', '.join(missing)}: give a number for each variant."
        )
    return np.array([value[name] for name in variants], dtype=np.float64)


def _shapes(
    family: CurveFamily, given: Mapping[str, PerVariant | None], variants: Sequence[str]
) -> dict[str, Floats]:
    """Shape parameters of each variant: those given, else the defaults."""
    shapes = {}
    for name, value in given.items():
        if name in family.natural_names:
            shapes[name] = _per_variant(_DEFAULT_SHAPES[name] if value is None else value, variants)
        elif value is not None:
            able = ", ".join(other.name for other in FAMILIES.values() if name in other.natural_names)
            raise ValueError(f"{name}={value!r}: the {family.name!r} family has no {name}; {able} have.")
    return shapes


def _through(family: CurveFamily, x: Floats, hit: float, shapes: Mapping[str, Floats]) -> dict[str, Floats]:
    """Natural parameters of the curves that reach a hit at sparsities x, shape (setting, variant).

    Shapes that :func:`simulate` has no argument for are at the centre of their prior.
    """
    # Straight lines have their position at a sparsity of 1, others where they reach the hit.
    slope, intercept = (hit - shapes.get("c", 0.0)) / x, shapes.get("c", 0.0)
    sampled = {
        "log_y_ref": np.log(slope + intercept),
        "log_share": np.log(slope / (slope + intercept)),
    }
    if "k" in shapes:
        sampled["log_k"] = np.log(shapes["k"])
    coordinates = (
        np.log(x) if parameter.is_position else sampled.get(parameter.name, np.float64(parameter.centre))
        for parameter in family.sampled
    )
    natural = family.natural(*coordinates, reference=Reference(hit, sparsity=1.0))
    if not np.allclose(family.value(x, **natural), hit):
        raise ValueError(
            f"curve={family.name!r}: curves are simulated by their position, the sparsity at which they "
            "reach a hit, and this family does not sample it."
        )
    return {name: np.broadcast_to(values, x.shape) for name, values in natural.items()}


def _truth(
    frontiers: Frontiers, design: Design, natural: Mapping[str, Floats], at_hit: Sequence[float]
) -> pd.DataFrame:
    """Take every quantity of the true curves, as of a posterior with one draw."""
    curves = {name: values[..., None] for name, values in natural.items()}
    asked = quantities_at(design.family, {AT_HIT: at_hit})
    found = values_of(compared_curves(curves, frontiers, design), asked)
    rows = [
        (variant, *(("", AVERAGE) if setting == AVERAGE else (setting, SETTING)), name, at, float(values[0]))
        for variant, setting, name, at, support, values in found
        if support != "none"
    ]
    return pd.DataFrame(rows, columns=["variant", "setting", "scope", "quantity", "at", "value"])
