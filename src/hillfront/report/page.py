"""The page: everything that is said of a fit, put into one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from hillfront.estimands.quantities import DEFAULT_AT_L0
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.fits.storage import file_at_once
from hillfront.report.content import (
    data_table,
    diagnostics_table,
    dropped_table,
    factors_table,
    selection_frame_table,
    verdict_table,
    verdicts_of,
)
from hillfront.report.figures import checks_figures, forest_figures, frontier_figures, gain_figures
from hillfront.report.provenance import (
    citations_of,
    code_of,
    options_table,
    priors_table,
    versions_of,
    versions_table,
)
from hillfront.text.summary import correction_lines
from hillfront.utils.interface import as_shown

__all__ = ["report_html", "write_report"]


def report_html(
    fit: FrontierFit,
    *,
    at_hit: float | Sequence[float] | None = None,
    at_l0: float | Sequence[float] = DEFAULT_AT_L0,
    at_nats: float | Sequence[float] = (),
    title: str | None = None,
    source: str = "",
) -> str:
    """Write a fit as one HTML page: verdicts and gains in words, figures, tables, and how it was made.

    The page loads nothing: its style, its script and its figures are inside it, and its security policy
    forbids all else. The same fit gives the same bytes.

    Parameters
    ----------
    fit : FrontierFit
    at_hit, at_l0, at_nats
        Where the gains are taken, as for :meth:`hillfront.FrontierFit.improvement`.
    title : str, optional
        Heading of the page; names the variants if left out.
    source : str
        Name of the file that the fit is saved in, to be shown.

    Returns
    -------
    str
        HTML. A failed diagnostic stands first.

    Raises
    ------
    ValueError
        For a hit, L0 or loss difference that the fit has no quantity for.
    """
    improvement = fit.improvement(at_hit=at_hit, at_l0=at_l0, at_nats=at_nats)
    diagnostics = fit.diagnostics()
    compared = not improvement.summary.empty
    style, script = _packaged("report.css"), _packaged("report.js")
    template = _environment().get_template("report.html.j2")
    return template.render(
        title=_title(fit) if title is None else title,
        style=style,
        script=script,
        policy=_policy(style, script),
        failed=diagnostics.failed,
        verdicts=verdicts_of(fit, improvement),
        corrections=correction_lines(fit) if compared else [],
        design=fit.design,
        data=fit.frontiers,
        warnings=[as_shown(text) for text in fit.frontiers.warnings],
        frontiers=frontier_figures(fit),
        forests=forest_figures(improvement) if compared else None,
        gain_profiles=gain_figures(fit) if compared else None,
        checks=checks_figures(fit),
        verdict_table=verdict_table(improvement, fit.pareto()) if compared else None,
        factors_table=factors_table(improvement) if compared else None,
        selection_table=(
            selection_frame_table(fit, improvement) if compared and fit.design.selected else None
        ),
        diagnostics_table=diagnostics_table(diagnostics),
        data_table=data_table(fit.frontiers),
        dropped_table=dropped_table(fit.frontiers) if len(fit.frontiers.dropped) else None,
        options_table=options_table(fit, source=source),
        priors_table=priors_table(fit),
        versions_table=versions_table(fit),
        code=code_of(fit),
        citations=citations_of(fit.frontiers, version=versions_of(fit)["hillfront"]),
    )


def write_report(
    fit: FrontierFit,
    path: str | Path,
    *,
    at_hit: float | Sequence[float] | None = None,
    at_l0: float | Sequence[float] = DEFAULT_AT_L0,
    at_nats: float | Sequence[float] = (),
    title: str | None = None,
    source: str = "",
    overwrite: bool = False,
) -> Path:
    """Write the report of a fit to an HTML file, whole or not at all; see :func:`report_html`.

    Raises
    ------
    FileExistsError
        If the file is there and ``overwrite`` is False.
    FileNotFoundError
        If there is no folder to write it in.
    ValueError
        For a hit, L0 or loss difference that the fit has no quantity for.
    """
    with file_at_once(Path(path), overwrite=overwrite) as temporary:
        page = report_html(fit, at_hit=at_hit, at_l0=at_l0, at_nats=at_nats, title=title, source=source)
        temporary.write_text(page, encoding="utf-8", newline="\n")
    return Path(path)


def _title(fit: FrontierFit) -> str:
    others = fit.design.variants[1:]
    if not others:
        return f"The frontiers of {fit.baseline}"
    return f"{', '.join(others)} against {fit.baseline}"


def _packaged(name: str) -> str:
    return resources.files(__package__).joinpath("templates", name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Content security policy: nothing but this style and this script, known by their hashes."""
    hashes = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hillfront.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["written"] = "{:.4g}".format
    return environment
