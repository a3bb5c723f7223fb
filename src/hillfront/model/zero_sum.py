"""Effects that sum to zero: one map from free coefficients to effects, and its adjoint.

``n - 1`` coefficients make ``n`` effects by the orthonormal columns of a Householder reflection, so that iid
Normal(0, s) coefficients make the same distribution as ``pm.ZeroSumNormal(sigma=s)``. The closed form costs
of the order of n where the matrix costs n squared. The compiled density has both maps as loops
(:mod:`hillfront.sampling.compiled.density`), which the tests hold equal to these.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["over_variants", "zero_sum", "zero_sum_adjoint", "zero_sum_basis"]

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


def zero_sum_adjoint(effects: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring derivatives by effects back to derivatives by coefficients.

    Parameters
    ----------
    effects : array, shape (..., n, column)

    Returns
    -------
    array, shape (..., n - 1, column)
        ``zero_sum_basis(n).T @ effects``: the adjoint of :func:`zero_sum`, and its inverse where the effects
        sum to zero.

    Examples
    --------
    >>> zero_sum_adjoint(zero_sum(np.array([[1.0], [2.0]]))).round(12).tolist()
    [[1.0], [2.0]]
    """
    n = effects.shape[-2]
    root = np.sqrt(n)
    own, last = effects[..., :-1, :], effects[..., -1:, :]
    back: NDArray[np.float64] = own - own.sum(axis=-2, keepdims=True) / (root + n) - last / root
    return back


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
