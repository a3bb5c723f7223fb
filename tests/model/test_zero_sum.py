"""Effects that sum to zero: the map, its adjoint in the compiled density, and the same in PyTensor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from hillfront.model.zero_sum import over_variants, zero_sum, zero_sum_basis
from hillfront.sampling.compiled import density

Floats = NDArray[np.float64]
FINITE = st.floats(-1e3, 1e3)


@st.composite
def coefficients_and_effects(draw: Any) -> tuple[Floats, Floats]:
    n, columns = draw(st.integers(1, 12)), draw(st.integers(1, 3))
    shapes = ((n - 1, columns), (n, columns))
    a, b = (draw(arrays(np.float64, shape, elements=FINITE)) for shape in shapes)
    return a, b


def zero_sum_adjoint(effects: Floats) -> Floats:
    """What the compiled density's loops make of derivatives by effects."""
    by_effects = effects.copy()
    density.zero_sum_adjoint(by_effects)
    return by_effects[:-1]


@given(coefficients_and_effects())
def test_the_adjoint_is_the_transpose(given: tuple[Floats, Floats]) -> None:
    a, b = given
    forward, back = np.sum(zero_sum(a) * b), np.sum(a * zero_sum_adjoint(b))
    assert forward == pytest.approx(back, abs=1e-12 * (1.0 + np.abs(a).sum() * np.abs(b).sum()))


@given(coefficients_and_effects())
def test_effects_sum_to_zero_and_keep_their_length(given: tuple[Floats, Floats]) -> None:
    a, _ = given
    effects, size = zero_sum(a), 1.0 + np.abs(a).sum()
    np.testing.assert_allclose(effects.sum(axis=0), 0.0, atol=1e-12 * size)
    np.testing.assert_allclose((effects**2).sum(axis=0), (a**2).sum(axis=0), atol=1e-12 * size**2)
    np.testing.assert_allclose(zero_sum_adjoint(effects), a, atol=1e-12 * size)


@pytest.mark.parametrize("n", [1, 2, 3, 11])
def test_the_basis_is_orthonormal_and_makes_the_effects(n: int) -> None:
    basis = zero_sum_basis(n)
    assert basis.shape == (n, n - 1)
    np.testing.assert_allclose(basis.T @ basis, np.eye(n - 1), atol=1e-12)
    np.testing.assert_allclose(over_variants(n)[:, 1:], basis)
    coefficients = np.random.default_rng(n).normal(size=(5, n - 1, 4))
    effects = zero_sum(coefficients)
    np.testing.assert_allclose(effects, basis @ coefficients, atol=1e-12)
    looped = np.concatenate([coefficients[0], np.full((1, 4), np.nan)])
    density.zero_sum(looped)
    np.testing.assert_allclose(looped, effects[0], atol=1e-12)
    np.testing.assert_allclose(zero_sum_adjoint(looped), basis.T @ effects[0], atol=1e-12)
    symbolic = zero_sum(pt.tensor("c", shape=coefficients.shape[1:]))
    assert symbolic.type.shape == effects.shape[1:]
    np.testing.assert_allclose(zero_sum(pt.as_tensor(coefficients[0])).eval(), effects[0], atol=1e-12)
