"""A Pareto verdict in a sentence, with its probability and the range that it holds over."""

from __future__ import annotations

import pandas as pd

from hillfront.utils.numbers import probability, significant

__all__ = ["capital", "verdict_sentence"]


def verdict_sentence(row: pd.Series | None, variant: str, baseline: str, scope: str) -> str:
    """Say the verdict of a row of the table of verdicts; nothing where there is none."""
    if row is None:
        return ""
    verdict = str(row["verdict"])
    if verdict == "no shared range":
        return "The two share no range of L0, so there is no Pareto verdict."
    span = f"L0 {significant(row['l0_low'])} to {significant(row['l0_high'])}"
    start = {"average": "averaged over the settings, ", "new_setting": "there, by prediction, "}.get(
        scope, ""
    )
    if verdict in ("better", "worse"):
        side = "below" if verdict == "better" else "above"
        p = probability(float(row[f"p_{verdict}"])).removeprefix("= ")
        text = (
            f"the {variant} curve lies {side} the {baseline} curve over the whole shared range ({span}) "
            f"with probability {p}: Pareto-{verdict}."
        )
    elif verdict == "crossing":
        p = probability(float(row["p_cross"])).removeprefix("= ")
        text = (
            f"the two curves cross inside the shared range ({span}) with probability {p}, at an L0 of "
            f"{significant(row['crossing_l0'])} (posterior median): neither is Pareto-better."
        )
    else:
        odds = ", ".join(
            f"{name} {probability(float(row[column]))}"
            for name, column in (("better", "p_better"), ("worse", "p_worse"), ("crossing", "p_cross"))
        )
        text = f"the Pareto verdict over the shared range ({span}) is undecided (probability {odds})."
    return capital(start + text)


def capital(text: str) -> str:
    """Begin a sentence with a capital."""
    return text[:1].upper() + text[1:]
