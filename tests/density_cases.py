"""A plain NumPy statement of the model, and random designs to compare densities on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from hillfront.curves.families import family_named
from hillfront.frontiers.table import Frontiers
from hillfront.model.data import expected_at, row_data
from hillfront.model.design import design_of
from hillfront.model.distributions import Distribution
from hillfront.model.priors import resolve_priors
from hillfront.model.zero_sum import zero_sum, zero_sum_basis
from hillfront.sampling.compiled import density
from hillfront.sampling.compiled.layout import Layout, layout_of
from hillfront.sampling.compiled.sampler import packed

Floats = NDArray[np.float64]
POSITIVE = {
    "Exponential": (3.0,),
    "Gamma": (2.0, 5.0),
    "HalfCauchy": (0.5,),
    "HalfNormal": (0.4,),
    "InverseGamma": (3.0, 0.8),
    "LogNormal": (-1.0, 0.6),
    "Pareto": (1.5, 0.1),
}


def stated(point: Floats, layout: Layout, rows: dict[str, Any], centring: Floats) -> float:
    """Log density of an unconstrained point: priors, effects and the likelihood of the rows."""
    design, total = layout.design, 0.0
    values: dict[str, Any] = dict(layout.fixed)
    for block in layout.blocks:
        own, bound = point[block.segment], block.prior.bound
        value = own if bound is None else bound + np.exp(own)
        total += block.prior.log_density(value).sum() + (0.0 if bound is None else own.sum())
        values[block.name] = value.reshape(block.shape)
    shape = len(design.settings), len(design.variants)
    coefficients = point[layout.n_free :].reshape(shape[0] - 1, len(layout.columns))
    sds = np.array([float(values[f"{name}_{kind}_sd"]) for name, kind in layout.columns])
    total += stats.norm.logpdf(coefficients, 0.0, sds**centring).sum()
    effects = zero_sum(coefficients * sds ** (1.0 - centring))
    thetas = []
    for name in (parameter.name for parameter in design.family.sampled):
        columns = [j for j, (column, _) in enumerate(layout.columns) if column == name]
        theta = values.get(name)
        if theta is None:
            contrast = values.get(f"{name}_contrast", np.zeros(shape[1] - 1))
            theta = values[f"{name}_mean"] + np.concatenate([[0.0], contrast])
        if columns:
            theta = theta + effects[:, columns[:1]] + effects[:, columns[1:]] @ zero_sum_basis(shape[1]).T
        thetas.append(np.broadcast_to(theta, shape).ravel()[rows["curve_index"]])
    expected = expected_at(design.family, rows["sparsity"], design.natural(*thetas), se=rows.get("se", 0.0))
    return total + float(design.likelihood.logpdf(rows["observed"], expected, values).sum())


@dataclass(frozen=True)
class Case:
    """A design with data, and a point at which densities are compared."""

    layout: Layout
    rows: dict[str, Any]
    centring: Floats
    point: Floats

    @cached_property
    def data(self) -> Floats:
        return packed(self.layout, self.rows, self.centring)

    @cached_property
    def stated(self) -> float:
        return stated(self.point, self.layout, self.rows, self.centring)

    @cached_property
    def differences(self) -> Floats:
        """Central differences of the compiled density, to the fourth order of the step."""
        step, ignored, found = 1e-5, np.empty(self.point.size), np.empty(self.point.size)
        for i, unit in enumerate(np.eye(self.point.size)):
            far_below, below, above, far_above = (
                density.log_density(self.point + n * step * unit, ignored, self.data) for n in (-2, -1, 1, 2)
            )
            found[i] = (far_below - 8.0 * below + 8.0 * above - far_above) / (12.0 * step)
        return found

    def disagreement(self, log_density: Callable[..., float]) -> tuple[float, float]:
        """How far a density is from the NumPy statement, and its gradient from the differences."""
        gradient = np.full(self.point.size, np.nan)
        of_density = abs(log_density(self.point, gradient, self.data) - self.stated)
        of_gradient = np.abs(gradient - self.differences).max()
        size = max(1.0, float(np.abs(self.differences).max()))
        return of_density / max(1.0, abs(self.stated)), float(of_gradient) / size


def table(rng: np.random.Generator, n_settings: int, n_variants: int, **columns: float) -> pd.DataFrame:
    """Points of no curve in particular, hits above 1 among them, and curves of one to four points."""
    rows = []
    for setting in range(n_settings):
        for variant in range(n_variants):
            for l0 in rng.uniform(5.0, 400.0, rng.integers(1, 5)):
                rows.append((f"s{setting}", f"v{variant}", l0, rng.uniform(0.001, 1.02)))
    return pd.DataFrame(rows, columns=["setting", "variant", "l0", "performance_hit"]).assign(**columns)


def random_case(random_seed: int) -> Case:
    """A design, data, priors and a point, each option drawn with equal chances."""
    rng = np.random.default_rng(random_seed)

    def pick(*options: Any) -> Any:
        return options[rng.integers(len(options))]

    curve = pick("hill", "hill1", "power", "linear", "proportional")
    family = family_named(curve)
    cost = family.unbounded is not None and pick(True, False)
    family = family.unbounded if cost and family.unbounded is not None else family
    relative = pick(True, False)
    columns = ({"d_model": 3000.0} if relative else {}) | ({"se": 0.01} if pick(True, False) else {})
    frame = table(rng, pick(1, 2, 3, 4), pick(1, 2, 3, 4), **columns)
    if cost:
        frame = frame.rename(columns={"performance_hit": "mse"})
    pool = {
        parameter.natural: pick("partial", "partial", "partial", "common", "none", 0.7)
        for parameter in family.sampled
    }
    fixable = {parameter.natural for parameter in family.sampled if parameter.to_sampled is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frontiers = Frontiers.from_frame(frame, group="setting", **({"cost": "mse"} if cost else {}))
        design = design_of(
            frontiers,
            baseline="v0",
            curve=curve,
            noise=pick("student-t", "normal"),
            relative_sparsity=relative,
            dense_limit=None if cost else pick(None, 5000.0),
            pool={name: how for name, how in pool.items() if isinstance(how, str) or name in fixable},
            **({} if cost else {"hit_ref": pick(0.05, 0.3)}),
        )
    resolve = {"noise": design.noise, "relative_sparsity": relative}
    given: dict[str, Any] = {}
    for name in resolve_priors(family, None, **resolve):
        how = pick("default", "default", "default", "number", "Normal", *POSITIVE)
        if how == "number":
            given[name] = 0.4
        elif how in POSITIVE:
            given[name] = Distribution(how, POSITIVE[how])
        elif how == "Normal" and name.endswith(("_mean", "_contrast")):
            given[name] = Distribution(how, (-0.2, 0.7))
    layout = layout_of(design, resolve_priors(family, given, **resolve))
    assert layout is not None
    centring = rng.uniform(0.0, 1.0, len(layout.columns))
    return Case(
        layout, row_data(frontiers, design), centring, layout.initial_point(random_seed, {}, spread=0.5)
    )
