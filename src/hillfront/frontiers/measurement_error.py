"""Known standard errors of each SAE's y: its own, and those of the losses that its setting shares.

A hit is y = (ce_sae - ce_base) / D with D = ce_ablated - ce_base, so that to first order an error e of each
of the three losses moves it by

    dy = e_sae / D - (1 - y) e_base / D - y e_ablated / D.

The first error is each SAE's own. The other two are shared: all variants of a setting are measured against
one base model and one ablation, so these errors move a whole setting's frontiers together.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from hillfront.frontiers.parsing import LOSS_ERRORS, LOSSES, metric_of

if TYPE_CHECKING:
    from hillfront.frontiers.table import Frontiers

SHARED_WITHIN: Final = 0.01


def denominator(table: pd.DataFrame) -> pd.Series[float]:
    """Compute D = ce_ablated - ce_base, the loss in nats of a hit of 1; NaN where one of them is not given.

    Examples
    --------
    >>> denominator(pd.DataFrame({"ce_base": [2.5, 2.5], "ce_ablated": [12.5, None]})).tolist()
    [10.0, nan]
    """
    return _column(table, "ce_ablated") - _column(table, "ce_base")


def hit_errors(table: pd.DataFrame) -> pd.DataFrame:
    """Compute the standard errors of a hit or a cost from those of the losses, or from the number of tokens.

    For a hit, with D from `denominator`::

        se_sae = se(ce_sae) / D,  se_base = se(ce_base) / D,  se_ablated = se(ce_ablated) / D

    If there is any of ``se_ce_sae``, ``se_ce_base`` and ``se_ce_ablated``, these are the errors of the
    losses, those not given count as 0, and the three are taken to be independent. Losses that were averaged
    over the same tokens are not: give the standard error of the paired difference ce_sae - ce_base as
    ``se_ce_sae``, that of ce_ablated - ce_base as ``se_ce_ablated``, and leave ``se_ce_base`` out.

    Without them, ``n_tokens`` says how many tokens the losses were averaged over. If the base model is
    calibrated, the log likelihood ratio of base model and SAE at one token has the Kullback-Leibler
    divergence of the two as its mean, which is delta = ce_sae - ce_base, and if they are close, a variance of
    2 delta (Kullback 1959). So::

        se(ce_sae - ce_base) = sqrt(2 |delta| / n_tokens),  se(ce_ablated - ce_base) = sqrt(2 D / n_tokens)

    and se_base = 0, because base model and SAE see the same tokens. This is an approximation: a base model is
    calibrated only nearly, and an ablated one is not close to it. For tokens that are correlated, as those
    of one text are, it is a lower bound.

    Parameters
    ----------
    table : pandas.DataFrame
        A canonical table (see `hillfront.Frontiers`), its hit or cost computed from its losses.

    Returns
    -------
    pandas.DataFrame
        One row per SAE; 0 where neither errors nor tokens are given, or not the losses. ``se_sae``, in units
        of y, is independent from row to row. ``se_base`` and ``se_ablated`` are relative to D and shared by
        the rows of a setting (where `shares_denominator`): with standard normal z_base and z_ablated of the
        setting, y moves by -(1 - y) se_base z_base - y se_ablated z_ablated. A cost in nats
        (``loss_difference``) has no denominator: D counts as 1, y moves by -se_base z_base, and se_ablated
        is 0.

    References
    ----------
    S. Kullback (1959), Information Theory and Statistics, Wiley, chapter 2.

    Examples
    --------
    >>> losses = {"ce_sae": [3.0, 2.52], "ce_base": 2.5, "ce_ablated": 12.5, "performance_hit": [0.05, 0.002]}
    >>> hit_errors(pd.DataFrame(losses | {"se_ce_sae": 0.01, "se_ce_ablated": 0.05}))
       se_sae  se_base  se_ablated
    0   0.001      0.0       0.005
    1   0.001      0.0       0.005
    >>> hit_errors(pd.DataFrame(losses | {"n_tokens": 1e6})).round(6)
        se_sae  se_base  se_ablated
    0  0.00010      0.0    0.000447
    1  0.00002      0.0    0.000447
    """
    is_cost = metric_of(table) == "cost"
    nats = pd.Series(1.0, index=table.index) if is_cost else denominator(table)
    if any(name in table for name in LOSS_ERRORS):
        sae, base, ablated = (_column(table, name).fillna(0.0) for name in LOSS_ERRORS)
    else:
        n_tokens = _column(table, "n_tokens")
        delta = _column(table, "ce_sae") - _column(table, "ce_base")
        sae, ablated = (2 * delta.abs() / n_tokens) ** 0.5, (2 * nats / n_tokens) ** 0.5
        base = pd.Series(0.0, index=table.index)
    if is_cost:
        ablated = pd.Series(0.0, index=table.index)
    errors = pd.DataFrame({"se_sae": sae, "se_base": base, "se_ablated": ablated})
    return errors.div(nats, axis=0).fillna(0.0)


def shares_denominator(table: pd.DataFrame) -> pd.Series[bool]:
    """Mark the rows whose setting was measured against one base model and one ablation.

    Printed losses are rounded, so a setting shares them if its ce_base and its ce_ablated each vary by no
    more than 1% of its smallest D. A cost only has a base loss, which may vary by 1% of the setting's largest
    cost. Settings where one of these losses is not given share nothing.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "setting": ["6", "6", "20", "20"],
    ...         "ce_base": [2.5, 2.501, 2.5, 2.7],
    ...         "ce_ablated": 12.5,
    ...         "performance_hit": 0.1,
    ...     }
    ... )
    >>> shares_denominator(table).tolist()
    [True, True, False, False]
    """
    if metric_of(table) == "cost":
        losses = table.reindex(columns=["ce_base"])
        nats = table["cost"].groupby(table["setting"]).transform("max")
    else:
        losses = table.reindex(columns=list(LOSSES[1:]))
        nats = denominator(table).groupby(table["setting"]).transform("min")
    by_setting = losses.groupby(table["setting"])
    spread = by_setting.transform("max") - by_setting.transform("min")
    complete = losses.notna().groupby(table["setting"]).transform("all").all(axis=1)
    return complete & spread.le(SHARED_WITHIN * nats, axis=0).all(axis=1)


def _column(table: pd.DataFrame, name: str) -> pd.Series[float]:
    """Return a column of numbers, NaN throughout if it is not there."""
    return table[name] if name in table else pd.Series(np.nan, index=table.index)


def sharing_settings(frontiers: Frontiers) -> tuple[str, ...]:
    """Return the settings whose hits are made of the same base and ablated losses, and so of their errors."""
    table = frontiers.table
    if "se" in table or not frontiers.from_losses:
        return ()
    return tuple(map(str, table["setting"][shares_denominator(table)].unique()))


def known_errors(frontiers: Frontiers, shared_settings: Collection[str]) -> pd.DataFrame:
    """Compute the standard errors that the model takes as known.

    A column ``se`` is taken as it is. Otherwise the errors of the losses count, where y was computed from
    them: each SAE's own, and those of the base model's and the ablated model's losses, which all variants
    of a setting share. Where the SAEs of a setting have different denominators, nothing is shared, and these
    are each one's own.

    Parameters
    ----------
    frontiers : Frontiers
    shared_settings : collection of str
        As from :func:`sharing_settings` of the whole table: a part of it, such as all SAEs but one, may seem
        to share what the whole does not.

    Returns
    -------
    pandas.DataFrame
        One row an SAE: ``se`` of y; ``base`` and ``ablated``, relative to the loss of the ablation, 0 where
        not shared.
    """
    table = frontiers.table
    nothing = pd.Series(0.0, index=table.index)
    if "se" in table or not frontiers.from_losses:
        return pd.DataFrame({"se": table.get("se", nothing), "base": nothing, "ablated": nothing})
    errors, shared = hit_errors(table), table["setting"].isin(list(shared_settings))
    from_base = errors["se_base"] * (1.0 - frontiers.y if frontiers.bounded else 1.0)
    own = (from_base**2 + (errors["se_ablated"] * frontiers.y) ** 2) ** 0.5
    return pd.DataFrame(
        {
            "se": (errors["se_sae"] ** 2 + own.where(~shared, 0.0) ** 2) ** 0.5,
            "base": errors["se_base"].where(shared, 0.0),
            "ablated": errors["se_ablated"].where(shared, 0.0),
        }
    )


def curve_losses(frontiers: Frontiers) -> dict[tuple[str, str], float]:
    """Compute the loss of the ablated model above the base model, in nats, by curve (variant, setting).

    Divided by it, a loss difference is a performance hit. A cost that is a loss difference itself has 1.
    Curves without these losses are not in it.
    """
    table = frontiers.table
    if frontiers.bounded:
        nats = denominator(table)
    else:
        nats = pd.Series(1.0 if frontiers.metric_label == "loss_difference" else np.nan, index=table.index)
    means = nats.groupby([table["variant"], table["setting"]], sort=False).mean().dropna()
    return {
        (str(variant), str(setting)): float(mean)
        for (variant, setting), mean in zip(means.index, means, strict=True)
    }
