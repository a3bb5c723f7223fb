"""What a claim may be asked about: each wrong request is refused in words, before any draw is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hillfront.curves.family import CurveFamily
from hillfront.estimands.improvement import Improvement
from hillfront.model.design import Design
from hillfront.utils.wording import nearest

Choose = Callable[..., NDArray[np.intp]]

__all__ = [
    "NEW_SETTING",
    "PLACE_OF",
    "check_at",
    "check_bounds",
    "check_quantity",
    "claimable",
    "listed",
    "one_variant",
    "rows_of",
    "scope_of",
]

NEW_SETTING: Final = "new_setting"
"""In place of a setting's label: the prediction for a setting without data."""

_PLACES: Final = {
    "sparsity_gain": "the performance hit, between 0 and 1, such as 0.05",
    "sparsity_gain_nats": "the loss difference in nats, a positive number, such as 0.1",
    "hit_reduction": "the L0, a positive number of latents, such as 50",
}


PLACE_OF: Final = {"sparsity_gain": "at_hit", "sparsity_gain_nats": "at_nats", "hit_reduction": "at_l0"}
"""Argument of ``improvement()`` that takes a quantity's place."""


def claimable(family: CurveFamily) -> tuple[str, ...]:
    """Quantities that a claim about curves of a family can be about.

    Examples
    --------
    >>> from hillfront.curves.families import HILL
    >>> claimable(HILL)
    ('mean_sparsity_gain', 'mean_hit_reduction', 'sparsity_gain', 'sparsity_gain_nats', 'hit_reduction',
     'x_half_ratio', 'k_ratio')
    """
    return ("mean_sparsity_gain", "mean_hit_reduction", *_PLACES, *family.ratios)


def listed(names: Iterable[str]) -> str:
    """Check one part of a request; see the module."""
    return ", ".join(map(repr, names))


def _meant(name: str, names: Sequence[str]) -> str:
    near = nearest(name, names)
    return f" Did you mean {near!r}?" if near is not None else ""


def check_quantity(quantity: str, design: Design) -> None:
    """Check one part of a request; see the module."""
    names = claimable(design.family)
    if quantity not in names:
        raise ValueError(
            f"quantity={quantity!r} is not a quantity of the {design.curve!r} family. "
            f"Allowed: {listed(names)}.{_meant(quantity, names)}"
        )


def check_bounds(low: float | None, high: float | None) -> None:
    """Check one part of a request; see the module."""
    if low is None and high is None:
        raise ValueError(
            "The claim has no bound. Give low, high or both: 'at least 2.7' is low=2.7, '1.2 to 1.4' is "
            "low=1.2 and high=1.4."
        )
    for name, bound in (("low", low), ("high", high)):
        if bound is not None and not (np.isfinite(bound) and bound > 0.0):
            raise ValueError(
                f"{name}={bound!r} is not a bound on a factor: give a positive number, or leave it out."
            )
    if low is not None and high is not None and low > high:
        raise ValueError(f"low={low!r} lies above high={high!r}. Give low <= high, or leave one of them out.")


def check_at(quantity: str, at: float | None, *, bounded: bool = True) -> None:
    """Check one part of a request; see the module."""
    if quantity not in _PLACES:
        if at is not None:
            raise ValueError(
                f"at={at!r}: {quantity} has no place to be taken at. Leave at out, or ask for one of "
                f"{listed(_PLACES)}."
            )
        return
    place = _PLACES[quantity]
    if quantity == "sparsity_gain" and not bounded:
        place = "the cost, a positive number"
    if at is None:
        raise ValueError(f"{quantity} needs at: {place}.")
    top = 1.0 if quantity == "sparsity_gain" and bounded else np.inf
    if not 0.0 < at < top:
        raise ValueError(f"at={at!r} is not a place for {quantity}. Allowed: {place}.")


def one_variant(variant: str | None, design: Design) -> str:
    """Check one part of a request; see the module."""
    others = design.variants[1:]
    if not others:
        raise ValueError(
            f"This fit has one variant, the baseline {design.baseline!r}: there is nothing to compare it "
            "with. Fit a table with two or more."
        )
    if variant is None:
        if len(others) > 1:
            raise ValueError(f"This fit has several variants. Pass variant=, one of {listed(others)}.")
        return others[0]
    if variant not in others:
        why = "the baseline itself" if variant == design.baseline else "not a variant of this fit"
        raise ValueError(f"variant={variant!r} is {why}. Allowed: {listed(others)}.{_meant(variant, others)}")
    return variant


def scope_of(setting: str | None, variant: str, together: Sequence[str], design: Design) -> str:
    """Scope of the claim; a setting of the data that is called ``new_setting`` is itself."""
    if not together:
        raise ValueError(
            f"variant={variant!r} has no setting in common with the baseline {design.baseline!r}: there is "
            "nothing to compare."
        )
    if setting is None:
        return "average"
    if setting in together:
        return "setting"
    if setting == NEW_SETTING:
        return NEW_SETTING
    why = (
        f"has no SAEs of {variant!r}, or none of {design.baseline!r}"
        if setting in design.settings
        else "is not a setting of this fit"
    )
    raise ValueError(
        f"setting={setting!r} {why}. Allowed: {listed(together)}, {NEW_SETTING!r}, or nothing for the "
        f"average over the settings.{_meant(setting, together)}"
    )


# ---------------------------------------------------------------- draws


def rows_of(
    improved: Improvement, *, quantity: str, variant: str, scope: str, setting: str | None
) -> NDArray[np.intp]:
    """Positions of the rows of one quantity, in the order of its places; any setting for None."""
    wanted = {"quantity": quantity, "variant": variant, "scope": scope}
    if setting is not None:
        wanted["setting"] = setting
    labels = pd.DataFrame({name: improved.draws[name].to_numpy() for name in wanted})
    return np.flatnonzero((labels == pd.Series(wanted)).all(axis=1))
