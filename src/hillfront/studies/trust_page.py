"""docs/calibration.md: what the studies found, and what it means for a user."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from hillfront.studies.calibration import calibration_table
from hillfront.studies.calibration import verdict_table as reliability_table
from hillfront.studies.coverage import HILLFRONT, coverage_table, verdict_table
from hillfront.studies.design_study import design_table, recommend
from hillfront.studies.figures import plot_calibration, plot_coverage, plot_design
from hillfront.studies.markdown import Report, number, versions
from hillfront.studies.selection_study import selection_summary
from hillfront.studies.simulated import TUNE, with_outcomes
from hillfront.studies.trust import GAIN, SIGMA, Trust
from hillfront.utils.wording import count

__all__ = ["write_trust"]

_POWER = 0.8
_COVERED = (0.86, 0.96)
_SHARE = "{covered:.1%} [{covered_lower:.1%}, {covered_upper:.1%}]"


def write_trust(found: Trust, folder: Path) -> Path:
    """Write calibration.md and its figures; the tables stand beside it as CSV files.

    Returns
    -------
    Path
        Of the page.
    """
    report = Report("Can the numbers be trusted?")
    report.paragraph(
        f"""Written by `make study` from simulated sets of known truth; {found.minutes:.0f} minutes of
        sampling in all, shared by the processes of a machine with {os.cpu_count()} cores. {versions()}. Every
        fit has the defaults of `hillfront.fit` but for its length (4 chains of {TUNE} tuning steps and
        {" or ".join(map(str, found.kept_draws))} draws). Intervals are 90% intervals; brackets behind a share
        are its 90% Wilson interval, which says how far the number of sets lets it be known."""
    )
    _calibration(report, found, folder)
    _coverage(report, found, folder)
    _verdicts(report, found)
    _grid(report, found)
    _departures(report, found)
    _design(report, found, folder)
    _selection(report, found)
    page = folder / "calibration.md"
    page.write_text(report.text(), encoding="utf-8")
    return page


def _calibration(report: Report, found: Trust, folder: Path) -> None:
    report.heading("Calibration: is the posterior what it says it is?")
    table = calibration_table(found.rows["calibration"])
    report.paragraph(
        """Parameters are drawn from the default priors, data of 2 variants x 3 settings x 4 points from the
        model, and the model is fitted to them. If all is right, a true value is one draw more of its
        posterior: its rank among the draws is uniform, and the empirical distribution function of the ranks
        stays inside its band (simultaneous, 95%), which one quantity in twenty leaves by chance. `left out`
        are sets that the data themselves exclude: a curve without a positive hit, or no shared range."""
    )
    inside = ["" if pd.isna(value) else "yes" if value else "**no**" for value in table["inside"]]
    report.frame(
        table.assign(inside=inside, p=table["p"].map(number)),
        "quantity | where | sets | left out | inside the band | p | mean rank | spread | diverged",
        "{quantity} | {where} | {sets} | {left_out} | {inside} | {p} | {mean:.3f} | {spread:.2f} | "
        "{diverged:.1%}",
    )
    plot_calibration(found.rows["calibration"]).savefig(folder / "calibration.png", dpi=160)
    report.image("calibration.png", "Rank ECDFs minus uniform, with 95% bands; and p_better against truth")
    report.paragraph("How often the variant is truly better everywhere, by what `p_better` said:")
    report.frame(
        reliability_table(found.rows["calibration"]),
        "scope | p_better | sets | mean p_better | truly better | 95% interval",
        "{where} | {low:g} to {high:g} | {sets} | {p_better:.3f} | {better:.3f} | [{lower:.3f}, {upper:.3f}]",
    )


def _coverage(report: Report, found: Trust, folder: Path) -> None:
    report.heading("Coverage: do 90% intervals contain a fixed truth?")
    table = coverage_table(found.rows["coverage"])
    table.to_csv(folder / "coverage.csv", index=False)
    main = table[table["gain"] > 1.0]
    report.paragraph(
        """Two variants, 4 points a curve at L0 10 to 200, k 0.9 against 0.8, true gain 2 at a hit of 0.05,
        normal scatter: a truth that the priors know nothing of. `against the oracle` is the mean log width
        of the interval over that of the same model told the true sigma, on the same sets."""
    )
    own = main[main["method"] == HILLFRONT]
    ratio = ["" if pd.isna(value) else f"{value:.2f}" for value in own["log_width_ratio"]]
    report.frame(
        own.assign(log_width_ratio=ratio),
        "settings | sigma | quantity | sets | covered | width | against the oracle | diverged",
        "{settings} | {sigma} | {quantity} | {sets} | " + _SHARE + " | {width:.2f}x | {log_width_ratio} | "
        "{diverged:.1%}",
    )
    report.paragraph(_coverage_in_words(own))
    report.paragraph(
        """Beside it, on the same sets, what one would do otherwise. Sets without an interval are left out of
        a method's share, and counted."""
    )
    rivals = main[main["quantity"] == "mean_sparsity_gain"]
    report.frame(
        rivals.assign(width=rivals["width"].map(number)),
        "settings | sigma | method | covered | width | sets without an interval",
        "{settings} | {sigma} | {method} | " + _SHARE + " | {width}x | {failed}",
    )
    plot_coverage(main).savefig(folder / "coverage.png", dpi=160)
    report.image("coverage.png", "Coverage of 90% intervals, and their widths, by case and method")


def _coverage_in_words(table: pd.DataFrame) -> str:
    """Say how often intervals held the truth, and which cases lie away from 90%."""
    low, high = table["covered"].min(), table["covered"].max()
    text = f"So a 90% interval contained truths like these in {low:.1%} to {high:.1%} of the sets of a case"
    away = table[(table["covered"] < _COVERED[0]) | (table["covered"] > _COVERED[1])]
    bounds = f"{_COVERED[0]:.0%} to {_COVERED[1]:.0%}"
    if away.empty:
        return f"{text}, all inside {bounds}."
    cases = ", ".join(
        f"{row['quantity']} with {count(row['settings'], 'setting')} at sigma {row['sigma']} "
        f"({row['covered']:.1%})"
        for _, row in away.iterrows()
    )
    return (
        f"{text}. Outside {bounds}: {cases}. Above, intervals are wider than they need be; below, treat the "
        "ends of an interval with more caution than its 90% says."
    )


def _verdicts(report: Report, found: Trust) -> None:
    report.heading("Verdicts: how often are they wrong, and how often right?")
    report.paragraph(
        """The verdict on the average over the settings, at the default threshold of 0.95. With a gain of 1
        the curves are identical: `better`, `worse` and `crossing` are wrong."""
    )
    table = verdict_table(found.rows["coverage"])
    table = table[(table["verdict"] != "no shared range") & ((table["count"] > 0) | (table["gain"] == 1.0))]
    report.frame(
        table,
        "settings | sigma | gain | verdict | sets | share",
        "{settings} | {sigma} | {gain} | {verdict} | {sets} | {share:.1%} [{lower:.1%}, {upper:.1%}]",
    )


def _grid(report: Report, found: Trust) -> None:
    report.heading("A grid of cases")
    sizes = found.sizes
    points, settings = (", ".join(map(str, n)) for n in (sizes.grid_points, sizes.grid_settings))
    report.paragraph(
        f"""Points {points}, settings {settings}, sigma 0.03,
        0.1 and 0.3, gains of 1, 1.5 and 3: {sizes.grid} sets of each combination, so each is known badly;
        the table pools them by points and settings."""
    )
    own = found.rows["grid"][found.rows["grid"]["method"] == HILLFRONT]
    pooled = with_outcomes(own).groupby(["points", "settings", "quantity"])["inside"].agg(["count", "mean"])
    report.frame(
        pooled.reset_index(),
        "points | settings | quantity | sets | covered",
        "{points} | {settings} | {quantity} | {count} | {mean:.1%}",
    )


def _departures(report: Report, found: Trust) -> None:
    report.heading("Where the sets are not as the model supposes")
    report.paragraph(
        """4 points, sigma 0.1, gain 2. `heavy-tails`: Student t scatter with 3 degrees of freedom;
        `outliers`: 5% of the SAEs with ten times the scatter; `additive`: noise of 0.003 on the hit itself;
        `wrong-family`: the truth is a power law; `dense-limit`: hits vanish at L0 = 512. Hill curves without
        a dense limit are fitted to all."""
    )
    table = coverage_table(found.rows["departures"])
    report.frame(
        table.assign(width=table["width"].map(number)),
        "noise | settings | quantity | method | sets | covered | width",
        "{noise} | {settings} | {quantity} | {method} | {sets} | " + _SHARE + " | {width}x",
    )


def _design(report: Report, found: Trust, folder: Path) -> None:
    report.heading("How many SAEs does a comparison need?")
    table = design_table(found.rows["design"])
    table.to_csv(folder / "design.csv", index=False)
    report.paragraph(
        f"""To find a true gain of {GAIN} at a scatter of {SIGMA}, with a power of {_POWER:.0%}:
        {recommend(table, power=_POWER).text} {count(found.sizes.design, "set")} of each case; design.csv
        has them all. For another gain, scatter or target: `hillfront study design`."""
    )
    plot_design(table, power=_POWER).savefig(folder / "design.png", dpi=160)
    report.image("design.png", "Power and interval width against the number of SAEs to train")
    predicted = design_table(found.rows["check"]).iloc[0]
    same_case = "settings == 3 and sigma == 0.1 and gain == 2.0 and verdict == 'better'"
    seen = verdict_table(found.rows["coverage"]).query(same_case).iloc[0]
    report.paragraph(
        f"""A check of the design study on a case of the coverage study (3 settings, 4 points, sigma 0.1, gain
        2), from seeds of its own: it predicts `better` in {predicted["power"]:.1%} of {predicted["sets"]:g}
        sets; the coverage study found {seen["share"]:.1%} of {seen["sets"]:g}."""
    )


def _selection(report: Report, found: Trust) -> None:
    report.heading("What fitting only Pareto-optimal SAEs does")
    report.paragraph(
        """Two identical variants of which not equally many SAEs were trained, at L0 spread evenly in log L0;
        only the Pareto-optimal ones were kept. `bias` is the geometric mean of the estimated mean sparsity
        gain, 1 if right, with its standard error. `sigma` is its posterior median over the truth.
        `with n_trained`: the fit knows how many were trained; `half of n_trained`: it is given half."""
    )
    table = selection_summary(found.rows["selection"])
    report.frame(
        table.assign(decided=table["better"] + table["worse"]),
        "trained | sigma | method | SAEs a set | bias | covered | `better` or `worse` | sigma found",
        "{trained_baseline} and {trained_variant} | {sigma} | {method} | {kept:.1f} | "
        "{bias:.3f} ({bias_se:.3f}) | {covered:.0%} | {decided:.0%} | {sigma_share:.2f}",
    )
    if len(found.rows["packaged"]):
        report.paragraph(
            """The same on real SAEs: the packaged table of a model, with all that were trained; with the
            Pareto-optimal ones of each curve as if they were all; and with these and their number. The means
            are over the range that the fitted SAEs share, which is not quite the same for all three."""
        )
        report.frame(
            found.rows["packaged"],
            "model | method | SAEs | mean sparsity gain, average | sigma",
            "{model} | {method} | {saes} | {median:.2f} [{lower:.2f}, {upper:.2f}] | {sigma:.3f}",
        )
    report.paragraph(
        """What a handful of kept SAEs cannot tell: how many were trained (which the fit must be given),
        whether they were spread evenly, and, with four or five of them, the scatter, on which the size of the
        correction rests; there the prior on sigma decides much of it."""
    )
