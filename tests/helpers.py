"""Fits without a sampler: posteriors made by hand, around curves that a test chooses or that data suggest."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import special

from hillfront.curves.functions import hill
from hillfront.estimands.comparisons import setting_labels
from hillfront.estimands.improvement import Improvement
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.table import FrontierDataWarning, Frontiers
from hillfront.model.design import Design, design_of
from hillfront.sampling.nutpie_run import SamplerOptions

Floats = NDArray[np.float64]
NU = 4.0

RARE = 1e-4
"""Probability with which a right program may fail a comparison of draws, whatever their seed."""

RARE_Z = float(special.ndtri(1 - RARE / 2))
"""The standard errors that an estimate from draws strays by so rarely, to either side."""


def drawn(improvement: Improvement, row: pd.Series) -> xr.DataArray:
    """Draws behind one row of an improvement table, dims (chain, draw)."""
    (setting,) = setting_labels(row.to_frame().T)
    draws = improvement.draws[row["quantity"]].sel(variant=row["variant"], setting=setting)
    return draws.sel({dim: row["at"] for dim in ("hit", "l0", "nats") if dim in draws.dims})


def frontiers_of(frame: pd.DataFrame, *, group: str | Sequence[str] = ()) -> Frontiers:
    """Read a frame, without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        return Frontiers.from_frame(frame, group=group)


def points(
    variant: str, l0: ArrayLike, *, x_half: float = 2.0, k: float = 0.8, **columns: object
) -> pd.DataFrame:
    """SAEs that lie exactly on a Hill curve."""
    values = np.asarray(l0, dtype=np.float64)
    hit = hill(1.0 / values, x_half=x_half, k=k)
    return pd.DataFrame({"variant": variant, "l0": values, "performance_hit": hit, **columns})


def position(x_half: ArrayLike, k: ArrayLike, *, hit_ref: float = 0.05) -> Floats:
    """Log sparsity at the reference hit of a Hill curve."""
    return np.asarray(np.log(x_half) + math.log(hit_ref / (1 - hit_ref)) / np.asarray(k, dtype=np.float64))


def guess(
    x: Floats, y: Floats, curve_index: NDArray[np.int64], shape: tuple[int, int], *, hit_ref: float = 0.05
) -> tuple[Floats, Floats]:
    """Position and log k of every curve, (setting, variant), by least squares of logit y on log x.

    ``curve_index`` is the index of each point's curve in the flattened grid.
    """
    k, x_half = np.full(np.prod(shape), 0.8), np.full(np.prod(shape), 2.0)
    log_x = np.log(x)
    logit = special.logit(np.clip(y, 1e-4, 1 - 1e-4))
    for curve in np.unique(curve_index):
        own = curve_index == curve
        if np.ptp(log_x[own]) > 0:
            k[curve] = np.clip(np.polyfit(log_x[own], logit[own], 1)[0], 0.2, 3.0)
        x_half[curve] = np.exp(log_x[own].mean() - logit[own].mean() / k[curve])
    return position(x_half, k, hit_ref=hit_ref).reshape(shape), np.log(k).reshape(shape)


def posterior_of(
    design: Design | Mapping[str, Sequence[str]],
    log_x_ref: ArrayLike,
    log_k: ArrayLike,
    *,
    sd: float = 0.05,
    chains: int = 2,
    draws: int = 100,
    random_seed: int = 1,
    hyper: Mapping[str, float] | None = None,
) -> xr.Dataset:
    """Draws of the curves around the given ones, (setting, variant) or with (chain, draw) before them.

    The hyperparameters hardly vary: they are those given, or small ones. ``design`` may be a mapping with
    the names of settings and variants.
    """
    rng = np.random.default_rng(random_seed)
    settings, variants = (
        (design.settings, design.variants)
        if isinstance(design, Design)
        else (design["setting"], design["variant"])
    )
    shape = (chains, draws, len(settings), len(variants))
    dims = ("chain", "draw", "setting", "variant")
    out: dict[str, tuple[tuple[str, ...], Floats]] = {}
    for name, centre in (("log_x_ref", log_x_ref), ("log_k", log_k)):
        values = np.broadcast_to(centre, shape) + sd * rng.standard_normal(shape)
        mean = values.mean(axis=2)
        out[name] = dims, values
        out[f"{name}_mean"] = dims[:2], mean[..., 0]
        out[f"{name}_contrast"] = ("chain", "draw", "contrast"), mean[..., 1:] - mean[..., :1]
    constants = {
        "log_x_ref_setting_sd": 0.3,
        "log_x_ref_interaction_sd": 0.1,
        "log_k_setting_sd": 0.1,
        "log_k_interaction_sd": 0.05,
        "sigma": 0.1,
        "tau": 0.001,
    } | dict(hyper or {})
    for name, value in constants.items():
        # A little spread, because diagnostics look at draws that vary.
        out[name] = dims[:2], value * np.exp(0.01 * rng.standard_normal(shape[:2]))
    coords = {
        "chain": np.arange(chains),
        "draw": np.arange(draws),
        "setting": list(settings),
        "variant": list(variants),
        "contrast": list(variants[1:]),
    }
    return xr.Dataset(out, coords=coords, attrs={"fixed_nu": NU})


def stats_of(chains: int, draws: int, *, diverging: int = 0, random_seed: int = 1) -> xr.Dataset:
    """Sampler statistics of a run without faults, apart from so many divergent draws."""
    rng = np.random.default_rng(random_seed)
    shape = (chains, draws)
    diverged = np.zeros(shape, dtype=bool)
    diverged.ravel()[:diverging] = True
    values = {
        "diverging": diverged,
        "energy": rng.standard_normal(shape),
        "tree_depth": np.full(shape, 4),
        "reached_max_treedepth": np.zeros(shape, dtype=bool),
        "n_steps": np.full(shape, 15),
        "step_size": np.full(shape, 0.3),
        "lp": rng.standard_normal(shape),
    }
    return xr.Dataset(
        {name: (("chain", "draw"), array) for name, array in values.items()},
        coords={"chain": np.arange(chains), "draw": np.arange(draws)},
    )


def fit_of(
    frontiers: Frontiers,
    *,
    baseline: str,
    log_x_ref: ArrayLike | None = None,
    log_k: ArrayLike | None = None,
    sd: float = 0.05,
    chains: int = 2,
    draws: int = 100,
    diverging: int = 0,
    random_seed: int = 1,
    hyper: Mapping[str, float] | None = None,
) -> FrontierFit:
    """Build a fit whose posterior was made by hand: around the curves given, or a least-squares guess."""
    from hillfront.fits.fitting import _complete
    from hillfront.fits.storage import fit_tree
    from hillfront.model.log_prior import log_priors_of

    design = design_of(frontiers, baseline=baseline)
    x, y = (frontiers.table[name].to_numpy() for name in ("sparsity", "performance_hit"))
    shape = (len(design.settings), len(design.variants))
    guessed = guess(x, y, design.curve_index(frontiers), shape, hit_ref=design.hit_ref)
    curves = [
        found if given is None else given for given, found in zip((log_x_ref, log_k), guessed, strict=True)
    ]
    posterior = posterior_of(
        design, *curves, sd=sd, chains=chains, draws=draws, random_seed=random_seed, hyper=hyper
    )
    prior = posterior_of(design, *curves, sd=1.0, chains=1, draws=50, random_seed=random_seed + 1)
    priors = {"nu": NU}
    posterior = _complete(posterior, design, priors)
    sampled = {
        "posterior": posterior,
        "sample_stats": stats_of(chains, draws, diverging=diverging, random_seed=random_seed),
        "prior": _complete(prior, design, priors),
        "log_prior": log_priors_of(design, priors).at(posterior),
    }
    options = SamplerOptions(draws=draws, chains=chains, random_seed=random_seed)
    return FrontierFit(fit_tree(sampled, frontiers, design, options, priors=priors))
