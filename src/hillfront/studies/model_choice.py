"""Choice of family, scatter and dense limit by leave-one-out densities on real tables.

:func:`family_recovery` sees whether the comparison of families finds the one that made the data.
``make model-choice`` writes docs/model-choice.md from the packaged data, and from tables that lie beside the
checkout where they are there: their figures may be shown, the data not.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hillfront.curves.families import FAMILIES
from hillfront.curves.sparsity import DenseLimit
from hillfront.datasets import load_dataset
from hillfront.fits.compare import compare_prepared
from hillfront.fits.cross_validation import leave_one_out
from hillfront.fits.fitting import prepare
from hillfront.fits.simulation import simulate
from hillfront.frontiers.table import FrontierDataError, Frontiers
from hillfront.model.likelihood import DEFAULT_NOISE, LIKELIHOODS
from hillfront.sampling.nutpie_run import SamplerOptions
from hillfront.studies.markdown import Report, versions
from hillfront.studies.simulated import quiet_frontiers

__all__ = [
    "TableCase",
    "choices",
    "family_recovery",
    "packaged_cases",
    "recovery_table",
    "saebench_cases",
    "write_model_choice",
]


@dataclass(frozen=True)
class TableCase:
    """One table, as it is fitted.

    Attributes
    ----------
    name : str
    frontiers : Frontiers
        Without rows at or above the dense limit, so that all models see the same rows.
    baseline : str
    dense_limits : tuple
        Dense limits to try.
    """

    name: str
    frontiers: Frontiers
    baseline: str
    dense_limits: tuple[DenseLimit, ...] = (None, "d_model")


# Width of the activation that an SAE reads; in attention, the heads side by side before their output matrix.
_WIDTHS = {
    "Gemma-7B": {"resid": 3072, "mlp": 3072, "attn": 4096},
    "Pythia-2.8B": {"resid": 2560, "mlp": 2560, "attn": 2560},
}


_LIMITED: Final[Mapping[str, Any]] = {"dense_limit": "d_model", "on_fault": "drop"}


def packaged_cases() -> Iterator[TableCase]:
    """Read the packaged tables, with the width of each activation."""
    for model, widths in _WIDTHS.items():
        rows = load_dataset("gated_sae", model=model)
        frontiers = quiet_frontiers(
            rows.assign(d_model=rows["site"].map(widths)),
            group=["site", "layer"],
            y="loss_recovered",
            **_LIMITED,
        )
        yield TableCase(f"gated_sae, {model}", frontiers, "baseline")


def saebench_cases(path: Path) -> Iterator[TableCase]:
    """Read the SAEBench tables, which are not packaged: one of each model, a setting for each width."""
    rows = pd.read_csv(path)
    for model, own in rows.groupby("model", sort=False):
        columns = ["variant", "width", "l0", "loss_recovered", "d_model"]
        yield TableCase(
            f"SAEBench, {model}",
            quiet_frontiers(own[columns], group="width", y="loss_recovered", **_LIMITED),
            "standard",
        )


def choices(
    cases: Sequence[TableCase],
    *,
    families: Sequence[str] = tuple(FAMILIES),
    noises: Sequence[str] = tuple(LIKELIHOODS),
    draws: int = 1000,
    random_seed: int = 1,
) -> Iterator[dict[str, object]]:
    """Fit every family, scatter and dense limit to every table, and yield a row a fit.

    Densities are by Pareto-smoothed importance sampling; the number of SAEs where that cannot be trusted is a
    column of its own.

    Yields
    ------
    dict
        table, rows, curve, noise, dense_limit, elpd_loo, se, high_pareto_k, divergences, rhat and passed;
        where the likelihood does not allow a row, only why.
    """
    for case, noise, curve in product(cases, noises, families):
        for limit in case.dense_limits:
            about: dict[str, object] = {"table": case.name, "rows": len(case.frontiers)}
            about |= {"curve": curve, "noise": noise, "dense_limit": "none" if limit is None else str(limit)}
            try:
                prepared = prepare(
                    case.frontiers, baseline=case.baseline, curve=curve, noise=noise, dense_limit=limit
                )
            except FrontierDataError as error:
                yield about | {"why": str(error.faults[0])}
                continue
            fit = prepared.fit(draws=draws, random_seed=random_seed, progressbar=False)
            elpd, _ = leave_one_out(prepared, fit, SamplerOptions(), exact=False)
            checks = {check.name: check for check in fit.diagnostics().checks}
            yield about | {
                "elpd_loo": float(elpd.elpd),
                "se": float(elpd.se),
                "high_pareto_k": int((elpd.pareto_k > elpd.good_k).sum()),
                "divergences": int(checks["divergences"].value),
                "rhat": checks["R-hat"].value,
                "passed": fit.diagnostics().passed,
            }


def family_recovery(*, sets: int = 20, random_seed: int = 1) -> Iterator[dict[str, object]]:
    """Simulate sets from each family, compare all families on each, and yield one row a set.

    Parameters
    ----------
    sets : int
        Data sets of each true family, of two variants in four settings with eight SAEs a curve.
    random_seed : int

    Yields
    ------
    dict
        truth, set, random_seed, first (the family ranked first), difference and difference_se of the true
        family from it, weight (the true family's stacking weight), refits, divergences (over all families),
        and found: whether the true family is first or within one standard error of it.
    """
    # Sweeps over two decades, as within one a Hill curve, a power law and a line look alike; and settings
    # close enough that no family leaves (0, 1), where data of a straight line would be no data of it.
    simulated = partial(simulate, settings=4, points=8, setting_sd=0.2, interaction_sd=0.1, l0=(8.0, 800.0))
    template = simulated(random_seed=random_seed).frontiers
    prepared = {name: prepare(template, baseline="baseline", curve=name) for name in FAMILIES}
    for (number, truth), index in product(enumerate(FAMILIES), range(sets)):
        own_seed = random_seed * 100_000 + 1000 * number + index
        data = simulated(curve=truth, random_seed=own_seed).frontiers
        comparison = compare_prepared(prepared, data, sampler_options=SamplerOptions(draws=500))
        table = comparison.summary.set_index("curve")
        own = {name: float(table[name][truth]) for name in ("difference", "difference_se", "weight")}
        diverging = [fit.data["sample_stats"]["diverging"] for fit in comparison.fits.values()]
        yield {
            "truth": truth,
            "set": index,
            "random_seed": own_seed,
            "first": table.index[0],
            **own,
            "refits": int(table["refits"].sum()),
            "divergences": sum(int(draws.sum()) for draws in diverging),
            "found": bool(table.index[0] == truth or -own["difference"] <= own["difference_se"]),
        }


def recovery_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Summarise the rows: for each true family, how often it was first, and found."""
    by_truth = rows.assign(first=rows["first"] == rows["truth"], sets=1, mean_weight=rows["weight"]).groupby(
        "truth", sort=False
    )
    sums = {name: "sum" for name in ("sets", "first", "found", "refits", "divergences")}
    return by_truth.agg(sums | {"mean_weight": "mean"}).reset_index()


def write_model_choice(out: Path, rows: pd.DataFrame, recovery: pd.DataFrame | None = None) -> None:
    """Write ``model-choice.md`` into a folder.

    Parameters
    ----------
    out : Path
        Folder, which must exist.
    rows : pandas.DataFrame
        As from :func:`choices`.
    recovery : pandas.DataFrame, optional
        As from :func:`recovery_table`.
    """
    report = Report("Which family, which scatter, which limit")
    report.paragraph(
        """LOO expected log densities of y, higher is better: every curve family, likelihood and
        dense limit on real tables, hierarchical, default priors. All densities are of y itself, so that
        all rows of a table can be compared. In brackets, the number of SAEs whose Pareto k is too high for
        importance sampling, so that their density is approximate: differences of a few units between
        models with many of them mean little. Rows at or above d_model are left out of every fit of their
        table. The SAEBench tables are not packaged; only their figures are shown. Made by `make
        model-choice`."""
    )
    _in_short(report, rows)
    for name, table in rows.groupby("table", sort=False):
        report.heading(f"{name} ({int(table['rows'].iloc[0])} SAEs)")
        limits = list(dict.fromkeys(table["dense_limit"]))
        columns = [(noise, limit) for noise in dict.fromkeys(table["noise"]) for limit in limits]
        best = table["elpd_loo"].max()
        by_model = table.set_index(["curve", "noise", "dense_limit"]).to_dict("index")
        lines = [
            (curve, *(_density(by_model[curve, n, d], best) for n, d in columns))
            for curve in dict.fromkeys(table["curve"])
        ]
        report.table(("family", *(f"{n}, {_limit(d)}" for n, d in columns)), lines)
        if "why" in table:
            report.items(f"(a) {text}" for text in table["why"].dropna().unique())
        failed = table[table["passed"].eq(False)].to_dict("records")
        report.items(
            f"(!) {row['curve']}, {row['noise']}, {_limit(str(row['dense_limit']))} failed a diagnostic: "
            f"R-hat {row['rhat']:.3f}, {int(row['divergences'])} divergences."
            for row in failed
        )
    _limits(report, rows)
    if recovery is not None:
        _recovery(report, recovery)
    report.heading("Versions")
    report.paragraph(versions())
    (out / "model-choice.md").write_text(report.text(), encoding="utf-8")


def _in_short(report: Report, rows: pd.DataFrame) -> None:
    """Name the best of each table, and how far the default lies below it."""
    report.heading("The best of each table, and the default")
    texts = []
    for name, table in rows.groupby("table", sort=False):
        known = table.dropna(subset=["elpd_loo"]).sort_values("elpd_loo", ascending=False)
        best = known.iloc[0]
        default = known.query("curve == 'hill' and noise == @DEFAULT_NOISE and dense_limit == 'none'")
        text = f"{name}: best is {best['curve']}, {best['noise']}, {_limit(best['dense_limit'])}"
        if len(default):
            text += f"; the default lies {best['elpd_loo'] - default['elpd_loo'].iloc[0]:.1f} below it"
        texts.append(f"{text}.")
    report.items(texts)


def _limit(limit: str) -> str:
    return "no limit" if limit == "none" else f"limit {limit}"


def _density(row: Mapping[Hashable, Any], best: float) -> str:
    if pd.isna(row["elpd_loo"]):
        return "refused (a)"
    text = f"{row['elpd_loo']:.1f} ({int(row['high_pareto_k'])})"
    text = f"**{text}**" if row["elpd_loo"] == best else text
    return text if row["passed"] else f"{text} (!)"


def _limits(report: Report, rows: pd.DataFrame) -> None:
    """Say what the dense limit changes under the default scatter."""
    default = rows[(rows["noise"] == DEFAULT_NOISE) & rows["elpd_loo"].notna()]
    wide = default.pivot(index=["table", "curve"], columns="dense_limit", values="elpd_loo")
    if {"none", "d_model"} <= set(wide.columns):
        gain = (wide["d_model"] - wide["none"]).unstack("curve")
        report.heading("What a dense limit is worth")
        report.paragraph(
            """LOO with `dense_limit='d_model'` less LOO without, under the default scatter; above 0, the
            limit helps."""
        )
        report.table(
            ("table", *gain.columns),
            [(name, *(f"{value:+.1f}" for value in values)) for name, values in gain.iterrows()],
        )


def _recovery(report: Report, recovery: pd.DataFrame) -> None:
    report.heading("Does the comparison find the family that made the data?")
    report.paragraph(
        """Simulated sets of two variants in four settings, eight SAEs a curve at L0 of 8 to 800, scatter 0.1
        on the logit scale. *Found*: the true family is ranked first, or lies within one standard error of
        the first."""
    )
    report.frame(
        recovery,
        "true family | sets | ranked first | found | mean weight of the truth",
        "{truth} | {sets} | {first} | {found} | {mean_weight:.2f}",
    )
