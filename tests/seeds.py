"""Offsets of all seeds of the suite, to see that no test rests on the draws of one seed.

``HILLFRONT_SEED_OFFSET=3 pytest`` adds 3 to every seed that NumPy, nutpie and PyMC are given in the process
of the tests. Hypothesis keeps its examples, and processes that a test starts keep their seeds.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["OFFSET", "add_to_seeds", "moved"]

OFFSET = int(os.environ.get("HILLFRONT_SEED_OFFSET", "0"))


def moved(seed: Any, offset: int) -> Any:
    """Add to a seed, or to the first of several; None and generators stay."""
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        return int(seed) + offset
    if isinstance(seed, (list, tuple, np.ndarray)) and len(seed):
        return [moved(seed[0], offset), *seed[1:]]
    return seed


def add_to_seeds(offset: int) -> None:
    """Let this process add so much to every seed, from now on."""
    import nutpie
    import pymc as pm

    def with_first(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def moving(seed: Any = None) -> Any:
            return function(moved(seed, offset))

        return moving

    def with_keyword(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def moving(*args: Any, **options: Any) -> Any:
            if name in options:
                options[name] = moved(options[name], offset)
            return function(*args, **options)

        return moving

    np.random.default_rng = with_first(np.random.default_rng)
    nutpie.sample = with_keyword(nutpie.sample, "seed")
    for name in ("draw", "sample", "sample_prior_predictive", "sample_posterior_predictive"):
        setattr(pm, name, with_keyword(getattr(pm, name), "random_seed"))
