"""Mutants of good files: each is refused in words of its own, or read as a plain reading of it has it.

Every mutant has its seed, so that one that fails can be made again: `mutant("csv", 12, folder)`.
"""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from commands import command
from hillfront.frontiers.fault import FrontierDataError
from hillfront.frontiers.table import FrontierDataWarning
from hillfront.readers.formats import read_path
from hillfront.readers.json_files import ReadError
from mutants import Mutant, Row, arrow_mutant, csv_mutant, excel_mutant, records_mutant, same, wandb_mutant
from mutants_of_evaluations import (
    dictionary_learning_mutant,
    old_saelens_csv_mutant,
    saebench_list_mutant,
    saebench_mutant,
    saelens_csv_mutant,
    saelens_mutant,
    trainers_mutant,
)
from seeds import OFFSET

MAKERS: dict[str, Callable[[Path, Random], Mutant]] = {
    "csv": csv_mutant,
    "excel": excel_mutant,
    "arrow": arrow_mutant,
    "json": records_mutant,
    "wandb": wandb_mutant,
    "wandb trainers": trainers_mutant,
    "saelens": saelens_mutant,
    "saelens csv": saelens_csv_mutant,
    "older saelens csv": old_saelens_csv_mutant,
    "saebench": saebench_mutant,
    "saebench list": saebench_list_mutant,
    "dictionary_learning": dictionary_learning_mutant,
}
SHARES = {"csv": 5, "json": 2}
"""How many mutants of a kind for one of each other kind."""
MUTANTS = int(os.environ.get("HILLFRONT_MUTANTS", "153"))
"""How many in all. ``HILLFRONT_MUTANTS=5000`` looks further, for ten minutes or more."""
SECONDS = 10.0
"""Of the processor, so that a machine with other work does not count."""


def mutant(kind: str, seed: int, folder: Path) -> Mutant:
    """Make one mutant in a folder of its own."""
    folder.mkdir(parents=True)
    return MAKERS[kind](folder, Random(f"{kind}-{seed + 100_000 * OFFSET}"))


def outcome(made: Mutant) -> tuple[str, str]:
    """Read a mutant, and tell whether it was refused, equal, or what went wrong."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FrontierDataWarning)
            table = read_path(made.path).to_frontiers().table
    except Exception as error:
        # Errors of pandas, of Arrow and of codecs are ValueErrors as well, but speak of nothing a user knows.
        own = type(error) in (ValueError, ReadError, FrontierDataError, FileNotFoundError)
        named = isinstance(error, FrontierDataError) or str(made.path.name) in str(error)
        return ("refused" if own and named else "raised"), f"{type(error).__name__}: {error}"
    columns = zip(table["variant"], table["l0"], table["performance_hit"], strict=True)
    read: list[Row] = [(str(variant), float(l0), float(hit)) for variant, l0, hit in columns]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plain = made.plainly()
    except Exception as error:
        return "read, where a plain reading fails", f"{type(error).__name__}: {error}; read as {read}"
    return ("equal" if same(read, plain) else "other rows"), f"read as {read}\nplainly {plain}"


def run(folder: Path, kind: str, seeds: range) -> tuple[Counter[str], float, list[str]]:
    """Count the outcomes of mutants; describe what went wrong, and say how long the slowest took."""
    counts: Counter[str] = Counter()
    slowest, wrong = 0.0, []
    for seed in seeds:
        here = folder / f"m{seed}"
        made = mutant(kind, seed, here)
        start = time.process_time()
        how, what = outcome(made)
        slowest = max(slowest, time.process_time() - start)
        counts[how] += 1
        if how not in ("refused", "equal"):
            wrong.append(f"{kind} {seed} {made.changes}: {how}: {what}")
        shutil.rmtree(here)
    return counts, slowest, wrong


def check(folder: Path, kind: str, seeds: range) -> None:
    counts, slowest, wrong = run(folder, kind, seeds)
    assert not wrong, "\n".join(wrong)
    assert slowest < SECONDS
    if len(seeds) > 100:  # neither all good nor all broken, so that both are tried
        assert min(counts["equal"], counts["refused"]) >= len(seeds) / 10, counts


@pytest.mark.parametrize("kind", MAKERS)
def test_mutants_are_refused_or_read_as_meant(tmp_path: Path, kind: str) -> None:
    each = -(-MUTANTS // sum(SHARES.get(name, 1) for name in MAKERS))
    check(tmp_path, kind, range(each * SHARES.get(kind, 1)))


def test_refused_mutants_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = 0
    for kind in MAKERS:
        refused = (
            (made, tmp_path / f"{kind} {seed}")
            for seed in range(500, 600)
            if outcome(made := mutant(kind, seed, tmp_path / f"{kind} {seed}"))[0] == "refused"
        )
        for (made, folder), _ in zip(refused, range(2), strict=False):
            before = sorted(folder.rglob("*"))
            done = command(
                monkeypatch, capsys, "fit", made.path, "--baseline", "relu", "--out", folder / "results"
            )
            assert (done.status, done.out) == (2, ""), done
            assert "Traceback" not in done.err
            assert made.path.name in done.err or "The table has" in done.err
            assert sorted(folder.rglob("*")) == before
            tried += 1
    assert tried == 2 * len(MAKERS)
