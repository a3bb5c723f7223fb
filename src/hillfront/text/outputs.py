"""The files of one run, all written or none."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hillfront.diagnostics.run import Diagnostics
from hillfront.estimands.comparisons import setting_labels
from hillfront.estimands.improvement import Improvement
from hillfront.estimands.pareto import Pareto
from hillfront.estimands.quantities import DEFAULT_AT_L0
from hillfront.estimands.scopes import SETTING
from hillfront.fits.frontier_fit import FrontierFit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hillfront.fits.compare import CurveComparison

__all__ = [
    "FAILED_FILE",
    "folder_at_once",
    "validate_out",
    "write_comparison",
    "write_outputs",
    "write_tables",
]

FAILED_FILE = "DIAGNOSTICS_FAILED.txt"
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

    Parameters
    ----------
    out : Path
    force : bool
        Whether an earlier result may be replaced.
    own : callable, optional
        Whether a file of this name is the command's own, and may be replaced; by default those of ``fit`` and
        ``compare``.

    Raises
    ------
    FileExistsError, NotADirectoryError
    """
    if out.is_dir() and any(out.iterdir()) and not force:
        raise FileExistsError(f"{out} holds an earlier result. Give another --out, or --force to replace it.")
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"{out} is a file, and the results need a folder. Give another --out.")
    above = next(folder for folder in out.absolute().parents if folder.exists())
    if not above.is_dir():
        raise NotADirectoryError(f"{above} is a file, so {out} cannot be made in it. Give another --out.")
    if force and out.is_dir():
        foreign = sorted(path.name for path in out.iterdir() if not own(path.name))
        if foreign:
            raise FileExistsError(
                f"{out} also holds {', '.join(foreign[:5])}, which hillfront did not write. --force replaces "
                "results only: give another --out."
            )


@contextlib.contextmanager
def folder_at_once(out: Path) -> Iterator[Path]:
    """Give a temporary folder to write in, which becomes ``out`` only if the block ends without an error."""
    with _temporary_beside(out) as folder:
        yield folder
        with _in_place_of(out, folder):
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
    improvement = fit.improvement(at_hit=at_hit, at_l0=at_l0, at_nats=at_nats)
    pareto, diagnostics = fit.pareto(), fit.diagnostics()
    failed = "; ".join(check.name for check in diagnostics.failed)
    with _temporary_beside(out) as folder, _temporary_beside(out) as late:
        write_tables(folder, improvement, pareto, diagnostics)
        if config:
            (folder / "hillfront.toml").write_text(config, encoding="utf-8")
        if fit.design.selected and not improvement.summary.empty:
            selection = fit.selection(at_hit=at_hit, at_l0=at_l0, at_nats=at_nats)
            selection.to_csv(folder / "selection.csv", index=False)
        if len(fit.frontiers.dropped):
            fit.frontiers.dropped.to_csv(folder / "dropped.csv", index=False)
        with _in_place_of(out, folder):
            fit.save(late / "fit.nc")
            _draw(fit, improvement, late, failed)
            for path in late.iterdir():
                path.rename(out / path.name)
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
    from hillfront.plots.checks import plot_checks
    from hillfront.plots.forest import plot_improvement
    from hillfront.plots.frontier import plot_frontiers

    shown, hidden = fit.design.settings[:SETTINGS_DRAWN], fit.design.settings[SETTINGS_DRAWN:]
    note = f"The first {len(shown)} of {len(shown) + len(hidden)} settings." if hidden else ""
    _save(
        plot_frontiers(fit, settings=shown)[0].get_figure(root=True), folder / "frontiers.png", failed, note
    )
    _save(plot_checks(fit)[0].get_figure(root=True), folder / "checks.png", failed)
    if not improvement.summary.empty:
        figure = plot_improvement(_of_settings(improvement, shown)).get_figure(root=True)
        assert figure is not None  # an Axes that was just drawn on has its figure
        _save(figure, folder / "improvement.png", failed, note)


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
    from hillfront.plots.families import plot_families

    failed = comparison.failed
    with folder_at_once(out) as folder:
        comparison.summary.to_csv(folder / "comparison.csv", index=False)
        comparison.gains.to_csv(folder / "gains.csv", index=False)
        if not comparison.curves.empty:
            comparison.curves.to_csv(folder / "left_out_curves.csv", index=False)
        diagnostics = {name: comparison.fits[name].diagnostics() for name in failed}
        _write_failed(
            folder, [f"{name}: {check}" for name, found in diagnostics.items() for check in found.failed]
        )
        figure = plot_families(comparison)[0].get_figure(root=True)
        _save(figure, folder / "families.png", ", ".join(failed))


def _save(figure: Figure, path: Path, failed: str, note: str = "") -> None:
    import matplotlib.pyplot as plt

    from hillfront.plots.axes import save_figure
    from hillfront.plots.style import FigureStyle

    words = "\n".join(part for part in (f"DIAGNOSTICS FAILED: {failed}" if failed else "", note) if part)
    if words:
        style = FigureStyle(width=0.85 * figure.get_figwidth())
        look = {"color": "#b00020", "fontweight": "bold"} if failed else {}
        figure.suptitle(style.text(words, size="figure.titlesize"), **look)
    save_figure(figure, path, dpi=160)
    plt.close(figure)
