"""From draws of the curves to the table of gains, and the draws themselves on disk.

The same quantities as hillfront's, in each setting and on average over the settings, so that effective sample
sizes are of the same things; those of a new setting are not compared, because not every rival has them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from benchmarks.rivals.tables import Table

__all__ = ["Draws", "Phases", "gain_draws", "write_results"]

Floats = NDArray[np.float64]
AT_HIT, AT_L0, NODES = (0.02, 0.05, 0.1), (20.0, 50.0, 100.0), 33


@dataclass(frozen=True)
class Draws:
    """Draws of every curve.

    Attributes
    ----------
    x_half, k : array, shape (chain, draw, setting, variant)
    divergences : int
    independent : bool
        Whether they are a bootstrap's, which has no chains to judge.
    """

    x_half: Floats
    k: Floats
    divergences: int = 0
    independent: bool = False


class Phases:
    """Seconds of each phase of a rival, for those it can tell apart."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def end(self, name: str) -> None:
        """End the phase that began with the one before."""
        now = time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._since
        self._since = now


def gain_draws(table: Table, draws: Draws) -> Iterator[tuple[str, str, str, Floats]]:
    """Yield variant, setting (empty for the average), quantity and its draws, shape (chain, draw)."""
    for variant in range(1, len(table.variants)):
        logs: dict[str, list[Floats]] = {}
        for setting, name in enumerate(table.settings):
            if not all(len(table.curve(setting, which)[0]) for which in (0, variant)):
                continue
            for quantity, values in _log_gains(table, draws, setting, variant):
                logs.setdefault(quantity, []).append(values)
                yield table.variants[variant], name, quantity, np.exp(values)
        for quantity, several in logs.items():
            yield table.variants[variant], "", quantity, np.exp(np.mean(several, axis=0))


def _log_gains(table: Table, draws: Draws, setting: int, variant: int) -> Iterator[tuple[str, Floats]]:
    log_x_b, log_x_v = (np.log(draws.x_half[:, :, setting, which]) for which in (0, variant))
    k_b, k_v = (draws.k[:, :, setting, which] for which in (0, variant))

    def gain(logit: float) -> Floats:
        return np.asarray(log_x_v - log_x_b + logit * (1.0 / k_v - 1.0 / k_b))

    def reduction(log_x: float) -> Floats:
        lines = (k * (log_x - middle) for k, middle in ((k_b, log_x_b), (k_v, log_x_v)))
        base, other = (special.log_expit(line) for line in lines)
        return np.asarray(base - other)

    (x_b, y_b), (x_v, y_v) = table.curve(setting, 0), table.curve(setting, variant)
    y_b, y_v = (y[(y > 0) & (y < 1)] for y in (y_b, y_v))
    if y_b.size and y_v.size:
        low, high = max(y_b.min(), y_v.min()), min(y_b.max(), y_v.max())
        if low < high:
            hits = np.exp(np.linspace(np.log(low), np.log(high), 201))
            mean = np.trapezoid(special.logit(hits), np.log(hits)) / np.log(high / low)
            yield "mean_sparsity_gain", gain(float(mean))
    low, high = max(x_b.min(), x_v.min()), min(x_b.max(), x_v.max())
    if low < high:
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        log_x = 0.5 * (np.log(low) + np.log(high)) + 0.5 * np.log(high / low) * nodes
        parts = [0.5 * w * reduction(float(at)) for at, w in zip(log_x, weights, strict=True)]
        yield "mean_hit_reduction", np.sum(parts, axis=0)
    for hit in AT_HIT:
        yield f"sparsity_gain({hit:g})", gain(float(special.logit(hit)))
    for l0 in AT_L0:
        yield f"hit_reduction({l0:g})", reduction(-float(np.log(l0)))
    yield "x_half_ratio", log_x_v - log_x_b
    yield "k_ratio", np.log(k_b / k_v)


def write_results(table: Table, draws: Draws, phases: Phases, out: Path) -> None:
    """Write improvement.csv, the draws and the seconds of each phase."""
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for variant, setting, quantity, values in gain_draws(table, draws):
        lower, median, upper = np.nanquantile(values, [0.05, 0.5, 0.95])
        scope = "setting" if setting else "average"
        rows.append((variant, setting, scope, quantity, median, lower, upper))
    columns = ["variant", "setting", "scope", "quantity", "median", "lower", "upper"]
    pd.DataFrame(rows, columns=columns).to_csv(out / "improvement.csv", index=False)
    np.savez(
        out / "draws.npz",
        x_half=draws.x_half,
        k=draws.k,
        divergences=draws.divergences,
        independent=draws.independent,
    )
    phases.end("rest")
    (out / "phases.json").write_text(json.dumps(phases.seconds), encoding="utf-8")
