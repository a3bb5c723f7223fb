"""The numbers of the source post, by least squares as there and by posterior, with a verdict in words.

The post "How to Better Report Sparse Autoencoder Performance" reads the tables of Rajamanoharan et al.
(2024), which ship with this package. ``make reproduction`` writes docs/reproduction.md.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hillfront.curves.families import FAMILIES
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.sampling.nutpie_run import SamplerOptions
from hillfront.studies.markdown import Report, interval, interval_of, number, versions
from hillfront.studies.post_cases import BASELINE, LAYER, SITES, VARIANT, Cases, Fits, cases, fit_cases

__all__ = ["write_reproduction"]

SURE, UNLIKELY = 0.95, 0.05
MEANS = ("mean_sparsity_gain", "mean_hit_reduction")


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
    everything = cases()
    fits = fit_cases(everything, SamplerOptions(draws=draws, random_seed=random_seed))
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
    for section in (
        _in_short,
        _straight_lines,
        _hill_parameters,
        _selection,
        _families,
        _steep_shapes,
        _four_points,
    ):
        section(report, everything, fits)
    failed = fits.failed
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
    _figure(fits, out / "reproduction.png")
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


def _in_short(report: Report, everything: Cases, fits: Fits) -> None:
    """Say what stands, site by site, in words that follow from the numbers."""
    optimal = {site: everything[site, "Pareto"] for site in SITES}
    texts = []
    slopes = {
        curve: _claim(fits.of(optimal["resid"], curve), "slope_ratio", low=2.7)
        for curve in ("linear", "proportional")
    }
    texts.append(
        "**2.7x**, by family: "
        + "; ".join(
            f"as a ratio of {curve} slopes it {_is(word)} (P = {p})" for curve, (p, word) in slopes.items()
        )
        + "."
    )
    for name, move, quantity, bounds in (
        ("**x_half up**", "a rise", "x_half_ratio", (5.0, 6.0)),
        ("**k down**", "a fall", "k_ratio", (1.2, 1.4)),
    ):
        found = []
        for site, case in optimal.items():
            fit = fits.of(case)
            p, word = _claim(fit, quantity, low=1.0)
            inside, _ = _claim(fit, quantity, low=bounds[0], high=bounds[1])
            between = f"{number(bounds[0])} to {number(bounds[1])}"
            found.append(f"{site}: {move} {_is(word)} (P = {p}), one by {between} has P = {inside}")
        texts.append(f"{name}. {'; '.join(found)}.")
    for points in ("Pareto", "all"):
        verdicts = ", ".join(f"{site} {_verdict(fits.of(everything[site, points]))}" for site in SITES)
        texts.append(f"**Pareto-better** over the shared range ({points} points, Hill): {verdicts}.")
    report.heading("In short")
    report.items(texts)


def _is(word: str) -> str:
    return f"is {word}" if word.startswith("open") else word


def _straight_lines(report: Report, everything: Cases, fits: Fits) -> None:
    case = everything["resid", "Pareto"]
    rows = []
    for curve in ("linear", "proportional"):
        fit = fits.of(case, curve)
        lower, found, upper = case.least_squares_ratio(curve, "slope_ratio")
        posterior = (_posterior(fit, "slope_ratio"), *_claim(fit, "slope_ratio", low=2.7))
        rows.append((curve, FAMILIES[curve].equation, number(found), interval(lower, upper), *posterior))
    report.heading('"2.7x": a ratio of slopes, residual stream of layer 20')
    report.table(
        ("family", "curve", "least squares", "Wald 90%", "posterior", "P(at least 2.7)", "verdict"), rows
    )
    gain, reduction = (_posterior(fits.of(case), quantity) for quantity in MEANS)
    report.paragraph(
        f"""The post's figure is the ratio of two slopes on {case.sizes} Pareto points, with an intercept;
        through the origin it is another. What readers take it for has names of its own: at the same
        sparsity the hit is {reduction} times smaller (a mean over the sparsities that both observed), and
        at the same hit the gated SAEs need {gain} times fewer active latents, both under the Hill curve."""
    )


def _hill_parameters(report: Report, everything: Cases, fits: Fits) -> None:
    rows = []
    for site in SITES:
        case = everything[site, "Pareto"]
        fit = fits.of(case)
        for quantity, low, high in (("x_half_ratio", 5.0, 6.0), ("k_ratio", 1.2, 1.4)):
            _, found, _ = case.least_squares_ratio("hill", quantity)
            about = (site, case.sizes, quantity, number(found), _posterior(fit, quantity))
            claims = (*_claim(fit, quantity, low=low, high=high), *_claim(fit, quantity, low=1.0))
            rows.append((*about, f"{number(low)} to {number(high)}", *claims))
    report.heading('"x_half up 5-6x, k down 1.3x" for residual stream, attention and MLP')
    headings = ("site", "SAEs", "quantity", "least squares", "posterior", "claim")
    report.table((*headings, "P(claim)", "verdict", "P(above 1)", "verdict"), rows)
    report.paragraph(
        """x_half is the sparsity at a hit of one half, beyond nearly all of these SAEs, so its ratio is an
        extrapolation wherever a star says so. It trades off against k: of two curves through the same
        points, the steeper reaches one half sooner. The gains over the observed range, below, do not
        depend on it."""
    )


def _selection(report: Report, everything: Cases, fits: Fits) -> None:
    quantities = ("x_half_ratio", "k_ratio", *MEANS)
    rows = []
    for site in SITES:
        for points in ("Pareto", "all"):
            case = everything[site, points]
            fit = fits.of(case)
            posteriors = (_posterior(fit, quantity) for quantity in quantities)
            rows.append((site, points, case.sizes, *posteriors, _verdict(fit)))
    report.heading("Pareto points, or all that were trained")
    report.table(("site", "points", "SAEs", *quantities, "verdict"), rows)
    report.paragraph(
        """The post keeps the Pareto-optimal SAEs; compare the two rows of each site for what those that
        are taken away decide. A parameter that moves by more than its interval describes the selection as
        much as the SAEs. The gains are read where the data are."""
    )


def _families(report: Report, everything: Cases, fits: Fits) -> None:
    rows = []
    for site in SITES:
        case, comparison = everything[site, "Pareto"], fits.comparisons[site]
        for _, row in comparison.summary.iterrows():
            fit = fits.of(case, str(row["curve"]))
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


def _steep_shapes(report: Report, everything: Cases, fits: Fits) -> None:
    rows = []
    for site in SITES:
        case = everything[site, "Pareto"]
        k = fits.of(case).data["posterior"]["k"].isel(setting=0)
        found = case.least_squares("hill")
        for variant in (BASELINE, VARIANT):
            values = k.sel(variant=variant).to_numpy().ravel()
            lower, median, upper = np.quantile(values, [0.05, 0.5, 0.95])
            posterior = (f"{median:.2f} [{lower:.2f}, {upper:.2f}]", f"{(values > 1).mean():.2f}")
            rows.append((site, variant, number(found[variant].natural["k"]), *posterior))
    report.heading("k > 1: are there S-shaped curves?")
    report.table(("site", "variant", "k by least squares", "posterior of k", "P(k > 1)"), rows)


def _four_points(report: Report, everything: Cases, fits: Fits) -> None:
    rows = []
    for site in SITES:
        four, optimal = everything[site, "four"], everything[site, "Pareto"]
        for quantity in ("x_half_ratio", "k_ratio", "mean_sparsity_gain"):
            posteriors = (_posterior(fits.of(four), quantity), _posterior(fits.of(optimal), quantity))
            if quantity in FAMILIES["hill"].ratios:
                lower, found, upper = four.least_squares_ratio("hill", quantity)
                by_least_squares = (number(found), interval(lower, upper))
            else:
                by_least_squares = ("", "")
            rows.append((site, quantity, *by_least_squares, *posteriors))
    report.heading("Fits of four points")
    report.paragraph(
        """The same with four SAEs a curve, spread evenly over the Pareto points. Least squares has two
        degrees of freedom left for each curve, and its Wald interval takes the scatter that it sees for
        the truth."""
    )
    posteriors = ("posterior, four points", "posterior, Pareto points")
    report.table(("site", "quantity", "least squares", "Wald 90%", *posteriors), rows)


def _figure(fits: Fits, path: Path) -> None:
    """Draw every family over the Pareto points, one panel a site."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from hillfront.plots import plot_families

    figure, axes = plt.subplots(1, len(SITES), figsize=(11.0, 5.2), layout="constrained")
    legend = {"ncols": 2, "fontsize": "small", "frameon": False, "loc": "upper center"}
    for axis, site in zip(axes, SITES, strict=True):
        plot_families(fits.comparisons[site], ax=axis)
        axis.set_title(f"{site}, layer {LAYER}", fontsize="medium")
        axis.legend(handles=axis.get_legend().legend_handles, bbox_to_anchor=(0.5, -0.16), **legend)
    figure.savefig(path, dpi=160)
    plt.close(figure)
