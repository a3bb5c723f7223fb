"""One run of one rival on one case, from the start of its process to its table."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, today
from benchmarks.processes import caches, timed_run
from benchmarks.records import Record, append_record, has_record, read_records

__all__ = [
    "HILLFRONT",
    "RIVALS",
    "Settings",
    "add_options",
    "contest",
    "here",
    "settings_key",
    "settings_of",
]

ROOT = Path(__file__).resolve().parents[1]
HILLFRONT = "hillfront"
TABLE = "improvement.csv"
TIMED_ONCE = "scale"
"""The benchmark whose large fits are not run again for their phases."""

RIVALS = {
    HILLFRONT: "`hillfront fit`, which also draws its figures and runs its checks",
    "reference-nutpie": "hillfront's posterior written plainly in PyMC, nutpie",
    "pymc-nutpie": "the obvious PyMC program, nutpie",
    "pymc-nuts": "the obvious PyMC program, PyMC's NUTS",
    "numpyro": "the same model written in NumPyro",
    "curve-fit": "scipy's curve_fit, bootstrap",
}
_MODULES = {
    "reference-nutpie": "reference",
    "pymc-nutpie": "pymc_nutpie",
    "pymc-nuts": "pymc_nuts",
    "numpyro": "numpyro_nuts",
    "curve-fit": "curve_fit",
}


@dataclass(frozen=True)
class Settings:
    """How rivals sample; the defaults are PyMC's and hillfront's.

    Attributes
    ----------
    draws, tune, chains, resamples : int
        Draws and tuning steps a chain, chains, and resamples of the bootstrap.
    cache : str
        ``warm``: what the compilers kept from earlier runs is there; ``empty``: it is not.
    """

    draws: int = 1000
    tune: int = 1000
    chains: int = 4
    resamples: int = 1000
    cache: str = "warm"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every contest has."""
    default = Settings()
    parser.add_argument("--work", type=Path, default=Path("bench-work"), help="folder of the records")
    parser.add_argument("--rivals", nargs="+", choices=list(RIVALS), default=list(RIVALS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--draws", type=int, default=default.draws)
    parser.add_argument("--tune", type=int, default=default.tune)
    parser.add_argument("--chains", type=int, default=default.chains)
    parser.add_argument("--resamples", type=int, default=default.resamples)
    parser.add_argument("--cache", choices=["warm", "empty"], default=default.cache)
    parser.add_argument(
        "--numpyro-python", default=sys.executable, help="interpreter that NumPyro is installed for"
    )


def settings_of(options: argparse.Namespace) -> Settings:
    """Read the settings of a contest from the options."""
    return Settings(options.draws, options.tune, options.chains, options.resamples, options.cache)


def settings_key(record: Record) -> tuple[object, ...]:
    """Return what a record was measured with: runs are compared only with those of the same options."""
    return tuple(record[field.name] for field in fields(Settings))


def contest(
    benchmark: str,
    case: str,
    rival: str,
    repeat: int,
    sampler_options: Settings,
    *,
    work: Path,
    python: str | None = None,
) -> None:
    """Measure one run and add its record, unless it is there.

    Parameters
    ----------
    benchmark, case, rival : str
    repeat : int
    sampler_options : Settings
    work : Path
        Folder of the records.
    python : str, optional
        Interpreter of the rival, this one by default.
    """
    python = python or sys.executable
    key = {"benchmark": benchmark, "case": case, "rival": rival, "repeat": repeat, **asdict(sampler_options)}
    if has_record(read_records(work), **key):
        return
    data = work / "cases" / f"{case}.csv"
    if not data.is_file():
        _module("cases", case, str(data))
    with tempfile.TemporaryDirectory(prefix="hillfront-bench-") as folder:
        out = Path(folder) / "out"
        with caches(sampler_options.cache) as environment:
            if rival == HILLFRONT:
                fit = _hillfront(data, out, sampler_options)
                # A failed diagnostic has status 1: done, and written.
                run = timed_run(
                    [python, "-m", "hillfront", *fit],
                    environment=here(environment),
                    allowed=(0, 1),
                    watched=out / TABLE,
                )
            else:
                command = [python, "-m", f"benchmarks.rivals.{_MODULES[rival]}", str(data), str(out)]
                for name in ("draws", "tune", "chains", "resamples"):
                    command += [f"--{name}", str(getattr(sampler_options, name))]
                run = timed_run(command, environment=here(environment), watched=out / TABLE)
        if rival == HILLFRONT and benchmark != TIMED_ONCE:
            phases = _hillfront_phases(data, Path(folder), sampler_options, python)
        elif rival == HILLFRONT:
            phases = {}
        else:
            phases = json.loads((out / "phases.json").read_text(encoding="utf-8"))
        judgement = json.loads(_module("judging", str(data), str(out)))
    record: dict[str, Any] = {
        **key,
        **asdict(run),
        **judgement,
        "phases": phases,
        "machine": machine(),
        "versions": json.loads(_module("machine", python=python)),
        "date": today(),
    }
    if judgement.get("ess"):
        assert run.to_table is not None  # it was judged
        record["ess_per_second"] = judgement["ess"] / run.to_table
        sampling = phases.get("sampling")
        record["ess_per_sampling_second"] = judgement["ess"] / sampling if sampling else None
    append_record(work / f"{benchmark}.jsonl", record)


def _hillfront(data: Path, out: Path, sampler_options: Settings) -> list[str]:
    options = ["--baseline", "baseline", "--group", "setting", "--out", str(out), "--quiet"]
    for name in ("draws", "tune", "chains"):
        options += [f"--{name}", str(getattr(sampler_options, name))]
    return ["fit", str(data), *options]


def _hillfront_phases(data: Path, folder: Path, sampler_options: Settings, python: str) -> Any:
    """Seconds of each phase, from a run of its own, so that the one that counts has no stopwatch in it."""
    path = folder / "phases.json"
    with caches(sampler_options.cache) as environment:
        command = [python, "-m", "benchmarks.timed_hillfront", str(path)]
        timed_run(
            [*command, *_hillfront(data, folder / "again", sampler_options)],
            environment=here(environment),
            allowed=(0, 1),
        )
    return json.loads(path.read_text(encoding="utf-8"))


def here(environment: dict[str, str]) -> dict[str, str]:
    """Environment, with more in it, in which the benchmarks and this checkout's package are found."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    return {**environment, "PYTHONPATH": paths, "MPLBACKEND": "Agg"}


def _module(name: str, *arguments: str, python: str = sys.executable) -> str:
    done = subprocess.run(
        [python, "-m", f"benchmarks.{name}", *arguments],
        env={**os.environ, **here({})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"benchmarks.{name} failed on {', '.join(arguments)}:\n{done.stderr[-2000:]}")
    return done.stdout
