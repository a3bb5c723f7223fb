"""Robust least squares of many small problems at once, by Levenberg and Marquardt's damped steps.

A thousand problems of a handful of rows and one or two parameters each: solved one by one, nearly all the
time goes to calling the solver.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Residuals = Callable[[Floats], Floats]

__all__ = ["robust_jacobian", "solve_robust"]

_ITERATIONS: Final = 200
_STEP: Final = float(np.sqrt(np.finfo(np.float64).eps))
"""Relative step of forward differences."""

_GRID: Final = (0.0, -0.5, 0.5, -1.0, 1.0, -1.5, 1.5, -2.0, 2.0)
"""Initial values, in spreads from the centre."""

_SMALL_STEP: Final = 1e-9
_LARGE_DAMPING: Final = 1e12


def solve_robust(residuals: Residuals, problem: NDArray[np.int64], centre: Floats, spread: Floats) -> Floats:
    r"""Minimise the soft-L1 loss of every problem, with a prior on its parameters.

    Problem c has the cost ``sum_i 2 (sqrt(1 + r_i^2) - 1)`` over its rows and over the prior's,
    ``(theta - centre) / spread``: quadratic for residuals below 1, linear far above. Each step solves
    ``(H + damping diag(1 / spread^2)) step = -g`` with the gradient ``g`` and Gauss and Newton's ``H`` of
    that cost, and is taken where the cost falls.

    Parameters
    ----------
    residuals : callable
        From parameters at each row, shape (parameter, row), to the residuals r, shape (row,), finite.
    problem : array of int, shape (row,)
        Index of each row's problem.
    centre, spread : array, shape (parameter,)

    Returns
    -------
    array, shape (parameter, problem)
        The lower of two minima: from the centre, and from the best point of a grid about it.

    Examples
    --------
    Two means, the second with an outlier:

    >>> y, problem = np.array([1.0, 1.2, 0.0, 0.1, 90.0]), np.array([0, 0, 1, 1, 1])
    >>> means = solve_robust(lambda theta: (theta[0] - y) / 0.1, problem, np.zeros(1), np.full(1, 100.0))
    >>> means.round(1).tolist()
    [[1.1, 0.1]]
    """
    one, one_cost = _descend(residuals, problem, _at_centre(problem, centre), centre, spread)
    grid = _best_of_grid(residuals, problem, centre, spread)
    other, other_cost = _descend(residuals, problem, grid, centre, spread)
    return np.where(other_cost < one_cost, other, one)


def _descend(
    residuals: Residuals, problem: NDArray[np.int64], start: Floats, centre: Floats, spread: Floats
) -> tuple[Floats, Floats]:
    """Find the minima near given parameters, and their costs."""
    theta = start.copy()
    count = theta.shape[1]
    held = 1.0 / spread**2
    damping = np.full(count, 1.0)
    at_prior = (theta - centre[:, None]) / spread[:, None]
    at_rows = residuals(theta[:, problem])
    cost = _cost(at_rows, at_prior, problem, count)
    active = np.ones(count, dtype=bool)
    gradient, hessian = _derivatives(residuals, theta, at_rows, at_prior, problem, spread)
    for _ in range(_ITERATIONS):
        damped = hessian + damping[:, None, None] * np.diag(held)
        step = -np.linalg.solve(damped, gradient[..., None])[..., 0].T
        tried = np.where(active, theta + step, theta)
        new_prior = (tried - centre[:, None]) / spread[:, None]
        new_rows = residuals(tried[:, problem])
        new_cost = _cost(new_rows, new_prior, problem, count)
        better = active & (new_cost < cost)
        theta[:, better] = tried[:, better]
        cost[better] = new_cost[better]
        at_prior[:, better] = new_prior[:, better]
        at_rows = np.where(better[problem], new_rows, at_rows)
        damping = np.clip(np.where(better, damping / 5.0, damping * 4.0), 1e-9, None)
        small = (np.abs(step) <= _SMALL_STEP * (1.0 + np.abs(theta))).all(axis=0)
        # A problem that is done stays as it is, so that none depends on its neighbours.
        active &= ~small & (damping < _LARGE_DAMPING)
        if not active.any():
            break
        if better.any():
            gradient, hessian = _derivatives(residuals, theta, at_rows, at_prior, problem, spread)
    return theta, cost


def _at_centre(problem: NDArray[np.int64], centre: Floats) -> Floats:
    return np.repeat(centre[:, None], int(problem.max(initial=-1)) + 1, axis=1)


def _best_of_grid(residuals: Residuals, problem: NDArray[np.int64], centre: Floats, spread: Floats) -> Floats:
    """Find each problem's grid point of lowest cost: where residuals saturate, their slopes say nothing."""
    best = _at_centre(problem, centre)
    count = best.shape[1]
    lowest = np.full(count, np.inf)
    for point in itertools.product(_GRID, repeat=len(centre)):
        away = np.array(point)[:, None]
        tried = np.repeat(centre[:, None] + away * spread[:, None], count, axis=1)
        cost = _cost(residuals(tried[:, problem]), np.broadcast_to(away, tried.shape), problem, count)
        better = cost < lowest
        best[:, better], lowest[better] = tried[:, better], cost[better]
    return best


def robust_jacobian(residuals: Residuals, problem: NDArray[np.int64], theta: Floats) -> Floats:
    """Compute the derivatives of the residuals, weighted so that J^T J is the soft-L1 loss's curvature.

    Returns
    -------
    array, shape (parameter, row)
    """
    at_rows = residuals(theta[:, problem])
    return _jacobian(residuals, theta, at_rows, problem) * (1.0 + at_rows**2) ** -0.75


def _jacobian(residuals: Residuals, theta: Floats, at_rows: Floats, problem: NDArray[np.int64]) -> Floats:
    """Compute forward differences, shape (parameter, row)."""
    columns = np.empty((len(theta), len(problem)))
    for index, values in enumerate(theta):
        moved = theta.copy()
        moved[index] = values + _STEP * np.maximum(1.0, np.abs(values))
        width = (moved[index] - values)[problem]
        columns[index] = (residuals(moved[:, problem]) - at_rows) / width
    return columns


def _cost(at_rows: Floats, at_prior: Floats, problem: NDArray[np.int64], count: int) -> Floats:
    def loss(r: Floats) -> Floats:
        # sqrt(1 + r^2) - 1, without the cancellation at small r.
        return np.asarray(r**2 / (1.0 + np.sqrt(1.0 + r**2)))

    return np.bincount(problem, loss(at_rows), minlength=count) + loss(at_prior).sum(axis=0)


def _derivatives(
    residuals: Residuals,
    theta: Floats,
    at_rows: Floats,
    at_prior: Floats,
    problem: NDArray[np.int64],
    spread: Floats,
) -> tuple[Floats, Floats]:
    """Compute the gradient, shape (problem, parameter), and Gauss-Newton curvature of half the cost."""
    size, count = theta.shape
    jacobian = _jacobian(residuals, theta, at_rows, problem)
    slope, bend = (1.0 + at_rows**2) ** -0.5, (1.0 + at_rows**2) ** -1.5
    gradient, hessian = np.empty((count, size)), np.zeros((count, size, size))
    for i in range(size):
        own = at_prior[i] * (1.0 + at_prior[i] ** 2) ** -0.5 / spread[i]
        gradient[:, i] = np.bincount(problem, jacobian[i] * slope * at_rows, minlength=count) + own
        for j in range(size):
            product = jacobian[i] * jacobian[j] * bend
            hessian[:, i, j] = np.bincount(problem, product, minlength=count)
        hessian[:, i, i] += (1.0 + at_prior[i] ** 2) ** -1.5 / spread[i] ** 2
    return gradient, hessian
