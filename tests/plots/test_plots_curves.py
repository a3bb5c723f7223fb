"""The figures of the curves' parameters (prior, shrinkage, k against x_half): the numbers that are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

import hillfront
from helpers import NU, fit_of, frontiers_of, points, position
from hillfront.fits.fitting import PreparedModel
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.table import Frontiers
from hillfront.model.data import row_data
from hillfront.model.design import Design, design_of
from hillfront.plots import plot_k_against_x_half, plot_prior, plot_shrinkage
from hillfront.plots.k_x_half import ellipse_of
from hillfront.plots.style import styles_for
from hillfront.sampling.parameterization import curve_guesses

L0 = {"relu": [10, 20, 40, 80], "gated": [16, 32, 64, 128]}
X_HALF = {"relu": 2.0, "gated": 4.0}
K = {"relu": 0.9, "gated": 0.7}
AT = [position(X_HALF[v], K[v]) for v in ("relu", "gated")]
LOG_K = [np.log(K[v]) for v in ("relu", "gated")]
COLOURS = {name: style.colour for name, style in styles_for(("relu", "gated")).items()}


@pytest.fixture(autouse=True)
def no_figures_left() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")


def frame(*, layers: tuple[str, ...] = ("6", "20")) -> pd.DataFrame:
    parts = [
        points(v, L0[v], x_half=X_HALF[v], k=K[v], layer=layer) for layer in layers for v in ("relu", "gated")
    ]
    # The sparsest SAE of the first setting has a hit beyond one half.
    return pd.concat([*parts, points("relu", [0.2], x_half=2.0, k=0.9, layer="6")], ignore_index=True)


def fitted(data: pd.DataFrame, *, shift: float = 0.0, **options: float) -> FrontierFit:
    return fit_of(
        frontiers_of(data, group="layer"),
        baseline="relu",
        log_x_ref=np.array(AT) + shift,
        log_k=LOG_K,
        sd=0.1,
        **options,
    )


def with_design(fit: FrontierFit, **changes: object) -> FrontierFit:
    tree = fit.data.copy()
    tree.attrs = fit.data.attrs | {"design": replace(fit.design, **changes).to_json()}
    return FrontierFit(tree)


@pytest.fixture(scope="module")
def fit() -> FrontierFit:
    return fitted(frame())


def posterior_of(
    fit: FrontierFit, name: str, setting: str, variant: str, *, of: str = "posterior"
) -> np.ndarray:
    return fit.data[of][name].sel(setting=setting, variant=variant).to_numpy().ravel()


def marked(axis: Axes, colour: str) -> list[Line2D]:
    return [
        line
        for line in axis.lines
        if line.get_marker() not in ("None", None, "") and to_hex(line.get_color()) == colour
    ]


def legend_texts(axis: Axes) -> list[str]:
    figure = axis.get_figure(root=True)
    (legend,) = figure.legends or [axis.get_legend()]
    return [text.get_text() for text in legend.get_texts()]


# ---------------------------------------------------------------- prior


def test_prior_panels_of_a_hill_fit(fit: FrontierFit) -> None:
    axes = plot_prior(fit)
    assert [(axis.get_xlabel(), axis.get_title()) for axis in axes[1:]] == [
        ("L0 at a hit of 0.05", "prior as stated"),
        ("x_half, sparsity at a hit of 1/2", "prior as implied"),
        ("k, slope", "prior as stated"),
        ("sparsity gain over relu at a hit of 0.05", "prior as implied"),
    ]
    assert legend_texts(axes[0]) == [
        "prior density; 90% prior predictive band",
        "curves drawn from the prior",
        "90% interval of the prior",
        "relu, SAEs; posterior median and 90% interval",
        "gated, SAEs; posterior median and 90% interval",
    ]


def test_prior_intervals_are_those_of_the_baselines_draws(fit: FrontierFit) -> None:
    axes = plot_prior(fit, prob=0.8)
    prior = fit.data["prior"]
    draws = {
        "k, slope": prior["k"].sel(variant="relu"),
        "x_half, sparsity at a hit of 1/2": prior["x_half"].sel(variant="relu"),
        "L0 at a hit of 0.05": np.exp(-prior["log_x_ref"].sel(variant="relu")),
        "sparsity gain over relu at a hit of 0.05": np.exp(
            prior["log_x_ref"].sel(variant="gated") - prior["log_x_ref"].sel(variant="relu")
        ),
    }
    for axis in axes[1:]:
        (bar,) = [line for line in axis.lines if line.get_linewidth() == 3.0]
        expected = np.quantile(draws[axis.get_xlabel()], [0.1, 0.9])
        np.testing.assert_allclose(bar.get_xdata(), expected, rtol=1e-9)
        (density,) = axis.collections
        assert density.get_paths()[0].vertices[:, 1].max() == pytest.approx(1.0)


def test_posteriors_stand_below_the_prior(fit: FrontierFit) -> None:
    axes = plot_prior(fit, prob=0.8)
    for axis, name in ((axes[2], "x_half"), (axes[3], "k")):
        for variant in ("relu", "gated"):
            drawn = marked(axis, COLOURS[variant])
            medians = [np.median(posterior_of(fit, name, setting, variant)) for setting in ("6", "20")]
            np.testing.assert_allclose([line.get_xdata()[0] for line in drawn], medians, rtol=1e-9)
            assert all(line.get_ydata()[0] < 0 for line in drawn)
    gains = marked(axes[4], COLOURS["gated"])
    assert len(gains) == 2
    assert not marked(axes[4], COLOURS["relu"])


def test_the_prior_does_not_move_with_the_data(fit: FrontierFit) -> None:
    other = frame()
    other["performance_hit"] *= 0.5
    # All but the sparsest SAE, which widens the axis.
    other.loc[other["l0"] > 1, "l0"] *= 1.5
    moved = fitted(other, shift=-1.0)
    # The stand-in for a fit makes its prior around the data; a model's own does not know them.
    tree = moved.data.copy()
    tree["prior"] = fit.data["prior"].copy()
    before, after = plot_prior(fit), plot_prior(FrontierFit(tree))
    for a, b in zip(before[1:], after[1:], strict=True):
        assert np.array_equal(
            a.collections[0].get_paths()[0].vertices, b.collections[0].get_paths()[0].vertices
        )
    lines = [
        [line.get_ydata() for line in axes[0].lines if line.get_linewidth() == 0.6]
        for axes in (before, after)
    ]
    assert len(lines[0]) == 40
    # Drawn over the same range of L0, whatever the data's.
    np.testing.assert_array_equal(lines[0], lines[1])
    assert before[0].get_xlim() == after[0].get_xlim()


def test_prior_curves_and_points_of_the_first_panel(fit: FrontierFit) -> None:
    axis = plot_prior(fit)[0]
    curve = next(line for line in axis.lines if line.get_linewidth() == 0.6)
    x_half, k = (posterior_of(fit, name, "6", "relu", of="prior")[0] for name in ("x_half", "k"))
    x = curve.get_xdata()
    np.testing.assert_allclose(curve.get_ydata(), np.maximum(1 / (1 + (x_half / x) ** k), 1e-7), rtol=1e-9)
    table = fit.frontiers.table
    for variant in ("relu", "gated"):
        (drawn,) = marked(axis, COLOURS[variant])
        own = table[table["variant"] == variant]
        assert np.array_equal(drawn.get_xdata(), own["sparsity"])
        assert np.array_equal(drawn.get_ydata(), own["performance_hit"])


def test_prior_frontiers_end_at_the_dense_limit(fit: FrontierFit) -> None:
    design = design_of(fit.frontiers, baseline="relu", dense_limit=140.0)
    axis = plot_prior(with_design(fit, dense_limit=140.0, scales=design.scales))[0]
    x = next(line for line in axis.lines if line.get_linewidth() == 0.6).get_xdata()
    assert 1 / 140 < x.min() < 1 / 128


def test_prior_before_any_fit(fit: FrontierFit) -> None:
    prepared = PreparedModel(fit.frontiers, fit.design, {"nu": NU}, sampler=None)  # type: ignore[arg-type]
    prepared.__dict__["prior"] = fit.data["prior"].to_dataset()
    axes = hillfront.plot_prior(prepared, prob=0.5)
    assert len(axes) == 5
    assert not any(marked(axis, COLOURS["gated"]) for axis in axes[1:])
    assert legend_texts(axes[0])[-1] == "gated, SAEs"
    assert axes[1].get_ylim()[0] == 0
    xr.testing.assert_identical(prepared.prior, fit.data["prior"].to_dataset())


def test_a_fixed_slope_is_a_line(fit: FrontierFit) -> None:
    tree = fit.data.copy()
    for name in ("prior", "posterior"):
        tree[name] = xr.DataTree(fit.data[name].to_dataset().assign(log_k=0.0 * fit.data[name]["log_k"]))
    fixed = with_design(FrontierFit(tree), pool=(("x_half", "partial"), ("k", 1.0)))
    axis = plot_prior(fixed)[3]
    assert axis.get_title() == "fixed"
    assert any(list(line.get_xdata()) == [1.0, 1.0] for line in axis.lines)


def tree_of(frontiers: Frontiers, design: Design, names: tuple[str, ...]) -> FrontierFit:
    """A fit to a family that is placed by its level."""
    rng = np.random.default_rng(1)
    shape = (2, 100, 1, len(design.variants))
    coords = {"setting": ["all"], "variant": list(design.variants), "chain": [0, 1], "draw": np.arange(100)}
    settings = {"/frontiers": frontiers.to_dataset()}
    for setting, sd in (("prior", 1.0), ("posterior", 0.05)):
        draws = {
            name: (("chain", "draw", "setting", "variant"), np.log(0.1) + sd * rng.normal(size=shape))
            for name in names
        }
        settings[f"/{setting}"] = xr.Dataset(draws, coords=coords).assign(
            {
                n: (("chain", "draw"), np.full(shape[:2], v))
                for n, v in (("sigma", 0.1), ("tau", 0.0), ("nu", 4.0))
            }
        )
    tree = xr.DataTree.from_dict(settings)
    tree.attrs = {"design": design.to_json(), "sampler_options": '{"seed": 1}'}
    return FrontierFit(tree)


def test_prior_of_a_cost_is_at_a_sparsity() -> None:
    data = frame(layers=("20",)).iloc[:8].rename(columns={"performance_hit": "nmse"})
    frontiers = Frontiers.from_frame(data, cost="nmse")
    some = tree_of(frontiers, design_of(frontiers, baseline="relu", curve="power"), ("log_y_ref", "log_k"))
    axes = plot_prior(some)
    assert [axis.get_xlabel() for axis in axes[1:]] == [
        "nmse at an L0 of 50",
        "a, factor",
        "k, slope",
        "times smaller nmse at an L0 of 50 than relu",
    ]
    assert axes[0].get_ylabel() == "nmse"


def test_prior_of_lines_has_a_signed_intercept() -> None:
    frontiers = frontiers_of(frame(layers=("20",)).iloc[:8].drop(columns="layer"))
    design = design_of(frontiers, baseline="relu", curve="linear")
    axes = plot_prior(tree_of(frontiers, design, ("log_y_ref", "log_share")))
    scales = {axis.get_xlabel(): axis.get_xscale() for axis in axes[1:]}
    assert (scales["m, slope"], scales["c, intercept"]) == ("log", "linear")


def test_a_single_variant_has_no_comparison() -> None:
    data = frame()
    some = fit_of(frontiers_of(data[data["variant"] == "relu"], group="layer"), baseline="relu")
    assert len(plot_prior(some)) == 4
    assert len(plot_k_against_x_half(some).patches) == 2


def test_prior_refuses(fit: FrontierFit) -> None:
    with pytest.raises(TypeError, match=r"a prepared model or a fit, not Frontiers\. Make one by"):
        plot_prior(fit.frontiers)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="prob=90 is not a probability"):
        plot_prior(fit, prob=90)
    _, given = plt.subplots(1, 4)
    with pytest.raises(ValueError, match="ax holds 4 axes, and there are 5 panels"):
        plot_prior(fit, ax=given)
    _, given = plt.subplots(1, 5)
    assert all(a is b for a, b in zip(plot_prior(fit, ax=given, legend=False), given, strict=True))


# ---------------------------------------------------------------- shrinkage


def markers_at(axis: Axes, variant: str, *, hollow: bool) -> list[tuple[float, float]]:
    return [
        (line.get_xdata()[0], line.get_ydata()[0])
        for line in marked(axis, COLOURS[variant])
        if (line.get_markerfacecolor() == "white") == hollow
    ]


def test_shrinkage_goes_from_least_squares_to_the_posterior(fit: FrontierFit) -> None:
    position_axis, k_axis = plot_shrinkage(fit)
    assert [axis.get_xlabel() for axis in (position_axis, k_axis)] == ["L0 at a hit of 0.05", "k, slope"]
    names = [text.get_text() for text in position_axis.get_yticklabels()]
    assert names == ["6, relu", "20, relu", "6, gated", "20, gated"]
    guesses = curve_guesses(row_data(fit.frontiers, fit.design), fit.design)
    for axis, sign, name, index in ((position_axis, -1, "log_x_ref", 0), (k_axis, 1, "log_k", 1)):
        arrows = [(text.xyann, text.xy) for text in axis.texts]
        for v, variant in enumerate(("relu", "gated")):
            alone, pooled = (markers_at(axis, variant, hollow=hollow) for hollow in (True, False))
            medians = [np.median(posterior_of(fit, name, setting, variant)) for setting in ("6", "20")]
            np.testing.assert_allclose([x for x, _ in pooled], np.exp(sign * np.array(medians)), rtol=1e-9)
            np.testing.assert_allclose([x for x, _ in alone], np.exp(sign * guesses.theta[index, :, v]))
            for ends in zip(alone, pooled, strict=True):
                assert ends in arrows


def test_shrinkage_from_an_unpooled_fit(fit: FrontierFit) -> None:
    apart = with_design(fitted(frame(), shift=0.5), pool=(("x_half", "none"), ("k", "none")))
    axes = plot_shrinkage(fit, unpooled=apart, prob=0.8)
    alone = [x for x, _ in markers_at(axes[0], "relu", hollow=True)]
    medians = [np.median(posterior_of(apart, "log_x_ref", setting, "relu")) for setting in ("6", "20")]
    np.testing.assert_allclose(alone, np.exp(-np.array(medians)), rtol=1e-9)
    pale = [
        line.get_xdata()
        for line in axes[0].lines
        if line.get_alpha() == 0.45 and to_hex(line.get_color()) == COLOURS["relu"]
    ]
    draws = np.exp(-posterior_of(apart, "log_x_ref", "6", "relu"))
    np.testing.assert_allclose(sorted(pale[0]), np.quantile(draws, [0.1, 0.9]), rtol=1e-3)
    assert legend_texts(axes[0]) == [
        "alone: posterior median, 80% interval",
        "pooled: posterior median, 80% interval",
        "average over the settings",
    ]
    assert legend_texts(plot_shrinkage(fit)[0])[0] == "alone: least squares, 90% normal interval"


def test_shrinkage_shows_the_average_of_each_variant(fit: FrontierFit) -> None:
    axis = plot_shrinkage(fit)[1]
    dotted = [line for line in axis.lines if line.get_linestyle() == ":"]
    for line, variant, rows in zip(dotted, ("relu", "gated"), ((-0.5, 1.5), (1.5, 3.5)), strict=True):
        mean = fit.data["posterior"]["log_k"].sel(variant=variant).mean("setting")
        np.testing.assert_allclose(line.get_xdata(), np.exp(np.median(mean)), rtol=1e-9)
        assert (line.get_ydata().min(), line.get_ydata().max()) == rows


def test_shrinkage_leaves_out_absent_curves_and_fixed_parameters() -> None:
    data = frame()
    some = fitted(data[(data["variant"] == "relu") | (data["layer"] == "6")])
    (axis,) = plot_shrinkage(with_design(some, pool=(("x_half", "partial"), ("k", 1.0))))
    assert [text.get_text() for text in axis.get_yticklabels()] == ["6, relu", "20, relu", "6, gated"]
    assert len(markers_at(axis, "gated", hollow=False)) == 1


def test_shrinkage_refuses(fit: FrontierFit) -> None:
    apart = with_design(fit, pool=(("x_half", "none"), ("k", "none")))
    with pytest.raises(ValueError, match="No parameter of this fit is pooled over the settings"):
        plot_shrinkage(apart)
    with pytest.raises(
        ValueError, match=r"unpooled= pools x_half, k\. .* pool=\{'x_half': 'none', 'k': 'none'\}"
    ):
        plot_shrinkage(fit, unpooled=fit)
    other = with_design(fitted(frame(layers=("6",))), pool=apart.design.pool)
    with pytest.raises(ValueError, match=r"unpooled= is a fit with other settings \(\('6',\)\) than"):
        plot_shrinkage(fit, unpooled=other)
    data = frame()
    data.loc[0, "performance_hit"] += 0.001
    with pytest.raises(ValueError, match="unpooled= is a fit with other data"):
        plot_shrinkage(fit, unpooled=with_design(fitted(data), pool=apart.design.pool))
    _, given = plt.subplots(1, 3)
    with pytest.raises(ValueError, match="ax holds 3 axes, and there are 2 panels"):
        plot_shrinkage(fit, ax=given)
    _, given = plt.subplots(1, 2)
    assert all(a is b for a, b in zip(plot_shrinkage(fit, ax=given, legend=False), given, strict=True))


# ---------------------------------------------------------------- k against x_half


def test_ellipses_hold_their_probability_of_normal_draws() -> None:
    rng = np.random.default_rng(3)
    draws = np.array([[1.0, 0.0], [-0.8, 0.3]]) @ rng.standard_normal((2, 40_000)) + np.array([[2.0], [-1.0]])
    inverse = np.linalg.inv(np.cov(draws))
    for prob in (0.5, 0.9):
        away = ellipse_of(draws, prob=prob) - draws.mean(axis=1)[:, None]
        radius = np.einsum("ic,ij,jc->c", away, inverse, away)
        np.testing.assert_allclose(radius, radius[0])
        centred = draws - draws.mean(axis=1)[:, None]
        inside = np.einsum("is,ij,js->s", centred, inverse, centred) < radius[0]
        assert inside.mean() == pytest.approx(prob, abs=0.01)


def test_k_against_x_half_draws_means_and_ellipses(fit: FrontierFit) -> None:
    axis = plot_k_against_x_half(fit, prob=0.8)
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("x_half, sparsity at a hit of 1/2", "k, slope")
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
    for variant in ("relu", "gated"):
        centres = marked(axis, COLOURS[variant])
        outlines = [
            line
            for line in axis.lines
            if to_hex(line.get_color()) == COLOURS[variant] and line not in centres
        ]
        for setting, centre, outline in zip(("6", "20"), centres, outlines, strict=True):
            logs = np.log([posterior_of(fit, name, setting, variant) for name in ("x_half", "k")])
            np.testing.assert_allclose(np.log(centre.get_xydata()[0]), logs.mean(axis=1), rtol=1e-9)
            np.testing.assert_allclose(np.log(outline.get_xydata().T), ellipse_of(logs, prob=0.8), rtol=1e-9)
            # Only the baseline's frontier in the first setting has a hit of one half inside its data.
            observed = (variant, setting) == ("relu", "6")
            assert (centre.get_markerfacecolor() != "white") == observed
            assert (outline.get_linestyle() == "-") == observed


def test_k_against_x_half_joins_the_curves_of_a_setting(fit: FrontierFit) -> None:
    axis = plot_k_against_x_half(fit)
    joins = [line for line in axis.lines if line.get_linewidth() == 0.9]
    assert len(joins) == 2
    for index, join in enumerate(joins):
        ends = [marked(axis, COLOURS[v])[index].get_xydata()[0] for v in ("relu", "gated")]
        np.testing.assert_allclose(join.get_xydata(), ends)
    assert [text.get_text() for text in axis.texts] == ["6", "20"]
    assert legend_texts(axis) == [
        "relu (baseline)",
        "gated",
        "90% posterior ellipse, normal on log scales",
        "x_half extrapolated: outside its data",
        "same setting",
    ]


def test_k_against_x_half_of_chosen_curves_on_given_axes(fit: FrontierFit) -> None:
    figure, given = plt.subplots()
    assert plot_k_against_x_half(fit, settings=["20"], variants=["gated"], ax=given) is given
    assert plt.get_fignums() == [figure.number]
    assert len(given.patches) == 1
    assert legend_texts(given)[0] == "gated"
    assert "same setting" not in legend_texts(given)
    assert plot_k_against_x_half(fit, legend=False).get_legend() is None


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"settings": ["7"]}, r"settings=\['7'\]: allowed are 6, 20"),
        ({"variants": []}, r"variants=\[\]: allowed are relu, gated, at least one"),
        ({"prob": 0.0}, "prob=0.0 is not a probability"),
    ],
)
def test_k_against_x_half_refuses(fit: FrontierFit, options: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        plot_k_against_x_half(fit, **options)
    assert not plt.get_fignums()


def test_k_against_x_half_needs_both(fit: FrontierFit) -> None:
    power = with_design(fit, curve="power", pool=(("a", "partial"), ("k", "partial")))
    with pytest.raises(ValueError, match=r"'power' family have a and k, not x_half and k\. Draw a fit of"):
        plot_k_against_x_half(power)
    fixed = with_design(fit, pool=(("x_half", "partial"), ("k", 1.0)))
    with pytest.raises(ValueError, match="k is fixed in this fit, so there is no plane to draw"):
        plot_k_against_x_half(fixed)
