"""Published claims, such as "a gain of at least 2.7": how probable, where they hold, resting on what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hillfront.estimands.comparisons import Comparison, comparisons, gains_at
from hillfront.estimands.improvement import Sensitivity, validate_at
from hillfront.estimands.pareto import DEFAULT_THRESHOLD
from hillfront.estimands.prior_sensitivity import prior_note
from hillfront.estimands.quantities import QUANTITIES, Quantity, quantities_of
from hillfront.estimands.scopes import AVERAGE, NEW_SETTING, SCOPES, SUPPORTS
from hillfront.frontiers.ranges import Range, average_range
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.utils.interface import alternatives, argument, by_interface
from hillfront.utils.intervals import DEFAULT_PROB, equal_tailed
from hillfront.utils.wording import matching, meant

Floats = NDArray[np.float64]

__all__ = ["LIKELY", "SURE", "ClaimCheck", "check_claim_of"]

LIKELY: Final = 0.5
"""Probability from which on a claim is likelier than not: that of ``ClaimCheck.holds_at``."""

SURE: Final = DEFAULT_THRESHOLD
"""Probability of ``ClaimCheck.holds_surely_at``: that of a Pareto verdict."""


_N_HITS: Final = 41


@dataclass(frozen=True)
class ClaimCheck:
    """The answer of a fit to one claim; see :meth:`hillfront.FrontierFit.check_claim`.

    Attributes
    ----------
    quantity : str
        What the claim is about, such as ``sparsity_gain``.
    at : float or None
        The hit or the L0 that it is made for; None for quantities that have none.
    baseline, variant : str
    scope, setting : str
        ``average``, ``new_setting`` or ``setting``, and the setting's label, empty above the settings.
    low, high : float or None
        Bounds of the claim, ends included; None on a side without one.
    probability : float
        Share of the posterior's draws in which the claim holds; NaN where ``support`` is ``none``.
    median : float
    interval : tuple of float
        Equal-tailed, with probability ``prob``.
    support : str
        ``observed``; ``extrapolated``, where the claim rests on the curves beyond what both frontiers
        observed; ``none``, where they share no range.
    hits : tuple of float or None
        For sparsity gains, the range of hits that was searched for the two fields below.
    holds_at, holds_surely_at : tuple of float or None
        Lowest and highest hit, to a fortieth of the range in log hit, at which the claim holds with
        probability 0.5, and 0.95, or more; empty where there is none. None for other quantities, and where
        there is no shared range to search.
    statement : str
        The claim in words.
    prob : float
        Probability of the interval.
    notes : tuple of str
        What a reader must know, such as a failed diagnostic.
    of : str
        What ``hits`` are: hits, or costs.
    """

    quantity: str
    at: float | None
    baseline: str
    variant: str
    scope: str
    setting: str
    low: float | None
    high: float | None
    probability: float
    median: float
    interval: tuple[float, float]
    support: str
    hits: tuple[float, float] | None
    holds_at: tuple[float, ...] | None
    holds_surely_at: tuple[float, ...] | None
    statement: str
    prob: float = DEFAULT_PROB
    notes: tuple[str, ...] = ()
    of: str = "hits"

    @property
    def sentence(self) -> str:
        """The answer in one or two sentences."""
        if self.support == "none":
            return f"It cannot be checked that {self.statement}: the two frontiers share no range there."
        lower, upper = self.interval
        rests = SUPPORTS[self.support].claim
        if self.scope == NEW_SETTING:
            rests = "extrapolated to a setting without data"
        answer = (
            f"With probability {_probability(self.probability)}, {self.statement} (median {self.median:.3g}, "
            f"{self.prob:.0%} interval [{lower:.3g}, {upper:.3g}]; {rests})."
        )
        return f"{answer} {self._where()}" if self.hits is not None else answer

    def _where(self) -> str:
        """Say over which hits the claim holds."""
        assert self.hits is not None
        searched = f"Over the shared {self.of}, {_between(self.hits)}, it has a probability of"
        if not self.holds_at:
            return f"{searched} {LIKELY:g} or more at none."
        likely = f"{LIKELY:g} or more from {_between(self.holds_at)}"
        sure = f"from {_between(self.holds_surely_at)}" if self.holds_surely_at else "at none"
        return f"{searched} {likely}, and of {SURE:g} or more {sure}."

    def __str__(self) -> str:
        """Write the answer, below the notes."""
        return "\n".join([*self.notes, self.sentence])


def check_claim_of(
    posterior: xr.Dataset,
    frontiers: Frontiers,
    design: Design,
    quantity: str,
    *,
    low: float | None = None,
    high: float | None = None,
    at: float | None = None,
    setting: str | None = None,
    variant: str | None = None,
    random_seed: int = 1,
    notes: tuple[str, ...] = (),
    sensitivity: Sensitivity | None = None,
) -> ClaimCheck:
    """Check a published claim against a posterior; see :meth:`hillfront.FrontierFit.check_claim`."""
    quantity = _quantity_of_claim(quantity, design)
    _validate_bounds(low, high)
    kind = quantities_of(design.family)[quantity]
    _validate_taken_at(kind, at, bounded=frontiers.bounded)
    variant = _variant_of_claim(variant, design)
    every = comparisons(posterior, frontiers, design, random_seed=random_seed)
    compared = {comparison.setting: comparison for comparison in every if comparison.variant == variant}
    in_settings = {label: own for label, own in compared.items() if not own.parts}
    label = _label_of_claim(setting, variant, list(in_settings), design)
    if at is not None and kind.at is not None:
        validate_at(frontiers, **{kind.at.argument: [at]})
    found = kind.of_scopes(list(compared.values()), np.nan if at is None else at)
    if label == NEW_SETTING and label not in found and AVERAGE in found:
        raise ValueError(
            f"{argument('setting', NEW_SETTING)}: this fit says nothing about a new setting, which takes "
            f"several settings whose parameters are pooled. Allowed: {_listed(in_settings)}, or nothing "
            "for the average over the settings."
        )
    # Without a shared range in any setting there is no average, nor a range for a new setting.
    support, values = found.get(label, ("none", np.full(1, np.nan)))
    where = _Hits()
    if quantity == "sparsity_gain":
        ranges = [own.hits for own in in_settings.values() if label in (own.setting, AVERAGE, NEW_SETTING)]
        where = _look_over_hits(compared[label], ranges, low, high)
    cautions = []
    if support != "none":
        unshared = sum(found[own][0] == "none" for own in in_settings) if label not in in_settings else 0
        cautions = _cautions(values, unshared, len(in_settings))
    if sensitivity is not None and support != "none":
        shape = (posterior.sizes["chain"], posterior.sizes["draw"])
        judged = sensitivity(xr.Dataset({quantity: (("chain", "draw"), values.reshape(shape))})).iloc[0]
        cautions += [prior_note(judged)] if judged["diagnosis"] else []
    lower, median, upper = equal_tailed(values).tolist()
    return ClaimCheck(
        quantity=quantity,
        at=at,
        baseline=design.baseline,
        variant=variant,
        scope=compared[label].scope if label in compared else label,
        setting=label if label in in_settings else "",
        low=low,
        high=high,
        probability=np.nan if support == "none" else _share(values, low, high),
        median=median,
        interval=(lower, upper),
        support=support,
        hits=where.searched,
        holds_at=where.likely,
        holds_surely_at=where.sure,
        statement=_statement(kind, design, variant, _bounds(low, high), at) + _where(label, design),
        notes=(*notes, *cautions, *where.notes),
        of="costs" if design.metric == "cost" else "hits",
    )


# ---------------------------------------------------------------- what may be asked


def _listed(names: Iterable[str]) -> str:
    """List names in quotes."""
    return ", ".join(map(repr, names))


def _quantity_of_claim(quantity: str, design: Design) -> str:
    """Give the quantity by its own name; raise ValueError for one that curves of this family lack."""
    names = list(quantities_of(design.family))
    named = matching(quantity, names)
    if named is None:
        given = by_interface(f"quantity={quantity!r}", repr(quantity))
        raise ValueError(
            f"{given} is not a quantity of the {design.curve!r} family. "
            f"Allowed: {_listed(names)}.{meant(quantity, names)}"
        )
    return named


def _validate_bounds(low: float | None, high: float | None) -> None:
    """Raise ValueError for bounds that are missing, not positive or the wrong way round."""
    if low is None and high is None:
        raise ValueError(
            f"The claim has no bound. Give {argument('low')}, {argument('high')} or both: 'at least 2.7' is "
            f"{argument('low', 2.7)}, '1.2 to 1.4' is {argument('low', 1.2)} and {argument('high', 1.4)}."
        )
    for name, bound in (("low", low), ("high", high)):
        if bound is not None and not (np.isfinite(bound) and bound > 0.0):
            raise ValueError(
                f"{argument(name, bound)} is not a bound on a factor: give a positive number, or leave it "
                "out."
            )
    if low is not None and high is not None and low > high:
        raise ValueError(
            f"{argument('low', low)} lies above {argument('high', high)}. Let them change places, or leave "
            "one of them out."
        )


def _validate_taken_at(quantity: Quantity, at: float | None, *, bounded: bool = True) -> None:
    """Raise ValueError for a hit, L0 or loss difference that is missing, out of range or not wanted."""
    if quantity.at is None:
        if at is not None:
            able = [name for name, other in QUANTITIES.items() if other.at is not None]
            raise ValueError(
                f"{argument('at', at)}: {quantity.name} is not taken at a value. Leave {argument('at')} "
                f"out, or ask for one of {_listed(able)}."
            )
        return
    allowed = quantity.at.words_for(bounded=bounded)
    if at is None:
        raise ValueError(f"{quantity.name} needs {argument('at')}: {allowed}.")
    if not quantity.at.allows(at, bounded=bounded):
        raise ValueError(f"{argument('at', at)} is not allowed for {quantity.name}. Allowed: {allowed}.")


def _variant_of_claim(variant: str | None, design: Design) -> str:
    """Give the variant that a claim is about, which need not be named where there is only one."""
    others = design.variants[1:]
    if not others:
        raise ValueError(
            f"This fit has one variant, the baseline {design.baseline!r}: there is nothing to compare it "
            "with. Fit a table with two or more."
        )
    if variant is None:
        if len(others) > 1:
            raise ValueError(
                f"This fit has several variants. Pass one of them: {alternatives('variant', others)}."
            )
        return others[0]
    named = matching(variant, others)
    if named is None:
        why = "the baseline itself" if variant == design.baseline else "not a variant of this fit"
        raise ValueError(
            f"{argument('variant', variant)} is {why}. Allowed: {_listed(others)}.{meant(variant, others)}"
        )
    return named


def _label_of_claim(setting: str | None, variant: str, together: Sequence[str], design: Design) -> str:
    """Give the label along ``setting`` of what a claim is about, the average by default."""
    if not together:
        raise ValueError(
            f"{argument('variant', variant)} has no setting in common with the baseline "
            f"{design.baseline!r}: there is nothing to compare."
        )
    if setting is None:
        return AVERAGE
    named = matching(setting, [*together, NEW_SETTING])
    if named is not None:
        return named
    why = (
        f"has no SAEs of {variant!r}, or none of {design.baseline!r}"
        if setting in design.settings
        else "is not a setting of this fit"
    )
    raise ValueError(
        f"{argument('setting', setting)} {why}. Allowed: {_listed(together)}, {NEW_SETTING!r}, or nothing "
        f"for the average over the settings.{meant(setting, together)}"
    )


# ---------------------------------------------------------------- where a claim holds


def _share(values: Floats, low: float | None, high: float | None) -> float:
    """Share of draws within the bounds, ends included; a draw that is NaN is within none."""
    above = ~np.isnan(values) if low is None else values >= low
    below = ~np.isnan(values) if high is None else values <= high
    return float((above & below).mean())


@dataclass(frozen=True)
class _Hits:
    """Hits at which a claim holds: the range searched, and the ends of where it is likely and sure."""

    searched: tuple[float, float] | None = None
    likely: tuple[float, ...] | None = None
    sure: tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()


def _look_over_hits(
    comparison: Comparison, ranges: Sequence[Range], low: float | None, high: float | None
) -> _Hits:
    """Search the range of hits that is shared, on average over the settings, for where a claim holds."""
    inside = [own for own in ranges if own]
    if not inside:
        return _Hits(
            notes=("There is no shared range of hits over which to look for where the claim holds.",)
        )
    shared = average_range(inside)
    start, end = searched = (shared.low, shared.high)
    notes = []
    if any(start not in own or end not in own for own in ranges):
        notes.append(
            "The range of hits is the average of the settings' shared ranges; in some settings, part of it "
            "is extrapolated."
        )
    grid = np.geomspace(start, end, _N_HITS)
    shares = np.array([_share(gains, low, high) for gains in gains_at(grid, comparison)])
    ends: list[tuple[float, ...]] = []
    for threshold in (LIKELY, SURE):
        there = np.flatnonzero(shares >= threshold)
        ends.append((float(grid[there[0]]), float(grid[there[-1]])) if there.size else ())
        if there.size and there.size <= there[-1] - there[0]:
            notes.append(
                f"From hits of {_between(ends[-1])} there are some at which the claim's probability is "
                f"below {threshold:g}."
            )
    likely, sure = ends
    return _Hits(searched, likely, sure, tuple(notes))


def _cautions(values: Floats, unshared: int, settings: int) -> list[str]:
    """Say what the probability leaves out: settings without a shared range, and draws without a value."""
    cautions = []
    if unshared:
        cautions.append(f"{unshared} of {settings} settings share no range and are left out.")
    undefined = float(np.isnan(values).mean())
    if undefined:
        cautions.append(
            f"In {undefined:.1%} of the draws the quantity is undefined; the claim does not hold in these."
        )
    return cautions


# ---------------------------------------------------------------- words


def _probability(p: float) -> str:
    return f"{p:.3f}" + {0.0: " (no draw)", 1.0: " (every draw)"}.get(p, "")


def _between(ends: tuple[float, ...]) -> str:
    return f"{ends[0]:.2g} to {ends[1]:.2g}"


def _bounds(low: float | None, high: float | None) -> str:
    if high is None:
        return f"at least {low:g}"
    return f"at most {high:g}" if low is None else f"{low:g} to {high:g}"


def _where(label: str, design: Design) -> str:
    if len(design.settings) == 1:
        return ""
    return SCOPES[label].claim if label in SCOPES else f", in {label}"


def _statement(quantity: Quantity, design: Design, variant: str, bounds: str, at: float | None) -> str:
    """Say the claim in words: ``gated needs at least 2.7 times fewer active latents than baseline ...``."""
    return quantity.claim.format(
        variant=variant,
        baseline=design.baseline,
        bounds=bounds,
        hit="cost" if design.metric == "cost" else "hit",
        at=np.nan if at is None else at,
    )
