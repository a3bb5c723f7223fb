"""The compiled density and its gradient against a plain NumPy statement of the model, on random designs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pymc_extras.prior  # noqa: F401  Sets the recursion limit, which hypothesis forbids in a test.
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from hillfront.curves.families import family_named
from hillfront.frontiers.table import Frontiers
from hillfront.model.data import expected_at, row_data
from hillfront.model.design import Design, design_of
from hillfront.model.distributions import Distribution
from hillfront.model.priors import resolve_priors
from hillfront.model.zero_sum import zero_sum, zero_sum_basis
from hillfront.sampling.compiled import density
from hillfront.sampling.compiled.layout import Layout, layout_of
from hillfront.sampling.compiled.packing import packed

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
        own, bound = point[block.begin : block.begin + block.size], block.prior.bound
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
        theta = values.get(f"{name}_curve")
        if theta is None:
            contrast = values.get(f"{name}_contrast", np.zeros(shape[1] - 1))
            theta = values[f"{name}_mean"] + np.concatenate([[0.0], contrast])
        if columns:
            theta = theta + effects[:, columns[:1]] + effects[:, columns[1:]] @ zero_sum_basis(shape[1]).T
        thetas.append(np.broadcast_to(theta, shape).ravel()[rows["curve_index"]])
    expected = expected_at(design.family, rows["sparsity"], design.natural(*thetas), se=rows.get("se", 0.0))
    return total + float(design.likelihood.logpdf(rows["observed"], expected, values).sum())


@dataclass
class Case:
    """A design with data, and a point at which densities are compared."""

    layout: Layout
    rows: dict[str, Any]
    centring: Floats
    point: Floats

    @property
    def data(self) -> Floats:
        return packed(self.layout, self.rows, self.centring)


def disagreement(case: Case, log_density: Callable[[Floats, Floats, Floats], float]) -> tuple[float, float]:
    """How far a density is from the NumPy statement, and its gradient from its own central differences."""
    point, data, gradient = case.point, case.data, np.full(case.point.size, np.nan)
    value = log_density(point, gradient, data)
    expected = stated(point, case.layout, case.rows, case.centring)
    differences, step, ignored = np.empty(point.size), 1e-4, np.empty(point.size)
    for i, unit in enumerate(np.eye(point.size)):
        at = [log_density(point + n * step * unit, ignored, data) for n in (-2, -1, 1, 2)]
        differences[i] = (at[0] - 8.0 * at[1] + 8.0 * at[2] - at[3]) / (12.0 * step)
    size = max(1.0, float(np.abs(differences).max()))
    return abs(value - expected) / max(1.0, abs(expected)), float(np.abs(gradient - differences).max()) / size


def table(rng: np.random.Generator, n_settings: int, n_variants: int, **columns: float) -> pd.DataFrame:
    """Points of no curve in particular, hits above 1 among them, and curves of one to four points."""
    rows = []
    for setting in range(n_settings):
        for variant in range(n_variants):
            for l0 in rng.uniform(5.0, 400.0, rng.integers(1, 5)):
                rows.append((f"s{setting}", f"v{variant}", l0, rng.uniform(0.001, 1.02)))
    return pd.DataFrame(rows, columns=["setting", "variant", "l0", "performance_hit"]).assign(**columns)


@st.composite
def cases(draw: Any) -> Case:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    curve = draw(st.sampled_from(["hill", "hill1", "power", "linear", "proportional"]))
    cost = family_named(curve).unbounded is not None and draw(st.booleans())
    relative = draw(st.booleans())
    columns: dict[str, float] = {"d_model": 3000.0} if relative else {}
    columns |= {"se": 0.01} if draw(st.booleans()) else {}
    frame = table(rng, draw(st.integers(1, 4)), draw(st.integers(1, 4)), **columns)
    reading: dict[str, Any] = {"group": "setting"}
    if cost:
        frame, reading["cost"] = frame.rename(columns={"performance_hit": "mse"}), "mse"
    options: dict[str, Any] = {
        "curve": curve,
        "noise": draw(st.sampled_from(["student-t", "normal"])),
        "relative_sparsity": relative,
        "dense_limit": None if cost else draw(st.sampled_from([None, 5000.0])),
    }
    if not cost:
        options["hit_ref"] = draw(st.sampled_from([0.05, 0.3]))
    family = family_named(curve)
    family = family.unbounded if cost and family.unbounded is not None else family
    options["pool"] = {
        parameter.natural: draw(
            st.sampled_from(
                ["partial", "partial", "common", "none", *([0.7] if parameter.to_sampled else [])]
            )
        )
        for parameter in family.sampled
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frontiers = Frontiers.from_frame(frame, **reading)
        design = design_of(frontiers, baseline="v0", **options)
    layout = layout_of(design, random_priors(draw, design))
    assert layout is not None
    centring = rng.uniform(0.0, 1.0, len(layout.columns))
    point = layout.start(int(rng.integers(1000)), {}, spread=0.5)
    return Case(layout, row_data(frontiers, design), centring, point)


def random_priors(draw: Any, design: Design) -> dict[str, Any]:
    """The default priors, some of them replaced by other distributions or by numbers."""
    resolve: dict[str, Any] = {
        "noise": design.likelihood.name,
        "relative_sparsity": design.relative_sparsity,
    }
    given: dict[str, Any] = {}
    for name in resolve_priors(design.family, None, **resolve):
        how = draw(st.sampled_from(["default", "default", "number", "normal", *POSITIVE]))
        signed = name.endswith(("_mean", "_contrast"))
        if how == "number":
            given[name] = 0.4
        elif how == "normal" and signed:
            given[name] = Distribution("Normal", (-0.2, 0.7))
        elif how in POSITIVE:
            given[name] = Distribution(how, POSITIVE[how])
    return resolve_priors(design.family, given, **resolve)


@settings(max_examples=200)
@given(cases())
def test_density_and_gradient_are_those_of_the_numpy_statement(case: Case) -> None:
    of_density, of_gradient = disagreement(case, density.log_density)
    assert of_density < 1e-9
    assert of_gradient < 1e-4
