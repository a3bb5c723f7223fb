"""The files of one run, all written or none."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from hillfront.diagnostics.run import Diagnostics
from hillfront.estimands.comparisons import setting_labels
from hillfront.estimands.improvement import Improvement
from hillfront.estimands.pareto import Pareto
from hillfront.estimands.quantities import DEFAULT_AT_L0
from hillfront.estimands.scopes import SETTING
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.fits.storage import disk_errors_named
from hillfront.utils.wording import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hillfront.fits.compare import CurveComparison

__all__ = [
    "FAILED_FILE",
    "folder_at_once",
    "held",
    "reserved",
    "validate_out",
    "write_comparison",
    "write_outputs",
    "write_tables",
]

FAILED_FILE = "DIAGNOSTICS_FAILED.txt"
_LEAST_FREE: Final = 10_000_000
"""Bytes that a disk must have left before a run begins."""
SETTINGS_DRAWN: Final = 24
"""Panels of a figure that can still be looked at; the tables hold every setting."""


_OWN_FILES = frozenset(
    {
        "fit.nc",
        "improvement.csv",
        "pareto.csv",
        "diagnostics.csv",
        "dropped.csv",
        "selection.csv",
        "frontiers.png",
        "improvement.png",
        "checks.png",
        "hillfront.toml",
        "comparison.csv",
        "gains.csv",
        "left_out_curves.csv",
        "families.png",
        FAILED_FILE,
    }
)


def validate_out(out: Path, *, force: bool, own: Callable[[str], bool] = _OWN_FILES.__contains__) -> None:
    """Refuse, before any work is done, an output folder that would be overwritten or cannot be made.

    By force an earlier result may be replaced, if the names of all files in it are the command's own: by
    default those of ``fit`` and ``compare``.
    """
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"{out} is a file, and the results need a folder. Give another --out.")
    _validate_above(out)
    if not out.is_dir():
        return
    within = Path("results") if out == Path() else out / "results"
    foreign = sorted(path.name for path in out.iterdir() if not own(path.name))
    if foreign:
        only = "--force replaces results only: give" if force else "Give"
        raise FileExistsError(
            f"{out} holds {shorten(foreign)}, which hillfront did not write. {only} another --out, such as "
            f"{within}."
        )
    if os.path.ismount(out) or Path.cwd().is_relative_to(out.resolve()):
        # Such a folder cannot change places with the one that was written.
        why = "is a disk of its own" if os.path.ismount(out) else "is the folder that you are in, or above it"
        raise FileExistsError(f"{out} {why}. Give a folder in it as --out, such as {within}.")
    if any(out.iterdir()) and not force:
        raise FileExistsError(f"{out} holds an earlier result. Give another --out, or --force to replace it.")


@contextlib.contextmanager
def reserved(
    out: Path, *, force: bool, own: Callable[[str], bool] = _OWN_FILES.__contains__
) -> Iterator[None]:
    """Keep an output folder for one run, from before its work until it is written.

    Parameters
    ----------
    out, force, own
        As for `validate_out`.

    Raises
    ------
    OSError
        If the folder cannot be written, would be overwritten, or another run is writing to it.
    """
    with held(out):
        validate_out(out, force=force, own=own)
        yield


@contextlib.contextmanager
def held(out: Path) -> Iterator[None]:
    """Hold a file or a folder for one run, by a lock beside it that the system takes away if the run dies.

    Raises
    ------
    BlockingIOError
        If another run holds it.
    OSError
        If nothing can be written there, or the block met an error of the disk; the message says what to do.
    """
    _validate_above(out)
    above = out.resolve().parent
    made = [folder for folder in (above, *above.parents) if not folder.exists()]
    with contextlib.ExitStack() as stack:
        with disk_errors_named(out):
            for folder in reversed(made):
                folder.mkdir(exist_ok=True)
                stack.callback(_remove_if_empty, folder)
            stack.enter_context(_locked(above / f".{out.resolve().name}.lock", out))
            free = shutil.disk_usage(above).free
        if free < _LEAST_FREE:
            raise OSError(
                f"{out} cannot be written: its disk has {free / 1e6:.1f} MB left, and a result may take "
                f"{_LEAST_FREE / 1e6:.0f}. Free some space, or give an --out on another disk."
            )
        yield


@contextlib.contextmanager
def _locked(path: Path, out: Path) -> Iterator[None]:
    """Hold the lock of a file, which is made for it and taken away again."""
    file = _open_locked(path)
    if file is None:
        raise BlockingIOError(
            f"Another run of hillfront is writing to {out}. Wait until it has ended, or give another --out."
        )
    try:
        yield
    finally:
        # Windows removes no open file, and elsewhere nobody may lock a file that is about to go.
        for step in (path.unlink, file.close, partial(path.unlink, missing_ok=True)):
            with contextlib.suppress(OSError):
                step()


def _open_locked(path: Path) -> IO[bytes] | None:
    """Open a file and lock it, or return None where another process has."""
    while True:
        file = path.open("ab")
        if not _lock(file):
            file.close()
            return None
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # the run that had it took it away in between


def _lock(file: IO[bytes]) -> bool:
    """Lock an open file unless it is locked; a disk without locks counts as free."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


def _validate_above(out: Path) -> None:
    """Refuse a place below a file."""
    above = next(folder for folder in out.absolute().parents if folder.exists())
    if not above.is_dir():
        raise NotADirectoryError(f"{above} is a file, so {out} cannot be made in it. Give another --out.")


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


@contextlib.contextmanager
def folder_at_once(out: Path) -> Iterator[Path]:
    """Give a temporary folder to write in, which becomes ``out`` only if the block ends without an error."""
    place = out.resolve()  # a link keeps leading to its folder
    with disk_errors_named(out), _temporary_beside(place) as folder:
        yield folder
        with _in_place_of(place, folder):
            pass


@contextlib.contextmanager
def _temporary_beside(out: Path) -> Iterator[Path]:
    """Make a folder to write in, on the same disk."""
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def _in_place_of(out: Path, folder: Path) -> Iterator[None]:
    """Put a folder where ``out`` is, and what was there back if the block ends with an error."""
    folder.chmod(0o755)
    with _temporary_beside(out) as earlier:
        if out.exists():
            out.rename(earlier / out.name)
        try:
            folder.rename(out)
            yield
        except BaseException:
            shutil.rmtree(out, ignore_errors=True)
            if (earlier / out.name).exists():
                (earlier / out.name).rename(out)
            raise


def write_outputs(
    fit: FrontierFit,
    out: Path,
    *,
    at_hit: float | Sequence[float] | None = None,
    at_l0: float | Sequence[float] = DEFAULT_AT_L0,
    at_nats: float | Sequence[float] = (),
    config: str = "",
) -> tuple[Improvement, Pareto]:
    """Write every table and figure of a fit to ``out``, replacing what is there.

    Writes fit.nc, improvement.csv, pareto.csv, diagnostics.csv, frontiers.png, improvement.png and
    checks.png; dropped.csv where faulty rows were dropped; selection.csv, with and without the correction,
    where the table says how many SAEs were trained; hillfront.toml, if its text is given as ``config``; and,
    where a diagnostic failed, a file that says so, and marked figures. The tables can be read while the
    figures are drawn; if that fails or is interrupted, all of them go.
    """
    place = out.resolve()  # a link keeps leading to its folder
    improvement = fit.improvement(at_hit=at_hit, at_l0=at_l0, at_nats=at_nats)
    pareto, diagnostics = fit.pareto(), fit.diagnostics()
    failed = "; ".join(check.name for check in diagnostics.failed)
    with (
        disk_errors_named(out),
        _temporary_beside(place) as folder,
        _temporary_beside(place) as late,
    ):
        write_tables(folder, improvement, pareto, diagnostics)
        if config:
            (folder / "hillfront.toml").write_text(config, encoding="utf-8")
        if fit.design.selected and not improvement.summary.empty:
            selection = fit.selection(at_hit=at_hit, at_l0=at_l0, at_nats=at_nats)
            selection.to_csv(folder / "selection.csv", index=False)
        if len(fit.frontiers.dropped):
            fit.frontiers.dropped.to_csv(folder / "dropped.csv", index=False)
        with _in_place_of(place, folder):
            fit.save(late / "fit.nc")
            _draw(fit, improvement, late, failed)
            for path in late.iterdir():
                path.rename(place / path.name)
    return improvement, pareto


def write_tables(folder: Path, improvement: Improvement, pareto: Pareto, diagnostics: Diagnostics) -> None:
    """Write the three tables of a fit and, where a diagnostic failed, a file that says so."""
    improvement.summary.to_csv(folder / "improvement.csv", index=False)
    pareto.summary.to_csv(folder / "pareto.csv", index=False)
    diagnostics.summary.to_csv(folder / "diagnostics.csv", index=False)
    _write_failed(folder, diagnostics.failed)


def _write_failed(folder: Path, failed: Iterable[object]) -> None:
    lines = [str(check) for check in failed]
    if lines:
        text = "\n".join(["Do not report these results.", *lines, ""])
        (folder / FAILED_FILE).write_text(text, encoding="utf-8")


def _draw(fit: FrontierFit, improvement: Improvement, folder: Path, failed: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from hillfront.plots import plot_checks, plot_frontiers, plot_improvement

    settings = fit.design.settings
    shown = settings[:SETTINGS_DRAWN]
    note = f"The first {len(shown)} of {len(settings)} settings." if len(shown) < len(settings) else ""
    _save(plot_frontiers(fit, settings=shown)[0], folder / "frontiers.png", failed, note)
    _save(plot_checks(fit)[0], folder / "checks.png", failed)
    if not improvement.summary.empty:
        axis = plot_improvement(_of_settings(improvement, shown))
        _save(axis, folder / "improvement.png", failed, note)


def _of_settings(improvement: Improvement, settings: Sequence[str]) -> Improvement:
    """Keep these settings, and what is said of all together."""
    draws, table = improvement.draws, improvement.summary
    keep = draws["setting"][(draws["scope"] != SETTING) | draws["setting"].isin(settings)]
    return replace(
        improvement,
        summary=table[setting_labels(table).isin(keep.to_numpy())],
        draws=draws.sel(setting=keep),
        support=improvement.support.sel(setting=keep),
    )


def write_comparison(comparison: CurveComparison, out: Path) -> None:
    """Write comparison.csv, gains.csv, families.png and, if curves were left out, left_out_curves.csv."""
    import matplotlib

    matplotlib.use("Agg")
    from hillfront.plots import plot_families

    failed = comparison.failed
    with folder_at_once(out) as folder:
        comparison.summary.to_csv(folder / "comparison.csv", index=False)
        comparison.gains.to_csv(folder / "gains.csv", index=False)
        if not comparison.curves.empty:
            comparison.curves.to_csv(folder / "left_out_curves.csv", index=False)
        checks = [
            f"{name}: {check}" for name in failed for check in comparison.fits[name].diagnostics().failed
        ]
        _write_failed(folder, checks)
        _save(plot_families(comparison)[0], folder / "families.png", ", ".join(failed))


def _save(axis: Axes, path: Path, failed: str, note: str = "") -> None:
    import matplotlib.pyplot as plt

    from hillfront.plots.axes import figure_of, save_figure
    from hillfront.plots.style import FigureStyle

    figure = figure_of(axis)
    words = "\n".join(part for part in (f"DIAGNOSTICS FAILED: {failed}" if failed else "", note) if part)
    if words:
        style = FigureStyle(width=0.85 * figure.get_figwidth())
        look = {"color": "#b00020", "fontweight": "bold"} if failed else {}
        figure.suptitle(style.text(words, size="figure.titlesize"), **look)
    save_figure(figure, path, dpi=160)
    plt.close(figure)
