"""How many SAEs to train, and where: simulate designs, fit them, and count how often the fit finds the gain.

A design is a number of SAEs a curve, a number of settings (layers, models) and a sweep of L0; the baseline
and one variant are trained at the same L0 in each setting. See :mod:`hillfront.studies.design_tables` for
what follows from the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hillfront.fits.simulation import simulate
from hillfront.studies.engine import Task, run, task_seed
from hillfront.studies.refits import prepared_for, refit

__all__ = ["POINTS", "SETTINGS", "SWEEPS", "Expected", "design_study", "one_design_set"]

Sweep = tuple[float, float]

POINTS: Final = (3, 4, 6, 8, 12)
SETTINGS: Final = (1, 2, 3, 6)
SWEEPS: Final[tuple[Sweep, ...]] = ((10.0, 200.0), (20.0, 100.0), (10.0, 50.0))


@dataclass(frozen=True)
class Expected:
    """What the SAEs are expected to be, before they are trained.

    Attributes
    ----------
    gain : float
        True sparsity gain of the variant in a typical setting: how many times fewer active latents.
    sigma : float
        Scatter of SAEs about their curve, on the logit scale; 0.1 is 10% of a small hit.
    tau : float
        Additive noise of the hits.
    k_baseline, k_variant : float
        Slopes of the Hill curves.
    hit, at_l0 : float
        Hit of the baseline at an L0, in a typical setting.
    setting_sd : float
        Spread of log position between settings.
    interaction_sd : float
        Spread of each variant's log position within settings: the log gain of a setting has a standard
        deviation of sqrt(2) times that about log(gain).
    """

    gain: float
    sigma: float
    tau: float = 0.0
    k_baseline: float = 0.9
    k_variant: float = 0.9
    hit: float = 0.05
    at_l0: float = 50.0
    setting_sd: float = 0.5
    interaction_sd: float = 0.1

    def __post_init__(self) -> None:
        if not 1.0 < self.gain < float("inf"):
            raise ValueError(
                f"gain={self.gain!r}: there is nothing to find. Give the true gain as a factor above 1, such "
                "as 1.3; for a worse variant, let it change places with the baseline."
            )
        if not 0.0 < self.sigma < float("inf"):
            raise ValueError(
                f"sigma={self.sigma!r}: give the expected scatter on the logit scale, a positive number such "
                "as 0.1."
            )


def design_study(
    *,
    gain: float,
    sigma: float,
    work: Path,
    points: Sequence[int] = POINTS,
    settings: Sequence[int] = SETTINGS,
    sweeps: Sequence[Sweep] = SWEEPS,
    sets: int = 50,
    tau: float = 0.0,
    k: tuple[float, float] = (0.9, 0.9),
    hit_at_l0: tuple[float, float] = (0.05, 50.0),
    setting_sd: float = 0.5,
    interaction_sd: float = 0.1,
    workers: int = 1,
    random_seed: int = 1,
    progressbar: bool = False,
) -> pd.DataFrame:
    """Simulate and fit every design so many times.

    It is assumed that

    - true curves are Hill curves, and the scatter about them is normal on the logit scale;
    - the baseline and one variant are both trained, at the same L0 values, evenly spaced in log L0, with one
      training each, and all of them are fitted, not the Pareto-optimal ones;
    - settings differ in position by ``setting_sd``, and the gain differs between settings by sqrt(2)
      ``interaction_sd`` on the log scale; slopes do not differ between settings. What is found is the average
      over the settings that were trained. Its truth varies about ``gain`` with them, so a design of one
      setting counts as well how often the one setting happens to be a poor one;
    - each set is fitted as :func:`hillfront.fit` would, with its default priors, and judged by the verdict
      at its default threshold and by the 90% interval of ``mean_sparsity_gain``.

    Parameters
    ----------
    gain, sigma : float
        True gain in a typical setting, and the scatter to expect: see :class:`Expected`.
    work : Path
        File of finished fits, one line each; a study that was stopped goes on where it was.
    points, settings : sequence of int
        SAEs a curve, and settings.
    sweeps : sequence of (float, float)
        Lowest and highest L0.
    sets : int
        Simulated sets of each design.
    tau : float
        Additive noise of the hits.
    k : (float, float)
        Slopes of the baseline and of the variant.
    hit_at_l0 : (float, float)
        Hit of the baseline at an L0, in a typical setting; ``gain`` is that at this hit.
    setting_sd, interaction_sd : float
        Spread of log position between settings, and of variants within them.
    workers, progress
        As for :func:`hillfront.studies.engine.run`.
    random_seed : int

    Returns
    -------
    pandas.DataFrame
        One row a set: points, settings, l0_low, l0_high, the fields of :class:`Expected`, replicate, seed,
        seconds, verdict, truth, lower, median, upper (of ``mean_sparsity_gain``, averaged over the settings;
        NaN where the curves share no range of hits), divergences and error.

    Raises
    ------
    ValueError
        For a gain that is not above 1, a scatter that is not positive, fewer than two SAEs a curve, no
        settings or sets, or a sweep that does not rise.

    Examples
    --------
    >>> rows = design_study(gain=2, sigma=0.1, work=Path("design.jsonl"))  # doctest: +SKIP
    >>> recommend(design_table(rows), power=0.8).text  # doctest: +SKIP
    """
    expected = Expected(
        gain=float(gain),
        sigma=float(sigma),
        tau=float(tau),
        k_baseline=float(k[0]),
        k_variant=float(k[1]),
        hit=float(hit_at_l0[0]),
        at_l0=float(hit_at_l0[1]),
        setting_sd=float(setting_sd),
        interaction_sd=float(interaction_sd),
    )
    if sets < 1:
        raise ValueError(f"sets={sets}: give 1 simulated set or more of each design.")
    tasks = [
        Task(cell, index, task_seed("design", cell, index, random_seed=random_seed))
        for cell in _cells(expected, points, settings, sweeps)
        for index in range(sets)
    ]
    return run(one_design_set, tasks, work=work, workers=workers, progressbar=progressbar)


def _cells(
    expected: Expected, points: Iterable[int], settings: Iterable[int], sweeps: Iterable[Sweep]
) -> list[dict[str, Any]]:
    """Every design, settings outermost, so that a process compiles one model after the other."""
    cells = []
    for g, (low, high), n in product(settings, sweeps, points):
        if n < 2 or g < 1:
            raise ValueError(
                f"points={n}, settings={g}: a design has at least 2 SAEs a curve, and at least 1 setting."
            )
        if not 0.0 < low < high < float("inf"):
            raise ValueError(f"sweep {(low, high)!r}: give the lowest and the highest L0, such as (10, 200).")
        design = {"points": int(n), "settings": int(g), "l0_low": float(low), "l0_high": float(high)}
        cells.append(design | asdict(expected))
    return cells


def one_design_set(task: Task) -> list[dict[str, Any]]:
    """Simulate and fit one set of a design: one row, see :func:`design_study`."""
    cell = dict(task.cell)
    simulation = simulate(
        points=cell["points"],
        settings=cell["settings"],
        l0=(cell["l0_low"], cell["l0_high"]),
        gain=cell["gain"],
        sigma=cell["sigma"],
        tau=cell["tau"],
        k={"baseline": cell["k_baseline"], "variant": cell["k_variant"]},
        hit_at_l0=(cell["hit"], cell["at_l0"]),
        setting_sd=cell["setting_sd"],
        interaction_sd=cell["interaction_sd"],
        random_seed=task.random_seed,
    )
    found = refit(
        prepared_for(settings=cell["settings"]), simulation.frontiers, at_hit=(), random_seed=task.random_seed
    )
    row: dict[str, Any] = {
        "verdict": found.verdict,
        "divergences": found.divergences,
        "kept_draws": found.kept_draws,
    }
    table = found.improvement.summary
    means = table[(table["scope"] == "average") & (table["quantity"] == "mean_sparsity_gain")]
    truth = simulation.truth.query("scope == 'average' and quantity == 'mean_sparsity_gain'")["value"]
    if len(means) and len(truth):
        row |= {name: float(means[name].iloc[0]) for name in ("lower", "median", "upper")}
        row["truth"] = float(truth.iloc[0])
    return [row]
