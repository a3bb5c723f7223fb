"""The compiled density and its gradient against a plain NumPy statement of the model, on random designs."""

from __future__ import annotations

import pymc_extras.prior  # noqa: F401  Sets the recursion limit, which hypothesis forbids in a test.
from hypothesis import given, settings
from hypothesis import strategies as st

from density_cases import random_case
from hillfront.sampling.compiled import density


@settings(max_examples=200)
@given(st.integers(0, 2**32 - 1))
def test_density_and_gradient_are_those_of_the_numpy_statement(random_seed: int) -> None:
    case = random_case(random_seed)
    of_density, of_gradient = case.disagreement(density.log_density)
    assert of_density < 1e-9
    assert of_gradient < 1e-4
