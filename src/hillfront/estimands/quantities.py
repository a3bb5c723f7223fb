"""The quantities that compare two curves: how each is computed, on what it rests, and what it is called.

A new quantity is one :class:`Quantity` in ``QUANTITIES``, with its words, labels and formats: tables,
sentences, figures, the report and the files of a paper take them from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from hillfront.curves.families import FAMILIES
from hillfront.curves.family import CurveFamily, set_default
from hillfront.estimands.comparisons import Comparison
from hillfront.estimands.ratios import (
    hit_reduction,
    mean_hit_reduction,
    mean_sparsity_gain,
    parameter_ratio,
    sparsity_gain,
)
from hillfront.estimands.scopes import AVERAGE
from hillfront.frontiers.ranges import NOWHERE, Range
from hillfront.utils.wording import meant

Floats = NDArray[np.float64]

__all__ = [
    "DEFAULT_AT_HIT",
    "DEFAULT_AT_L0",
    "QUANTITIES",
    "At",
    "Effect",
    "Quantity",
    "headlines",
    "quantities_at",
    "quantities_of",
    "quantity_named",
]

DEFAULT_AT_HIT: Final = (0.02, 0.05, 0.1)
DEFAULT_AT_L0: Final = (20.0, 50.0, 100.0)


@dataclass(frozen=True)
class At:
    """The value that a quantity is taken at: a hit, an L0 or a loss difference.

    Attributes
    ----------
    argument : str
        Argument of ``improvement()`` that takes the values, such as ``at_hit``.
    words : str
        What a value is, with its range and an example.
    cost_words : str
        The same for a fit of costs.
    top : float
        Values lie below it, in a fit of hits.
    unit : str
        What follows the number in a table.
    """

    argument: str
    words: str
    cost_words: str = ""
    top: float = np.inf
    unit: str = ""

    @property
    def dim(self) -> str:
        """Dimension of the values in a Dataset: ``hit``, ``l0`` or ``nats``."""
        return self.argument.removeprefix("at_")

    def words_for(self, *, bounded: bool) -> str:
        """Say what is allowed, for hits or for costs."""
        return self.words if bounded or not self.cost_words else self.cost_words

    def allows(self, value: float, *, bounded: bool) -> bool:
        """Return whether a quantity can be taken at a value."""
        return 0.0 < value < (self.top if bounded else np.inf)


AT_HIT: Final = At(
    "at_hit",
    "a performance hit, between 0 and 1, such as 0.05",
    cost_words="a cost, a positive number",
    top=1.0,
)
AT_L0: Final = At("at_l0", "an L0, a positive number of latents, such as 50")
AT_NATS: Final = At("at_nats", "a loss difference in nats, a positive number, such as 0.1", unit=" nats")


@dataclass(frozen=True)
class Effect:
    """The meaning of a factor above 1, for sentences.

    Attributes
    ----------
    verb, verb_of_one : str
        ``need`` and ``needs``.
    better, worse : str
        What follows the verb, with ``{factor}`` and ``{metric}`` in it; the factor may be left out.
    """

    verb: str
    verb_of_one: str
    better: str
    worse: str


_LATENTS: Final = Effect("need", "needs", "{factor}fewer active latents", "{factor}more active latents")
_METRIC: Final = Effect("have", "has", "a {factor}smaller {metric}", "a {factor}larger {metric}")


@dataclass(frozen=True)
class Quantity:
    """One quantity, with everything that is said of it.

    Templates are filled by ``str.format``, with ``{metric}`` (the label of the metric), ``{hit}`` (hit or
    cost), ``{at}`` (a number), ``{variant}``, ``{baseline}`` and ``{bounds}`` as each needs them.

    Attributes
    ----------
    name : str
        Its name in tables and arguments.
    compute : callable
        From a comparison, and the value that it is taken at (NaN for none), to draws of the quantity.
    support : callable
        From the same to ``observed``, ``extrapolated`` or ``none``.
    at : At or None
        What it is taken at.
    of : {"hit", "sparsity"}
        The range that it rests on.
    over_range : bool
        Whether it is a mean over the range that both frontiers observed.
    effect : Effect or None
        What a factor above 1 says; None for a quantity that only describes the shape of the curves, for which
        there are no sentences.
    headline : bool
        Whether it has a column in summaries, a forest in the report and a definition in the paper's methods.
    words : str
        In running text and headings, such as ``mean sparsity gain``.
    axis : str
        Axis label.
    where : str
        In sentences, at what the two are compared, such as ``at equal {metric}``.
    claim : str
        A claim about it.
    caption, definition : str
        What it is, in LaTeX, in the caption of the table of gains and in the methods paragraph.
    macro : str
        Stem of its LaTeX macros.
    format : str
        Format of its numbers in summaries and figures.
    """

    name: str
    compute: Callable[[Comparison, float], Floats]
    support: Callable[[Comparison, float], str]
    at: At | None = None
    of: Literal["hit", "sparsity"] = "hit"
    over_range: bool = False
    effect: Effect | None = None
    headline: bool = False
    words: str = ""
    axis: str = ""
    where: str = ""
    claim: str = ""
    caption: str = ""
    definition: str = ""
    macro: str = ""
    format: str = ".2f"

    def __post_init__(self) -> None:
        set_default(self, words=self.name.replace("_", " "))
        set_default(
            self,
            axis=self.words,
            claim=f"the {self.words} of {{variant}} over {{baseline}} is {{bounds}}",
            caption=f"the {self.words} of each variant over {{baseline}}",
            macro="".join(part.capitalize() for part in self.name.split("_")),
        )
        set_default(self, definition=self.caption)

    def of_scope(self, comparison: Comparison, at: float) -> tuple[str, Floats]:
        """Support and draws in a setting or a new one; draws are NaN where the support is ``none``."""
        support = self.support(comparison, at)
        if support == "none":
            return support, np.full_like(next(iter(comparison.curves[0].values())), np.nan)
        # No data of a new setting exists, so nothing about it is observed.
        return "extrapolated" if comparison.parts else support, self.compute(comparison, at)

    def of_scopes(self, compared: Sequence[Comparison], at: float) -> dict[str, tuple[str, Floats]]:
        """Support and draws in every scope of one variant, by the label along ``setting``.

        The average is the geometric mean over the settings that have a value; without any, there is neither
        an average nor a new setting.
        """
        own = {part.setting: self.of_scope(part, at) for part in compared if not part.parts}
        usable = [(support, values) for support, values in own.values() if support != "none"]
        above = {}
        for comparison in compared if usable else ():
            if comparison.scope == AVERAGE:
                observed = all(support == "observed" for support, _ in usable)
                with np.errstate(divide="ignore", invalid="ignore"):
                    mean = np.exp(np.mean([np.log(values) for _, values in usable], axis=0))
                above[AVERAGE] = ("observed" if observed else "extrapolated", mean)
            elif comparison.parts:
                above[comparison.setting] = self.of_scope(comparison, at)
        return above | own

    def interval(self, median: float, lower: float, upper: float) -> str:
        """Write a median with its interval.

        Examples
        --------
        >>> QUANTITIES["mean_sparsity_gain"].interval(2.6134, 2.304, 2.851)
        '2.61 [2.30, 2.85]'
        """
        middle, low, high = (format(value, self.format) for value in (median, lower, upper))
        return f"{middle} [{low}, {high}]"


def _inside(shared: Range) -> str:
    return "observed" if shared else "none"


def _at_hit_support(pair: Comparison, hit: float) -> str:
    return "observed" if hit in pair.hits else "extrapolated"


def _at_l0_support(pair: Comparison, l0: float) -> str:
    reciprocal_l0 = 1.0 / l0
    if reciprocal_l0 <= pair.scale.offset:
        return "none"  # at the dense limit both hits vanish
    # One L0 is no range, so that it may lie in a shared range that is too narrow to be one.
    seen = all(reciprocal_l0 in ranges.get("sparsity", NOWHERE) for ranges in pair.own)
    return "observed" if seen else "extrapolated"


def _along_curves(pair: Comparison) -> bool:
    """Return whether both curves have SAEs along a range of L0."""
    return not any(ranges.get("sparsity", NOWHERE).narrow for ranges in pair.own)


def _at_nats_support(pair: Comparison, nats: float) -> str:
    hits = [nats / loss for loss in pair.losses]
    if not all(np.isfinite(hit) and (hit < 1.0 or not pair.family.bounded) for hit in hits):
        return "none"
    inside = all(hit in ranges.get("hit", NOWHERE) for hit, ranges in zip(hits, pair.own, strict=True))
    return "observed" if inside and _along_curves(pair) else "extrapolated"


def _gain_at_nats(pair: Comparison, nats: float) -> Floats:
    """Compute the gain at a loss difference, which is a hit of its own for each curve's ablated loss."""
    hit, baseline_hit = (nats / loss for loss in pair.losses)
    return sparsity_gain(pair.family, *pair.curves, hit, scale=pair.scale, baseline_hit=baseline_hit)


_MEAN_SPARSITY_GAIN: Final = Quantity(
    "mean_sparsity_gain",
    lambda pair, _: mean_sparsity_gain(
        pair.family, *pair.curves, pair.hits.low, pair.hits.high, scale=pair.scale
    ),
    lambda pair, _: _inside(pair.hits),
    over_range=True,
    effect=_LATENTS,
    headline=True,
    axis="times fewer active latents at the same {metric} (mean sparsity gain)",
    where="at equal {metric}",
    claim="{variant} needs {bounds} times fewer active latents than {baseline}, as a mean over the shared "
    "{hit}s",
    caption="how many times fewer active latents each variant needs than {baseline} at equal {metric}",
    definition="the ratio of the two $L_0$ at equal {metric}, as a geometric mean over the range that both "
    "frontiers observed, the analogue of Bj{{\\o}}ntegaard's delta rate~\\cite{{hf-bjontegaard}}",
    macro="MeanGain",
)
_MEAN_HIT_REDUCTION: Final = Quantity(
    "mean_hit_reduction",
    lambda pair, _: mean_hit_reduction(
        pair.family, *pair.curves, pair.sparsities.low, pair.sparsities.high, scale=pair.scale
    ),
    lambda pair, _: _inside(pair.sparsities),
    of="sparsity",
    over_range=True,
    effect=_METRIC,
    headline=True,
    axis="times smaller {metric} at the same sparsity (mean hit reduction)",
    where="at equal L0",
    claim="{variant} has a {hit} {bounds} times smaller than {baseline}, as a mean over the shared "
    "sparsities",
    caption="how many times smaller its {metric} is at equal $L_0$",
    definition="the ratio of the two at equal $L_0$",
)
_SPARSITY_GAIN: Final = Quantity(
    "sparsity_gain",
    lambda pair, hit: sparsity_gain(pair.family, *pair.curves, hit, scale=pair.scale),
    _at_hit_support,
    at=AT_HIT,
    effect=_LATENTS,
    axis="times fewer active latents at a {metric} of {at:g} (sparsity gain)",
    where="at a {metric} of {at:g}",
    claim="{variant} needs {bounds} times fewer active latents than {baseline} at a {hit} of {at:g}",
    macro="Gain",
)
_SPARSITY_GAIN_NATS: Final = Quantity(
    "sparsity_gain_nats",
    _gain_at_nats,
    _at_nats_support,
    at=AT_NATS,
    effect=_LATENTS,
    words="sparsity gain",
    axis="times fewer active latents at a loss difference of {at:g} nats (sparsity gain)",
    where="at a loss difference of {at:g} nats",
    claim="{variant} needs {bounds} times fewer active latents than {baseline} at a loss difference of "
    "{at:g} nats",
    macro="GainNats",
)
_HIT_REDUCTION: Final = Quantity(
    "hit_reduction",
    lambda pair, l0: hit_reduction(pair.family, *pair.curves, 1.0 / l0, scale=pair.scale),
    _at_l0_support,
    at=AT_L0,
    of="sparsity",
    effect=_METRIC,
    axis="times smaller {metric} at an L0 of {at:g} (hit reduction)",
    where="at an L0 of {at:g}",
    claim="{variant} has a {hit} {bounds} times smaller than {baseline} at an L0 of {at:g}",
)

QUANTITIES: Final[dict[str, Quantity]] = {
    quantity.name: quantity
    for quantity in (
        _MEAN_SPARSITY_GAIN,
        _MEAN_HIT_REDUCTION,
        _SPARSITY_GAIN,
        _SPARSITY_GAIN_NATS,
        _HIT_REDUCTION,
    )
}
"""Quantities of every family, in the order of tables; :func:`quantities_of` adds a family's own ratios."""


def headlines() -> tuple[str, ...]:
    """Return the names of the quantities that summaries give."""
    return tuple(quantity.name for quantity in QUANTITIES.values() if quantity.headline)


def quantities_of(family: CurveFamily) -> dict[str, Quantity]:
    """Return every quantity of a family by its name, the headline means first, its own ratios last.

    Examples
    --------
    >>> from hillfront.curves import HILL
    >>> list(quantities_of(HILL))
    ['mean_sparsity_gain', 'mean_hit_reduction', 'sparsity_gain', 'sparsity_gain_nats', 'hit_reduction',
     'x_half_ratio', 'k_ratio']
    """
    ratios = (_ratio(name, parameter, sign) for name, (parameter, sign) in family.ratios.items())
    return QUANTITIES | {ratio.name: ratio for ratio in ratios}


def quantities_at(
    family: CurveFamily, asked: Mapping[At | None, Sequence[float]]
) -> dict[Quantity, Sequence[float]]:
    """Return the quantities of a family that are asked for, with the values that each is taken at."""
    values = {**asked, None: (np.nan,)}
    return {kind: values[kind.at] for kind in quantities_of(family).values() if len(values.get(kind.at, ()))}


def _ratio(name: str, parameter: str, sign: int) -> Quantity:
    """Make the quantity of a ratio of one parameter."""

    def support(pair: Comparison, _: float) -> str:
        if parameter == "x_half":
            # It is the sparsity at a hit of one half, so that is where its ratio is read.
            return _at_hit_support(pair, 0.5)
        return "observed" if _along_curves(pair) else "extrapolated"  # as a ratio of slopes needs

    moves = "rises" if sign > 0 else "falls"
    return Quantity(
        name,
        lambda pair, _: parameter_ratio(*pair.curves, name=parameter, sign=sign),
        support,
        claim=f"{parameter} {moves} by a factor of {{bounds}} from {{baseline}} to {{variant}}",
    )


def quantity_named(name: str) -> Quantity:
    """Return the quantity of a name, which may be a ratio that a family registered."""
    if name in QUANTITIES:
        return QUANTITIES[name]
    for family in FAMILIES.values():
        if name in family.ratios:
            return quantities_of(family)[name]
    raise ValueError(f"Unknown quantity {name!r}. Allowed: {', '.join(QUANTITIES)}.{meant(name, QUANTITIES)}")
