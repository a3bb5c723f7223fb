"""Diagnostics: did the sampler do its work, and does the model fit its data?

Each check has passed, failed, or only informs (``passed`` is True, False or None), and says what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from hillfront.diagnostics.model_checks import LOO_DRAWS_MIN, Check, LeaveOneOut, checks_of_fit
from hillfront.estimands.comparisons import labelled_values
from hillfront.estimands.improvement import improvement_of
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.utils.interface import argument, by_interface
from hillfront.utils.tables import Displayed, TextTable

__all__ = ["Check", "Diagnostics", "convergence_of", "diagnostics_of"]

RHAT_MAX = 1.01
ESS_PER_CHAIN = 100
BFMI_MIN = 0.3
PARETO_K_MAX = 0.7


@dataclass(frozen=True, repr=False)
class Diagnostics(Displayed):
    """All checks of a fit.

    Attributes
    ----------
    checks : tuple of Check
    """

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """True if no check failed."""
        return not self.failed

    @property
    def failed(self) -> tuple[Check, ...]:
        """Checks that failed."""
        return tuple(check for check in self.checks if check.passed is False)

    @property
    def state(self) -> str:
        """The outcome in a few words."""
        failed = "; ".join(f"{check.name} FAILED" for check in self.failed)
        return failed or "all diagnostics passed"

    @property
    def summary(self) -> pd.DataFrame:
        """One row a check: check, value, asked, passed (passed, failed or informational), seen, next_step."""
        words = {True: "passed", False: "failed", None: "informational"}
        return pd.DataFrame(
            [
                (c.name, c.value, c.asked, words[c.passed], c.seen, "" if c.passed else c.next_step)
                for c in self.checks
            ],
            columns=["check", "value", "asked", "passed", "seen", "next_step"],
        )

    def __repr__(self) -> str:
        """Write a line for each check, those that failed first, then those that only inform."""
        return "\n".join(map(str, self._by_state()))

    def _by_state(self) -> list[Check]:
        return sorted(self.checks, key=lambda check: (check.passed is not False, check.passed is True))

    def _table(self) -> TextTable:
        columns = ["check", "passed", "seen", "next_step"]
        rows = Diagnostics(tuple(self._by_state())).summary[columns]
        return TextTable("Diagnostics", tuple(columns), tuple(map(tuple, rows.astype(str).to_numpy())))


def diagnostics_of(
    tree: xr.DataTree,
    frontiers: Frontiers,
    design: Design,
    *,
    convergence: tuple[Check, ...],
    loo: LeaveOneOut | None,
    random_seed: int,
) -> Diagnostics:
    """Run every check; ``random_seed`` is that of the replicated residuals."""
    posterior, stats = (tree[name].to_dataset() for name in ("posterior", "sample_stats"))
    return Diagnostics(
        (
            _divergences(stats),
            *convergence,
            _bfmi(stats),
            _tree_depth(stats),
            _pareto_k(loo, frontiers),
            *checks_of_fit(posterior, frontiers, design, loo=loo, random_seed=random_seed),
        )
    )


def convergence_of(
    posterior: xr.Dataset, frontiers: Frontiers, design: Design, *, random_seed: int
) -> tuple[Check, ...]:
    """Check R-hat, ESS bulk and ESS tail, each of the worst of all reported quantities.

    Those are the rows of the default improvement table, the parameters of the curves, and the scatter. A fit
    samples on until these checks pass, and its diagnostics hold the same checks. ``random_seed`` is that of
    the gains in a new setting.
    """
    reported = improvement_of(posterior, frontiers, design, random_seed=random_seed).draws
    values, names = _reported_values(posterior, design, reported)
    tail = _ess(values, names, "tail", prob=(0.05, 0.95))
    return (_rhat(values, names), _ess(values, names, "bulk"), tail)


def _reported_values(
    posterior: xr.Dataset, design: Design, reported: xr.Dataset
) -> tuple[NDArray[np.float64], list[str]]:
    """Stack all reported quantities into (quantity, chain, draw), leaving out those that are constant."""
    labels, drawn = labelled_values(reported)
    arrays = [drawn]
    names = [" ".join(str(part) for part in label if part == part and part != "") for label in labels]
    for name in (*design.family.natural_names, "sigma", "tau"):
        if name in posterior:
            array = posterior[name].transpose(..., "chain", "draw")
            arrays.append(array.to_numpy().reshape(-1, *array.shape[-2:]))
            names += [name if array.ndim == 2 else f"{name}[{i}]" for i in range(arrays[-1].shape[0])]
    values = np.concatenate(arrays)
    with np.errstate(invalid="ignore"):
        varies = np.isfinite(values).all(axis=(1, 2)) & (np.ptp(values, axis=(1, 2)) > 0)
    return values[varies], [name for name, keep in zip(names, varies, strict=True) if keep]


def _divergences(stats: xr.Dataset) -> Check:
    n = int(stats["diverging"].sum())
    return Check(
        "divergences",
        n,
        "0",
        n == 0,
        f"{n} of {stats['diverging'].size} draws diverged",
        by_interface(
            "Raise target_accept (0.995) and tune; if they stay, the data say too little for this hierarchy: "
            "give tighter priors or pool more.",
            "Fit with a larger --tune; if they stay, the data say too little for this hierarchy: pool more "
            "(--pool k=common), or fit in Python, with a higher target_accept or tighter priors.",
        ),
    )


def _rhat(values: NDArray[np.float64], names: list[str]) -> Check:
    from arviz_stats.base import array_stats

    if values.shape[1] < 2:
        seen, step = "one chain has nothing to be compared with", f"Sample with {argument('chains', 4)}."
        return Check("R-hat", np.nan, "", None, seen, step)
    found = np.atleast_1d(array_stats.rhat(values, -2, -1))
    worst = float(found.max())
    return Check(
        "R-hat",
        worst,
        f"<= {RHAT_MAX}",
        worst <= RHAT_MAX,
        f"largest {worst:.4f}, of {names[int(found.argmax())]}",
        f"The chains disagree: sample longer ({argument('tune')} and {argument('draws')}), and look at the "
        "trace of this quantity.",
    )


def _ess(values: NDArray[np.float64], names: list[str], method: str, **options: Any) -> Check:
    from arviz_stats.base import array_stats

    asked = ESS_PER_CHAIN * values.shape[1]
    found = np.atleast_1d(array_stats.ess(values, -2, -1, method=method, **options))
    worst = float(found.min())
    return Check(
        f"ESS {method}",
        worst,
        f">= {asked}",
        worst >= asked,
        f"smallest {worst:.0f}, of {names[int(found.argmin())]}",
        f"Too few independent draws for stable intervals: raise {argument('draws')}.",
    )


def _bfmi(stats: xr.Dataset) -> Check:
    import arviz_stats

    worst = float(np.min(arviz_stats.bfmi(stats["energy"].to_dataset(name="energy"))["energy"]))
    return Check(
        "E-BFMI",
        worst,
        f">= {BFMI_MIN}",
        worst >= BFMI_MIN,
        f"smallest {worst:.2f} of the chains",
        f"The energy is explored slowly: heavy tails or a funnel. Raise {argument('tune')}, or "
        + by_interface(
            "give tighter priors on the setting and interaction standard deviations.",
            "pool more (--pool k=common).",
        ),
    )


def _tree_depth(stats: xr.Dataset) -> Check:
    n = int(stats["reached_max_treedepth"].sum())
    share = n / stats["reached_max_treedepth"].size
    return Check(
        "tree depth",
        n,
        "< 1% of draws",
        share < 0.01,
        f"{n} draws reached the largest tree depth",
        f"Sampling is slow rather than wrong: raise {argument('tune')}.",
    )


def _pareto_k(found: LeaveOneOut | None, frontiers: Frontiers) -> Check:
    if found is None:
        seen = f"LOO needs {LOO_DRAWS_MIN} draws or more"
        return Check("Pareto k", np.nan, "", None, seen, f"Raise {argument('draws')}.")
    k = found.pareto_k
    n = int((k > PARETO_K_MAX).sum())
    rows = frontiers.table["row"].to_numpy()[k > PARETO_K_MAX]
    which = f", rows {', '.join(map(str, rows[:8]))}{' ...' if n > 8 else ''}" if n else ""
    return Check(
        "Pareto k",
        float(k.max()),
        "",
        None,
        f"{n} of {k.size} above {PARETO_K_MAX}{which}",
        "Single SAEs that decide their curve; LOO is approximate there. Usual for curves of few points."
        if n
        else "",
    )
