"""The numbers of the source post, by least squares as there and by posterior, with a verdict in words.

The post "How to Better Report Sparse Autoencoder Performance" reads the tables of Rajamanoharan et al.
(2024), which ship with this package. ``make reproduction`` writes docs/reproduction.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from hillfront.curves.families import FAMILIES
from hillfront.fits.compare import CurveComparison
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.plots import plot_families
from hillfront.studies.markdown import Report, interval, interval_of, number, versions
from hillfront.studies.post_cases import BASELINE, LAYER, SITES, VARIANT, Cases, cases, fit_cases
from hillfront.utils.intervals import equal_tailed

__all__ = ["write_reproduction"]

SURE, UNLIKELY = 0.95, 0.05
MEANS = ("mean_sparsity_gain", "mean_hit_reduction")
CLAIMS = (("x_half_ratio", 5.0, 6.0), ("k_ratio", 1.2, 1.4))
"""Factors by which x_half rises and k falls, by the post."""


def write_reproduction(out: Path, *, draws: int = 4000, random_seed: int = 1) -> list[str]:
    """Write ``reproduction.md`` and ``reproduction.png`` into a folder.

    Parameters
    ----------
    out : Path
        Folder, which must exist.
    draws, random_seed : int
        Of every fit.

    Returns
    -------
    list of str
        Diagnostics that failed, in words.
    """
    fitted, comparisons = fit_cases(cases(), draws=draws, random_seed=random_seed)
    report = Report("What of the source post stands")
    report.paragraph(
        """The post "How to Better Report Sparse Autoencoder Performance" fits curves by least squares to
        tables of Rajamanoharan et al. (2024) and reports single numbers. Below, each stands beside its
        least-squares figure, computed again here, and the posterior of this package: median and 90%
        interval, each site of layer 20 of Gemma-7B on its own, default priors, a star where the quantity
        is extrapolated beyond what both frontiers observed. A claim *stands* at a posterior probability of
        0.95 or more, *does not stand* at 0.05 or less, and is *open* between. This page is made by `make
        reproduction`."""
    )
    _in_short(report, fitted)
    _straight_lines(report, fitted)
    _hill_parameters(report, fitted)
    _selection(report, fitted)
    _families(report, fitted, comparisons)
    _steep_shapes(report, fitted)
    _four_points(report, fitted)
    failed = [
        f"{site}, {points} points, {curve}: {check}"
        for (site, points), case in fitted.items()
        for curve, fit in case.fits.items()
        for check in fit.diagnostics().failed
    ]
    report.heading("Diagnostics")
    report.paragraph(
        f"4 chains of {draws} draws, seed {random_seed}; {versions()}. "
        + (
            "These checks failed; do not rely on their rows:"
            if failed
            else "Every fit behind this page passed its checks."
        )
    )
    report.items(failed)
    _figure(comparisons, out / "reproduction.png")
    (out / "reproduction.md").write_text(report.text(), encoding="utf-8")
    return failed


def _posterior(fit: FrontierFit, quantity: str) -> str:
    """Write the median and interval of a quantity on average."""
    summary = fit.improvement().summary
    return interval_of(summary[(summary["scope"] == "average") & (summary["quantity"] == quantity)].iloc[0])


def _verdict(fit: FrontierFit) -> str:
    return str(fit.pareto().summary["verdict"].iloc[0])


def _claim(fit: FrontierFit, quantity: str, *, low: float, high: float | None = None) -> tuple[str, str]:
    """Return the probability of a claim, and what that comes to."""
    check = fit.check_claim(quantity, low=low, high=high)
    p = check.probability
    word = "stands" if p >= SURE else "does not stand" if p <= UNLIKELY else "open"
    return f"{p:.2f}", word + (", by extrapolation" if check.support == "extrapolated" else "")


def _in_short(report: Report, fitted: Cases) -> None:
    """Say what stands, site by site, in words that follow from the numbers."""
    optimal = {site: fitted[site, "Pareto"] for site in SITES}
    slopes = []
    for curve in ("linear", "proportional"):
        p, word = _claim(optimal["resid"].fits[curve], "slope_ratio", low=2.7)
        slopes.append(f"as a ratio of {curve} slopes it {_is(word)} (P = {p})")
    texts = [f"**2.7x**, by family: {'; '.join(slopes)}."]
    for name, move, (quantity, low, high) in zip(
        ("**x_half up**", "**k down**"), ("a rise", "a fall"), CLAIMS, strict=True
    ):
        found = []
        for site, case in optimal.items():
            p, word = _claim(case.fits["hill"], quantity, low=1.0)
            inside, _ = _claim(case.fits["hill"], quantity, low=low, high=high)
            between = f"{low:g} to {high:g}"
            found.append(f"{site}: {move} {_is(word)} (P = {p}), one by {between} has P = {inside}")
        texts.append(f"{name}. {'; '.join(found)}.")
    for points in ("Pareto", "all"):
        verdicts = ", ".join(f"{site} {_verdict(fitted[site, points].fits['hill'])}" for site in SITES)
        texts.append(f"**Pareto-better** over the shared range ({points} points, Hill): {verdicts}.")
    report.heading("In short")
    report.items(texts)


def _is(word: str) -> str:
    return f"is {word}" if word.startswith("open") else word


def _straight_lines(report: Report, fitted: Cases) -> None:
    case = fitted["resid", "Pareto"]
    rows = []
    for curve in ("linear", "proportional"):
        fit = case.fits[curve]
        lower, found, upper = case.least_squares_ratio(curve, "slope_ratio")
        posterior = (_posterior(fit, "slope_ratio"), *_claim(fit, "slope_ratio", low=2.7))
        rows.append((curve, FAMILIES[curve].equation, number(found), interval(lower, upper), *posterior))
    report.heading('"2.7x": a ratio of slopes, residual stream of layer 20')
    report.table(
        ("family", "curve", "least squares", "Wald 90%", "posterior", "P(at least 2.7)", "verdict"), rows
    )
    gain, reduction = (_posterior(case.fits["hill"], quantity) for quantity in MEANS)
    report.paragraph(
        f"""The post's figure is the ratio of two slopes on {case.sizes} Pareto points, with an intercept;
        through the origin it is another. What readers take it for has names of its own: at the same
        sparsity the hit is {reduction} times smaller (a mean over the sparsities that both observed), and
        at the same hit the gated SAEs need {gain} times fewer active latents, both under the Hill curve."""
    )


def _hill_parameters(report: Report, fitted: Cases) -> None:
    rows = []
    for site in SITES:
        case = fitted[site, "Pareto"]
        fit = case.fits["hill"]
        for quantity, low, high in CLAIMS:
            _, found, _ = case.least_squares_ratio("hill", quantity)
            about = (site, case.sizes, quantity, number(found), _posterior(fit, quantity))
            claims = (*_claim(fit, quantity, low=low, high=high), *_claim(fit, quantity, low=1.0))
            rows.append((*about, f"{low:g} to {high:g}", *claims))
    report.heading('"x_half up 5-6x, k down 1.3x" for residual stream, attention and MLP')
    headings = ("site", "SAEs", "quantity", "least squares", "posterior", "claim")
    report.table((*headings, "P(claim)", "verdict", "P(above 1)", "verdict"), rows)
    report.paragraph(
        """x_half is the sparsity at a hit of one half, beyond nearly all of these SAEs, so its ratio is an
        extrapolation wherever a star says so. It trades off against k: of two curves through the same
        points, the steeper reaches one half sooner. The gains over the observed range, below, do not
        depend on it."""
    )


def _selection(report: Report, fitted: Cases) -> None:
    quantities = ("x_half_ratio", "k_ratio", *MEANS)
    rows = []
    for site in SITES:
        for points in ("Pareto", "all"):
            case = fitted[site, points]
            fit = case.fits["hill"]
            posteriors = (_posterior(fit, quantity) for quantity in quantities)
            rows.append((site, points, case.sizes, *posteriors, _verdict(fit)))
    report.heading("Pareto points, or all that were trained")
    report.table(("site", "points", "SAEs", *quantities, "verdict"), rows)
    report.paragraph(
        """The post keeps the Pareto-optimal SAEs; compare the two rows of each site for what those that
        are taken away decide. A parameter that moves by more than its interval describes the selection as
        much as the SAEs. The gains are read where the data are."""
    )


def _families(report: Report, fitted: Cases, comparisons: Mapping[str, CurveComparison]) -> None:
    rows = []
    for site in SITES:
        case, comparison = fitted[site, "Pareto"], comparisons[site]
        for _, row in comparison.summary.iterrows():
            fit = case.fits[str(row["curve"])]
            difference = f"{row['difference']:.1f} ({row['difference_se']:.1f})"
            means = [_posterior(fit, quantity) for quantity in MEANS]
            about = (site, row["curve"], difference, f"{row['weight']:.2f}")
            rows.append((*about, *means, _verdict(fit)))
        averaged = comparison.gains[comparison.gains["curve"] == "averaged"].assign(support="observed")
        means = [interval_of(averaged[averaged["quantity"] == quantity].iloc[0]) for quantity in MEANS]
        rows.append((site, "averaged by weight", "", "", *means, ""))
    report.heading("Does the headline depend on the family?")
    report.table(("site", "family", "LOO difference (SE)", "weight", *MEANS, "verdict"), rows)
    report.image("reproduction.png", "Posterior medians of every family over the Pareto points of layer 20")


def _steep_shapes(report: Report, fitted: Cases) -> None:
    rows = []
    for site in SITES:
        case = fitted[site, "Pareto"]
        k = case.fits["hill"].data["posterior"]["k"].isel(setting=0)
        found = case.least_squares("hill")
        for variant in (BASELINE, VARIANT):
            values = k.sel(variant=variant).to_numpy().ravel()
            lower, median, upper = equal_tailed(values)
            posterior = (f"{median:.2f} [{lower:.2f}, {upper:.2f}]", f"{(values > 1).mean():.2f}")
            rows.append((site, variant, number(found[variant].natural["k"]), *posterior))
    report.heading("k > 1: are there S-shaped curves?")
    report.table(("site", "variant", "k by least squares", "posterior of k", "P(k > 1)"), rows)


def _four_points(report: Report, fitted: Cases) -> None:
    rows = []
    for site in SITES:
        four, optimal = fitted[site, "four"], fitted[site, "Pareto"]
        for quantity in ("x_half_ratio", "k_ratio", "mean_sparsity_gain"):
            posteriors = (_posterior(four.fits["hill"], quantity), _posterior(optimal.fits["hill"], quantity))
            by_least_squares = ["", ""]
            if quantity in FAMILIES["hill"].ratios:
                lower, found, upper = four.least_squares_ratio("hill", quantity)
                by_least_squares = [number(found), interval(lower, upper)]
            rows.append((site, quantity, *by_least_squares, *posteriors))
    report.heading("Fits of four points")
    report.paragraph(
        """The same with four SAEs a curve, spread evenly over the Pareto points. Least squares has two
        degrees of freedom left for each curve, and its Wald interval takes the scatter that it sees for
        the truth."""
    )
    posteriors = ("posterior, four points", "posterior, Pareto points")
    report.table(("site", "quantity", "least squares", "Wald 90%", *posteriors), rows)


def _figure(comparisons: Mapping[str, CurveComparison], path: Path) -> None:
    """Draw every family over the Pareto points, one panel a site."""
    figure = Figure(figsize=(11.0, 5.2), layout="constrained")
    legend = {"ncols": 2, "fontsize": "small", "frameon": False, "loc": "upper center"}
    for axis, site in zip(figure.subplots(1, len(SITES)), SITES, strict=True):
        plot_families(comparisons[site], ax=axis)
        axis.set_title(f"{site}, layer {LAYER}", fontsize="medium")
        axis.legend(handles=axis.get_legend().legend_handles, bbox_to_anchor=(0.5, -0.16), **legend)
    figure.savefig(path, dpi=160)
