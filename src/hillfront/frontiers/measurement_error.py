"""Known standard errors of each SAE's y, and the losses that its setting shares."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from hillfront.frontiers.loss_errors import hit_errors, loss_scale, shares_denominator
from hillfront.frontiers.table import Frontiers

__all__ = ["curve_losses", "known_errors", "sharing_settings"]


def sharing_settings(frontiers: Frontiers) -> tuple[str, ...]:
    """Settings whose SAEs share the losses, and so the errors of the losses, that their hits are made of."""
    table = frontiers.table
    if "se" in table or not frontiers.from_losses:
        return ()
    return tuple(map(str, table["setting"][shares_denominator(table)].unique()))


def known_errors(frontiers: Frontiers, shared_settings: Collection[str]) -> pd.DataFrame:
    """Standard errors that the model takes as known.

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
    """Loss of the ablated model above the base model, in nats, of each curve, by (variant, setting).

    Divided by it, a loss difference is a performance hit. A cost that is a loss difference itself has 1.
    Curves without these losses are left out.
    """
    table = frontiers.table
    if frontiers.bounded:
        scale = loss_scale(table)
    else:
        scale = pd.Series(1.0 if frontiers.metric_label == "loss_difference" else np.nan, index=table.index)
    means = scale.groupby([table["variant"], table["setting"]], sort=False).mean().dropna()
    return {
        (str(variant), str(setting)): float(mean)
        for (variant, setting), mean in zip(means.index, means, strict=True)
    }
