"""Which family, which scatter, and is there a dense limit? Leave-one-out densities on real tables.

``make model-choice`` writes docs/model-choice.md from the packaged data, and from tables that lie beside the
checkout where they are there: their figures may be shown, the data not.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hillfront.curves import FAMILIES
from hillfront.datasets import load_dataset
from hillfront.fitting import prepare
from hillfront.frontiers import FrontierDataWarning, Frontiers
from hillfront.noise import NOISES
from hillfront.sparsity import DenseLimit

__all__ = ["Setting", "choices", "packaged_settings", "saebench_settings"]


@dataclass(frozen=True)
class Setting:
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
    ("Gemma-7B", "resid"): 3072, ("Gemma-7B", "mlp"): 3072, ("Gemma-7B", "attn"): 4096,
    ("Pythia-2.8B", "resid"): 2560, ("Pythia-2.8B", "mlp"): 2560, ("Pythia-2.8B", "attn"): 2560,
}  # fmt: skip


def _read(rows: pd.DataFrame, **options: object) -> Frontiers:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        return Frontiers.from_frame(rows, dense_limit="d_model", on_fault="drop", **options)  # type: ignore[arg-type]


def packaged_settings() -> Iterator[Setting]:
    """The packaged tables, with the width of each activation."""
    for model in ("Gemma-7B", "Pythia-2.8B"):
        rows = load_dataset("gated_sae", model=model)
        widths = [_WIDTHS[model, site] for site in rows["site"]]
        frontiers = _read(rows.assign(d_model=widths), group=["site", "layer"], y="loss_recovered")
        yield Setting(f"gated_sae, {model}", frontiers, "baseline")


def saebench_settings(path: Path) -> Iterator[Setting]:
    """The SAEBench tables, which are not packaged: one of each model, a group for each width."""
    rows = pd.read_csv(path)
    for model, own in rows.groupby("model", sort=False):
        columns = ["variant", "width", "l0", "loss_recovered", "d_model"]
        yield Setting(
            f"SAEBench, {model}", _read(own[columns], group="width", y="loss_recovered"), "standard"
        )


def choices(
    settings: Sequence[Setting],
    *,
    families: Sequence[str] = tuple(FAMILIES),
    noises: Sequence[str] = tuple(NOISES),
    draws: int = 1000,
    seed: int = 1,
) -> Iterator[dict[str, object]]:
    """Fit every family, scatter and dense limit to every table, and yield a row a fit.

    Densities are by Pareto-smoothed importance sampling; the number of SAEs where that cannot be trusted is a
    column of its own.

    Yields
    ------
    dict
        table, rows, curve, noise, dense_limit, elpd_loo, se, high_pareto_k, divergences, rhat and passed;
        where the observation model has no place for a row, only why.
    """
    import arviz_stats

    for setting in settings:
        for noise in noises:
            for curve in families:
                for limit in setting.dense_limits:
                    row: dict[str, object] = {
                        "table": setting.name,
                        "rows": len(setting.frontiers),
                        "curve": curve,
                        "noise": noise,
                        "dense_limit": "none" if limit is None else str(limit),
                    }
                    try:
                        prepared = prepare(
                            setting.frontiers, baseline=setting.baseline, curve=curve, noise=noise,
                            dense_limit=limit,
                        )  # fmt: skip
                    except ValueError as error:
                        yield row | {"why": str(error).splitlines()[1]}
                        continue
                    fit = prepared.fit(draws=draws, seed=seed, progress=False)
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore", UserWarning)
                        elpd = arviz_stats.loo(fit.data, pointwise=True)
                    checks = {check.name: check for check in fit.diagnostics().checks}
                    yield row | {
                        "elpd_loo": float(elpd.elpd),
                        "se": float(elpd.se),
                        "high_pareto_k": int((elpd.pareto_k > elpd.good_k).sum()),
                        "divergences": int(checks["divergences"].value),
                        "rhat": checks["R-hat"].value,
                        "passed": fit.diagnostics().passed,
                    }
