"""The runner of studies: independent tasks, on one core, several, or a cluster, resumed where they stopped.

Every finished task is a line of a file at once, so a killed study goes on where it was. A task's seed is
its own, so the table depends neither on the number of workers nor on the order in which they finish.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NotRequired, TypedDict

import pandas as pd

from hillfront.utils.interface import argument

__all__ = ["RunOptions", "Task", "cluster", "run", "run_cases", "task_seed", "tasks_of"]

type Case = Mapping[str, Any]
type Rows = list[dict[str, Any]]


class RunOptions(TypedDict):
    """Where and how a study runs: keyword arguments of every study, see :func:`run` and :func:`tasks_of`."""

    work: Path
    workers: NotRequired[int]
    random_seed: NotRequired[int]
    progressbar: NotRequired[bool]


# What bad data or a stuck sampler may raise in one fit; anything else is a fault of the study and stops it.
_FAILURES: Final = (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True)
class Task:
    """One unit of a study.

    Attributes
    ----------
    case : mapping of str to str, int or float
        What it simulates, and columns of its rows.
    set_index : int
        Number of its simulated set within the case.
    random_seed : int
        Its own, from :func:`task_seed`.
    """

    case: Case
    set_index: int
    random_seed: int

    @property
    def key(self) -> str:
        """Name that the same task has in every run."""
        return json.dumps([dict(self.case), self.set_index, self.random_seed], sort_keys=True)


def task_seed(study: str, case: Case, set_index: int, *, random_seed: int) -> int:
    """Return the seed of a task, from names and numbers alone.

    Examples
    --------
    >>> one = {"study": "coverage", "case": {"points": 4}, "set_index": 0}
    >>> task_seed(**one, random_seed=1) == task_seed(**one, random_seed=1)
    True
    """
    text = json.dumps([study, dict(case), set_index, random_seed], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def tasks_of(study: str, cases: Iterable[Case], *, sets: int, random_seed: int) -> list[Task]:
    """Return the tasks of a study that simulates so many sets of each case."""
    return [
        Task(case, index, task_seed(study, case, index, random_seed=random_seed))
        for case in cases
        for index in range(sets)
    ]


def run_cases(
    study: str,
    function: Callable[[Task], Rows],
    cases: Iterable[Case],
    *,
    sets: int,
    random_seed: int = 1,
    work: Path,
    workers: int = 1,
    progressbar: bool = False,
) -> pd.DataFrame:
    """Run a study that simulates so many sets of each case; see :func:`run`.

    Raises
    ------
    ValueError
        For fewer than one set or worker.
    """
    if sets < 1 or workers < 1:
        raise ValueError(f"{argument('sets', sets)}, {argument('workers', workers)}: give 1 or more of each.")
    tasks = tasks_of(study, cases, sets=sets, random_seed=random_seed)
    return run(function, tasks, work=work, workers=workers, progressbar=progressbar)


def run(
    function: Callable[[Task], Rows],
    tasks: Sequence[Task],
    *,
    work: Path,
    workers: int = 1,
    progressbar: bool = False,
) -> pd.DataFrame:
    """Run every task that a work file does not have yet, and return the rows of all.

    Parameters
    ----------
    function : callable
        From a task to its rows; a function of a module, so that other processes find it.
    tasks : sequence of Task
    work : Path
        File of finished tasks, one line each; made if it is not there.
    workers : int
        Processes; those of a cluster under :func:`cluster`.
    progressbar : bool
        Whether to show a progress bar with the time left, on standard error.

    Returns
    -------
    pandas.DataFrame
        The rows in the order of the tasks: the case's columns, ``set_index``, ``random_seed``, ``seconds``,
        those of the function, and ``error``, the reason where a task failed (else empty).
    """
    from rich.console import Console
    from rich.progress import track

    work.parent.mkdir(parents=True, exist_ok=True)
    done = _finished(work)
    todo = [task for task in tasks if task.key not in done]
    bar = partial(track, total=len(tasks), completed=len(tasks) - len(todo), disable=not progressbar)
    with work.open("a", encoding="utf-8") as file:
        for record in bar(_results(function, todo, workers), "fits", console=Console(stderr=True)):
            done[record["key"]] = record
            file.write(json.dumps(record) + "\n")
            file.flush()
    rows = []
    for task in tasks:
        record = done[task.key]
        about = {"set_index": task.set_index, "random_seed": task.random_seed, "seconds": record["seconds"]}
        found = record["rows"] or [{}]
        rows += [{**task.case, **about, **row, "error": record["error"]} for row in found]
    return pd.DataFrame(rows)


def _finished(work: Path) -> dict[str, dict[str, Any]]:
    """Read the records of a work file, and cut away a last line that a kill left unfinished."""
    if not work.is_file():
        return {}
    text = work.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        work.write_text(whole, encoding="utf-8")
    records = [json.loads(line) for line in whole.splitlines()]
    return {record["key"]: record for record in records}


def _results(
    function: Callable[[Task], Rows], tasks: Sequence[Task], workers: int
) -> Iterator[dict[str, Any]]:
    from joblib import Parallel, delayed

    with warnings.catch_warnings():
        # Compiling a model makes a process grow, which joblib takes for a leak: it starts another in its
        # place and gives it the task. As an error, its warning would end the thread that waits for results.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs", category=UserWarning)
        # Unordered, so that every finished task is kept at once.
        yield from Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1)(
            delayed(_attempt)(function, task) for task in tasks
        )


def _attempt(function: Callable[[Task], Rows], task: Task) -> dict[str, Any]:
    """Run one task; a failure is a record with its reason."""
    start = time.perf_counter()
    rows: Rows = []
    error = ""
    try:
        rows = function(task)
    except _FAILURES as failure:
        error = "".join(traceback.format_exception_only(failure)).strip()
    return {"key": task.key, "rows": rows, "error": error, "seconds": round(time.perf_counter() - start, 3)}


@contextlib.contextmanager
def cluster(address: str | None) -> Iterator[int | None]:
    """Run what is inside on a Dask cluster; None runs it here.

    Yields
    ------
    int or None
        Number of the cluster's workers.

    Raises
    ------
    ModuleNotFoundError
        If dask is not installed.
    """
    if address is None:
        yield None
        return
    import joblib

    try:
        from dask.distributed import Client
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "A Dask cluster needs dask.distributed. Install it by: pip install 'hillfront[dask]'"
        ) from error
    client = Client(address)  # type: ignore[no-untyped-call]
    with client, joblib.parallel_config(backend="dask"):
        yield sum(client.nthreads().values())  # type: ignore[no-untyped-call]
