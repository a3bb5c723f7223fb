"""Validation of a claim: what may be asked, and what is wrong with a request, before any draw is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from hillfront.estimands.quantities import QUANTITIES, Quantity, quantities_of
from hillfront.estimands.scopes import AVERAGE, NEW_SETTING
from hillfront.model.design import Design
from hillfront.utils.wording import nearest

__all__ = [
    "label_of_claim",
    "listed",
    "validate_bounds",
    "validate_quantity",
    "validate_taken_at",
    "variant_of_claim",
]


def listed(names: Iterable[str]) -> str:
    """List names in quotes."""
    return ", ".join(map(repr, names))


def _meant(name: str, names: Sequence[str]) -> str:
    near = nearest(name, names)
    return f" Did you mean {near!r}?" if near is not None else ""


def validate_quantity(quantity: str, design: Design) -> None:
    """Raise ValueError for a quantity that curves of this family do not have."""
    names = list(quantities_of(design.family))
    if quantity not in names:
        raise ValueError(
            f"quantity={quantity!r} is not a quantity of the {design.curve!r} family. "
            f"Allowed: {listed(names)}.{_meant(quantity, names)}"
        )


def validate_bounds(low: float | None, high: float | None) -> None:
    """Raise ValueError for bounds that are missing, not positive or the wrong way round."""
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


def validate_taken_at(quantity: Quantity, at: float | None, *, bounded: bool = True) -> None:
    """Raise ValueError for a hit, L0 or loss difference that is missing, out of range or not wanted."""
    if quantity.at is None:
        if at is not None:
            able = [name for name, other in QUANTITIES.items() if other.at is not None]
            raise ValueError(
                f"at={at!r}: {quantity.name} is not taken at a value. Leave at out, or ask for one of "
                f"{listed(able)}."
            )
        return
    allowed = quantity.at.words_for(bounded=bounded)
    if at is None:
        raise ValueError(f"{quantity.name} needs at: {allowed}.")
    if not quantity.at.allows(at, bounded=bounded):
        raise ValueError(f"at={at!r} is not allowed for {quantity.name}. Allowed: {allowed}.")


def variant_of_claim(variant: str | None, design: Design) -> str:
    """Give the variant that a claim is about, which need not be named where there is only one."""
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


def label_of_claim(setting: str | None, variant: str, together: Sequence[str], design: Design) -> str:
    """Give the label along ``setting`` of what a claim is about, the average by default."""
    if not together:
        raise ValueError(
            f"variant={variant!r} has no setting in common with the baseline {design.baseline!r}: there is "
            "nothing to compare."
        )
    if setting is None:
        return AVERAGE
    if setting in together or setting == NEW_SETTING:
        return setting
    why = (
        f"has no SAEs of {variant!r}, or none of {design.baseline!r}"
        if setting in design.settings
        else "is not a setting of this fit"
    )
    raise ValueError(
        f"setting={setting!r} {why}. Allowed: {listed(together)}, {NEW_SETTING!r}, or nothing for the "
        f"average over the settings.{_meant(setting, together)}"
    )
