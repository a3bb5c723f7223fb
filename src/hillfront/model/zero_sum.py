"""Effects that sum to zero: one map from free coefficients to effects.

``n - 1`` coefficients make ``n`` effects by the orthonormal columns of a Householder reflection, so that iid
Normal(0, s) coefficients make the same distribution as ``pm.ZeroSumNormal(sigma=s)``. The closed form costs
of the order of n where the matrix costs n squared. The compiled density has the map and its adjoint as loops
(:mod:`hillfront.sampling.compiled.density`), which the tests hold equal to this one and to its transpose.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["over_variants", "zero_sum", "zero_sum_basis"]

Array = Any  # NumPy array or PyTensor variable


def zero_sum(coefficients: Array) -> Array:
    """Make effects that sum to zero of one coefficient fewer.

    Parameters
    ----------
    coefficients : array, shape (..., n - 1, column)
        A NumPy array or a PyTensor variable.

    Returns
    -------
    array, shape (..., n, column)
        ``zero_sum_basis(n) @ coefficients``; of the kind that was given.

    Examples
    --------
    >>> zero_sum(np.array([[1.0]])).round(3).tolist()
    [[0.707], [-0.707]]
    """
    n = coefficients.shape[-2] + 1
    total = coefficients.sum(axis=-2, keepdims=True)
    if isinstance(coefficients, np.ndarray):
        root = np.sqrt(n)
        return np.concatenate([coefficients - total / (root + n), -total / root], axis=-2)
    import pytensor.tensor as pt

    root = pt.sqrt(n)
    return pt.concatenate([coefficients - total / (root + n), -total / root], axis=-2)


def zero_sum_basis(n: int) -> NDArray[np.float64]:
    """Return the orthonormal columns, (n, n - 1), each of which sums to zero.

    Examples
    --------
    >>> bool(np.allclose(zero_sum_basis(4).sum(axis=0), 0))
    True
    """
    basis: NDArray[np.float64] = zero_sum(np.eye(n - 1))
    return basis


def over_variants(n: int) -> NDArray[np.float64]:
    """Return the matrix, (n, n), from a setting's effect and interactions to its n variants."""
    return np.column_stack([np.ones(n), zero_sum_basis(n)])
