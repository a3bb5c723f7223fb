"""The figures: the numbers that are drawn, never pixels."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from helpers import fit_of, frontiers_of, points, position
from hillfront.estimands.improvement import improvement_of
from hillfront.fits.compare import CurveComparison
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import design_of
from hillfront.plots import plot_families, plot_frontiers, plot_improvement
from hillfront.plots.axes import axes_for
from hillfront.plots.style import FAMILY_STYLES, VARIANT_STYLES, styles_for

LAYERS = ("6", "20")
SCALES = ("log", "linear", "logit")
L0 = {"relu": [10, 20, 40, 80], "gated": [16, 32, 64, 128]}
X_HALF = {"relu": 2.0, "gated": 4.0}


@pytest.fixture(autouse=True)
def no_figures_left() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")


def frame() -> pd.DataFrame:
    rows = [
        points(v, L0[v], x_half=X_HALF[v], k=0.8, layer=layer) for layer in LAYERS for v in ("relu", "gated")
    ]
    return pd.concat(rows, ignore_index=True)


def fitted(data: pd.DataFrame, *, setting: str | tuple[str, ...] = "layer") -> FrontierFit:
    at = [position(X_HALF[v], 0.8) for v in dict.fromkeys(["relu", *data["variant"]])]
    return fit_of(frontiers_of(data, group=setting), baseline="relu", log_x_ref=at, log_k=np.log(0.8), sd=0.1)


@pytest.fixture(scope="module")
def fit() -> FrontierFit:
    return fitted(frame())


@pytest.fixture(scope="module")
def outside() -> FrontierFit:
    """A fit to data that log and logit axes have no place for."""
    data = frame()
    data.loc[3, "performance_hit"] = -0.002
    data.loc[4, "performance_hit"] = 0.0
    data.loc[5, "performance_hit"] = 1.3
    return fitted(data)


def of_colour(axis: Axes, colour: str) -> list[Line2D]:
    return [line for line in axis.lines if to_hex(line.get_color()) == colour]


def curves(axis: Axes, colour: str, *, dashed: bool) -> list[Line2D]:
    """Solid or dashed curves of a colour, without points."""
    lines = [line for line in of_colour(axis, colour) if line.get_marker() in ("None", None, "")]
    return [line for line in lines if (line.get_linestyle() != "-") == dashed]


def drawn_points(axis: Axes, colour: str) -> list[Line2D]:
    return [line for line in of_colour(axis, colour) if line.get_linestyle() == "None"]


def colour_of(fit: FrontierFit, variant: str) -> str:
    return styles_for(fit.design.variants)[variant].colour


def rows_of(fit: FrontierFit, variant: str, setting: str) -> pd.DataFrame:
    table = fit.frontiers.table
    return table[(table["variant"] == variant) & (table["setting"] == setting)]


def legend_texts(axes: np.ndarray) -> list[str]:
    figure = axes[0].get_figure(root=True)
    (legend,) = figure.legends or [axes[0].get_legend()]
    return [text.get_text() for text in legend.get_texts()]


# ---------------------------------------------------------------- frontiers


@pytest.mark.parametrize("scale", SCALES)
def test_points_are_the_data(fit: FrontierFit, scale: str) -> None:
    axes = plot_frontiers(fit, scale=scale)  # type: ignore[arg-type]
    assert [axis.get_title() for axis in axes] == list(LAYERS)
    for axis, setting in zip(axes, LAYERS, strict=True):
        assert axis.get_xlabel() == "sparsity, 1 / L0"
        for variant in fit.design.variants:
            (line,) = drawn_points(axis, colour_of(fit, variant))
            rows = rows_of(fit, variant, setting)
            assert np.array_equal(line.get_xdata(), rows["sparsity"])
            assert np.array_equal(line.get_ydata(), rows["performance_hit"])


@pytest.mark.parametrize("scale", SCALES)
def test_scales(fit: FrontierFit, scale: str) -> None:
    for axis in plot_frontiers(fit, scale=scale):  # type: ignore[arg-type]
        expected = {"log": ("log", "log"), "linear": ("linear", "linear"), "logit": ("log", "logit")}[scale]
        assert (axis.get_xscale(), axis.get_yscale()) == expected


@pytest.mark.parametrize("scale", SCALES)
def test_curve_is_solid_inside_its_data_and_dashed_outside(fit: FrontierFit, scale: str) -> None:
    for axis, setting in zip(plot_frontiers(fit, scale=scale), LAYERS, strict=True):  # type: ignore[arg-type]
        for variant in fit.design.variants:
            x = rows_of(fit, variant, setting)["sparsity"]
            (solid,) = curves(axis, colour_of(fit, variant), dashed=False)
            below, above = curves(axis, colour_of(fit, variant), dashed=True)
            # Solid from the first point to the last, dashed from there on: no gap and no overlap.
            assert (solid.get_xdata().min(), solid.get_xdata().max()) == (x.min(), x.max())
            assert below.get_xdata().max() == x.min()
            assert above.get_xdata().min() == x.max()
            assert below.get_xdata().min() < 1 / 128
            assert above.get_xdata().max() > 1 / 10
            for line in (solid, below, above):
                predicted = fit.predict(l0=1 / line.get_xdata(), variants=[variant], settings=[setting])
                median = predicted["expectation"].median(("chain", "draw")).to_numpy().ravel()
                np.testing.assert_allclose(line.get_ydata(), median, rtol=1e-12)


def test_medians_lie_near_the_curves_that_made_them(fit: FrontierFit) -> None:
    axis = plot_frontiers(fit)[1]
    for variant, x_half in X_HALF.items():
        (solid,) = curves(axis, colour_of(fit, variant), dashed=False)
        truth = 1 / (1 + (x_half / solid.get_xdata()) ** 0.8)
        np.testing.assert_allclose(solid.get_ydata(), truth, rtol=0.1)


@pytest.mark.parametrize("band", ["predictive", "expectation"])
@pytest.mark.parametrize("prob", [0.9, 0.5])
def test_band_is_between_quantiles(fit: FrontierFit, band: str, prob: float) -> None:
    axes = plot_frontiers(fit, band=band, prob=prob)  # type: ignore[arg-type]
    for axis, setting in zip(axes, LAYERS, strict=True):
        bands = {to_hex(c.get_facecolor()[0]): c for c in axis.collections}
        assert set(bands) == {colour_of(fit, name) for name in fit.design.variants}
        for variant in fit.design.variants:
            colour = colour_of(fit, variant)
            lines = [*curves(axis, colour, dashed=True), *curves(axis, colour, dashed=False)]
            x = np.unique(np.concatenate([line.get_xdata() for line in lines]))
            draws = fit.predict(l0=1 / x, variants=[variant], settings=[setting])[band].to_numpy()
            ends = np.quantile(draws.reshape(x.size, -1), [(1 - prob) / 2, (1 + prob) / 2], axis=-1)
            (path,) = bands[colour].get_paths()
            corners = pd.DataFrame(path.vertices, columns=["x", "y"]).groupby("x")["y"].agg(["min", "max"])
            np.testing.assert_allclose(corners.index, x, rtol=1e-12)
            np.testing.assert_allclose(corners.to_numpy(), ends.T, rtol=1e-9)


@pytest.mark.parametrize(
    ("band", "prob", "text"),
    [
        ("predictive", 0.9, "90% predictive band"),
        ("expectation", 0.5, "50% expectation band"),
    ],
)
def test_legend_names_variants_band_and_probability(
    fit: FrontierFit, band: str, prob: float, text: str
) -> None:
    texts = legend_texts(plot_frontiers(fit, band=band, prob=prob))  # type: ignore[arg-type]
    assert texts == [
        "relu (baseline)",
        "gated",
        "expectation, median",
        "outside its data",
        text,
        "shared range",
    ]


def test_a_baseline_called_baseline_is_not_named_twice() -> None:
    data = frame().replace({"variant": {"relu": "baseline"}})
    assert legend_texts(plot_frontiers(fit_of(frontiers_of(data), baseline="baseline")))[0] == "baseline"


def test_one_panel_has_its_legend_inside_and_no_legend_if_so_asked(fit: FrontierFit) -> None:
    (axis,) = plot_frontiers(fit, settings=["20"])
    assert axis.get_legend() is not None
    assert axis.get_title() == "20"
    (bare,) = plot_frontiers(fit, settings=["20"], legend=False)
    assert bare.get_legend() is None
    assert not bare.get_figure(root=True).legends


def test_shared_range_is_marked(fit: FrontierFit) -> None:
    for axis in plot_frontiers(fit):
        (strip,) = axis.patches
        assert strip.get_x() == pytest.approx(1 / 80)
        assert strip.get_x() + strip.get_width() == pytest.approx(1 / 16)
    (axis,) = plot_frontiers(fit, settings=["6"], variants=["gated"])
    assert not axis.patches
    assert "shared range" not in legend_texts(np.array([axis]))


@pytest.mark.parametrize("scale", SCALES)
def test_l0_axis_lies_along_the_top(fit: FrontierFit, scale: str) -> None:
    for axis in plot_frontiers(fit, scale=scale):  # type: ignore[arg-type]
        axis.get_figure(root=True).canvas.draw()
        (top,) = axis.child_axes
        assert top.get_xlabel() == "L0, active latents per token"
        low, high = axis.get_xlim()
        ticks = [t for t in top.get_xticks() if low < 1 / t < high]
        assert len(ticks) >= 2
        for l0 in ticks:
            there = top.transData.transform((l0, 0.5))[0]
            assert there == pytest.approx(axis.transData.transform((1 / l0, 0.5))[0], abs=0.5)
        labels = {tick.get_text() for tick in top.get_xticklabels()}
        assert {f"{l0:g}" for l0 in ticks} <= labels


@pytest.mark.parametrize("scale", SCALES)
def test_nothing_is_dropped(outside: FrontierFit, scale: str) -> None:
    axes = plot_frontiers(outside, scale=scale)  # type: ignore[arg-type]
    for axis, setting in zip(axes, LAYERS, strict=True):
        for variant in outside.design.variants:
            lines = drawn_points(axis, colour_of(outside, variant))
            x = np.sort(np.concatenate([line.get_xdata() for line in lines]))
            assert np.array_equal(x, np.sort(rows_of(outside, variant, setting)["sparsity"]))
            for line in lines:  # all of them inside the frame
                ends = axis.transAxes.inverted().transform(line.get_transform().transform(line.get_xydata()))
                assert ((ends > 0) & (ends < 1)).all()


@pytest.mark.parametrize(("scale", "above"), [("log", False), ("logit", True)])
def test_arrowheads_stand_for_hits_without_a_place(outside: FrontierFit, scale: str, above: bool) -> None:
    axis = plot_frontiers(outside, scale=scale)[0]  # type: ignore[arg-type]

    def arrows(variant: str, marker: str) -> list[float]:
        lines = drawn_points(axis, colour_of(outside, variant))
        found = [line for line in lines if line.get_transform() == axis.get_xaxis_transform()]
        places = {"v": 0.015, "^": 0.985}
        assert all((line.get_ydata() == places[line.get_marker()]).all() for line in found)
        return [x for line in found if line.get_marker() == marker for x in line.get_xdata()]

    assert arrows("relu", "v") == [1 / 80]
    assert arrows("gated", "v") == [1 / 16]
    assert arrows("relu", "^") == []
    assert arrows("gated", "^") == ([1 / 32] if above else [])


def test_a_linear_axis_needs_no_arrowheads(outside: FrontierFit) -> None:
    axis = plot_frontiers(outside, scale="linear")[0]
    for variant in outside.design.variants:
        (line,) = drawn_points(axis, colour_of(outside, variant))
        assert np.array_equal(line.get_ydata(), rows_of(outside, variant, "6")["performance_hit"])
    assert axis.get_ylim()[0] < -0.002


def test_hits_all_of_one_or_above_can_be_drawn() -> None:
    data = frame()
    data["performance_hit"] += 1
    some = fitted(data)
    for scale in SCALES:
        for axis in plot_frontiers(some, scale=scale):
            low, high = axis.get_ylim()
            assert low < high


@pytest.mark.parametrize("scale", SCALES)
def test_figures_can_be_saved(outside: FrontierFit, scale: str) -> None:
    figure = plot_frontiers(outside, scale=scale)[0].get_figure(root=True)  # type: ignore[arg-type]
    figure.canvas.draw()


def test_given_axes_are_drawn_on_and_returned(fit: FrontierFit) -> None:
    figure, given = plt.subplots(1, 2)
    axes = plot_frontiers(fit, ax=given)
    assert all(a is b for a, b in zip(axes, given, strict=True))
    assert plt.get_fignums() == [figure.number]
    assert all(axis.lines for axis in given)
    _, single = plt.subplots()
    assert plot_frontiers(fit, ax=single, settings=["6"])[0] is single


@pytest.mark.parametrize("n", [1, 3])
def test_wrong_number_of_axes(fit: FrontierFit, n: int) -> None:
    _, given = plt.subplots(1, n)
    with pytest.raises(ValueError, match=f"ax holds {n} axes, and there are 2 panels to draw"):
        plot_frontiers(fit, ax=given)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"settings": ["6", "7"]}, r"settings=\['6', '7'\]: allowed are 6, 20"),
        ({"settings": []}, "at least one of them"),
        ({"variants": ["topk"]}, r"variants=\['topk'\]: allowed are relu, gated"),
        ({"variants": []}, "at least one of them"),
        ({"scale": "loglog"}, "scale='loglog'. Allowed: 'log', 'linear', 'logit'"),
        ({"band": "posterior"}, "band='posterior'. Allowed: 'predictive', 'expectation'"),
        ({"prob": 90}, "prob=90 is not a probability"),
    ],
)
def test_frontiers_refuse_bad_arguments(fit: FrontierFit, options: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        plot_frontiers(fit, **options)


def test_settings_and_variants_can_be_chosen(fit: FrontierFit) -> None:
    (axis,) = plot_frontiers(fit, settings=["20"], variants=["gated"])
    assert drawn_points(axis, colour_of(fit, "gated"))
    assert not drawn_points(axis, colour_of(fit, "relu"))
    assert legend_texts(np.array([axis]))[0] == "gated"


def test_a_setting_without_the_chosen_variant_says_so() -> None:
    data = frame()
    some = fitted(data[(data["variant"] == "relu") | (data["layer"] == "6")])
    there, empty = plot_frontiers(some, variants=["gated"])
    assert there.lines
    assert not empty.lines
    assert [text.get_text() for text in empty.texts] == ["no data"]


def test_without_settings_a_panel_has_no_title() -> None:
    data = frame()
    some = fitted(data[data["layer"] == "6"], setting=())
    (axis,) = plot_frontiers(some)
    assert axis.get_title() == ""


@pytest.mark.parametrize(("n", "shape"), [(1, (1, 1)), (4, (1, 4)), (5, (2, 4))])
def test_panels_fill_a_grid(n: int, shape: tuple[int, int]) -> None:
    figure, axes = axes_for(n, None)
    assert len(axes) == len(figure.axes) == n
    assert axes[0].get_gridspec().get_geometry() == shape


def test_the_baseline_is_grey_and_other_variants_differ() -> None:
    names = [f"variant {i}" for i in range(7)]
    styles = styles_for(names)
    assert list(styles) == names
    assert len(set(styles.values())) == 7
    assert styles["variant 1"] == VARIANT_STYLES[0]


# ---------------------------------------------------------------- forest


def forest(fit: FrontierFit, **options: object) -> tuple[Axes, pd.DataFrame]:
    """The drawn axes, and the rows that they show from top to bottom."""
    improvement = fit.improvement(at_hit=[0.05, 0.3], at_l0=[20])
    axis = plot_improvement(improvement, **options)  # type: ignore[arg-type]
    table = improvement.summary
    rows = table[table["quantity"] == options.get("quantity", "mean_sparsity_gain")]
    if "at" in options:
        rows = rows[np.isclose(rows["at"], options["at"])]
    place = {"setting": 0, "average": 1, "new_setting": 2}
    return axis, rows.sort_values("scope", key=lambda scope: scope.map(place), kind="stable")


def medians(axis: Axes) -> list[Line2D]:
    return [line for line in axis.lines if line.get_marker() not in ("None", None, "")]


def intervals(axis: Axes) -> list[Line2D]:
    return [line for line in axis.lines if line not in medians(axis) and line.get_linewidth() == 1.8]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"quantity": "mean_hit_reduction"},
        {"quantity": "sparsity_gain", "at": 0.3},
        {"quantity": "hit_reduction", "at": 20},
        {"quantity": "x_half_ratio"},
        {"quantity": "k_ratio"},
    ],
)
def test_forest_draws_the_table(fit: FrontierFit, options: dict) -> None:
    axis, rows = forest(fit, **options)
    assert axis.get_xscale() == "log"
    labels = ["6", "20", "average of the settings", "a new setting"]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == labels
    by_height = sorted(medians(axis), key=lambda line: line.get_ydata()[0])
    assert [line.get_ydata()[0] for line in by_height] == [0, 1, 2, 3]
    assert axis.get_ylim()[0] > axis.get_ylim()[1]  # from top to bottom
    np.testing.assert_allclose([line.get_xdata()[0] for line in by_height], rows["median"])
    ends = sorted(intervals(axis), key=lambda line: line.get_ydata()[0])
    np.testing.assert_allclose([line.get_xdata() for line in ends], rows[["lower", "upper"]])
    low, high = axis.get_xlim()
    assert low < min(1, rows["lower"].min())
    assert high > max(1, rows["upper"].max())
    hollow = [line.get_markerfacecolor() == "white" for line in by_height]
    assert hollow == (rows["support"] == "extrapolated").tolist()
    assert hollow[-1]
    texts = [text.get_text() for text in axis.texts]
    expected = [f"{r.median:.2f} [{r.lower:.2f}, {r.upper:.2f}]" for r in rows.itertuples()]
    assert sorted(texts) == sorted(expected)


def test_forest_marks_no_gain_and_explains_itself(fit: FrontierFit) -> None:
    axis, _ = forest(fit, quantity="sparsity_gain", at=0.3)
    assert any(np.array_equal(line.get_xdata(), [1, 1]) for line in axis.lines)
    assert axis.get_xlabel() == (
        "times fewer active latents at a hit of 0.3 (sparsity gain)\nmedian and 90% interval, against relu"
    )
    legend = axis.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["gated", "extrapolated or predicted"]


def test_forest_keeps_variants_apart() -> None:
    three = pd.concat([frame(), points("topk", L0["relu"], layer="6")])
    some = fit_of(frontiers_of(three, group="layer"), baseline="relu")
    axis, rows = forest(some)
    styles = styles_for(some.design.variants)
    for variant, offset in (("gated", -0.22), ("topk", 0.22)):
        lines = [line for line in medians(axis) if line.get_color() == styles[variant].colour]
        assert {line.get_marker() for line in lines} == {styles[variant].marker}
        own = rows[rows["variant"] == variant]
        lines.sort(key=lambda line: line.get_ydata()[0])
        np.testing.assert_allclose([line.get_xdata()[0] for line in lines], own["median"])
        label_at = [0, 1, 2, 3] if variant == "gated" else [0, 2, 3]
        np.testing.assert_allclose([line.get_ydata()[0] for line in lines], np.array(label_at) + offset)


def test_forest_says_where_there_is_no_shared_range() -> None:
    rows = [
        points("relu", [10, 20, 30], layer=1),
        points("gated", [100, 200, 300], layer=1),
        points("relu", [10, 20, 40], layer=2),
        points("gated", [10, 20, 40], layer=2),
    ]
    some = fit_of(frontiers_of(pd.concat(rows), group="layer"), baseline="relu")
    axis = plot_improvement(some.improvement())
    texts = {text.get_position()[1]: text.get_text() for text in axis.texts}
    assert texts[0] == "no shared range"
    assert texts[1] != "no shared range"
    assert 0 not in [line.get_ydata()[0] for line in medians(axis)]


def test_forest_without_settings() -> None:
    data = frame()
    some = fitted(data[data["layer"] == "6"], setting=())
    axis, _ = forest(some)
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["all", "average of the settings"]


def test_forest_takes_axes(fit: FrontierFit) -> None:
    figure, given = plt.subplots()
    assert forest(fit, ax=given)[0] is given
    assert plt.get_fignums() == [figure.number]
    assert isinstance(forest(fit)[0].get_figure(), Figure)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"quantity": "speed"}, "quantity='speed' is not in this table. Allowed: mean_sparsity_gain, "),
        ({"quantity": "sparsity_gain"}, "at=None: sparsity_gain is in this table at 0.05, 0.3"),
        ({"quantity": "sparsity_gain", "at": 0.2}, "at=0.2: sparsity_gain is in this table at 0.05, 0.3"),
        ({"at": 0.05}, "at=0.05: mean_sparsity_gain is not taken at a value"),
    ],
)
def test_forest_refuses_bad_arguments(fit: FrontierFit, options: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        forest(fit, **options)


def test_no_forest_of_a_single_variant() -> None:
    some = fit_of(frontiers_of(points("relu", L0["relu"])), baseline="relu")
    with pytest.raises(ValueError, match="the fit has a single variant"):
        plot_improvement(some.improvement())
    assert len(plot_frontiers(some)) == 1


# ---------------------------------------------------------------- families


FAMILY_NAMES = ("power", "hill1", "linear")
WEIGHTS = {"power": 0.625, "hill1": 0.375, "linear": 0.0}


@pytest.fixture(scope="module")
def comparison() -> CurveComparison:
    """Fits of made-up families, best first as a comparison has them."""
    fits = {}
    for shift, name in enumerate(FAMILY_NAMES):
        at = [position(X_HALF[v] * (1 + 0.3 * shift), 0.8) for v in ("relu", "gated")]
        fits[name] = fit_of(
            frontiers_of(frame(), group="layer"), baseline="relu", log_x_ref=at, log_k=np.log(0.8), sd=0.05
        )
    summary = pd.DataFrame({"curve": list(WEIGHTS), "weight": list(WEIGHTS.values())})
    return CurveComparison(summary, pd.DataFrame(), pd.DataFrame(), fits)


def lines_of(axis: Axes) -> list[Line2D]:
    return [line for line in axis.lines if line.get_linestyle() != "None"]


@pytest.mark.parametrize("scale", SCALES)
def test_every_family_draws_a_line_for_every_variant(comparison: CurveComparison, scale: str) -> None:
    axes = plot_families(comparison, scale=scale)  # type: ignore[arg-type]
    assert [axis.get_title() for axis in axes] == list(LAYERS)
    for axis, setting in zip(axes, LAYERS, strict=True):
        lines = lines_of(axis)
        assert len(lines) == 3 * 2
        pairs = [(family, variant) for family in FAMILY_NAMES for variant in ("relu", "gated")]
        for line, (family, variant) in zip(lines, pairs, strict=True):
            style = FAMILY_STYLES[FAMILY_NAMES.index(family)]
            assert to_hex(line.get_color()) == style.colour
            predicted = comparison.fits[family].predict(
                l0=1 / line.get_xdata(), variants=[variant], settings=[setting]
            )
            median = predicted["expectation"].median(("chain", "draw")).to_numpy().ravel()
            np.testing.assert_allclose(line.get_ydata(), median, rtol=1e-12)
        for variant in ("relu", "gated"):
            marker = styles_for(("relu", "gated"))[variant].marker
            (points_drawn,) = [
                line for line in axis.lines if line.get_linestyle() == "None" and line.get_marker() == marker
            ]
            rows = rows_of(comparison.fits["power"], variant, setting)
            assert np.array_equal(points_drawn.get_xdata(), rows["sparsity"])
            assert np.array_equal(points_drawn.get_ydata(), rows["performance_hit"])


def test_legend_gives_weights_and_variants(comparison: CurveComparison) -> None:
    expected = [
        "power, weight 0.62",
        "hill1, weight 0.38",
        "linear, weight 0.00",
        "relu",
        "gated",
    ]
    assert legend_texts(plot_families(comparison)) == expected
    axes = plot_families(comparison, families=["linear", "power"], variants=["gated"], settings=["20"])
    assert legend_texts(axes) == ["linear, weight 0.00", "power, weight 0.62", "gated"]
    (bare,) = plot_families(comparison, settings=["6"], legend=False)
    assert bare.get_legend() is None


def test_a_family_keeps_its_colour_when_others_are_left_out(comparison: CurveComparison) -> None:
    (axis,) = plot_families(comparison, families=["linear"], settings=["6"])
    assert {to_hex(line.get_color()) for line in lines_of(axis)} == {FAMILY_STYLES[2].colour}
    assert len(lines_of(axis)) == 2


def test_families_draw_on_given_axes(comparison: CurveComparison) -> None:
    figure, given = plt.subplots(1, 2)
    axes = plot_families(comparison, ax=given)
    assert all(a is b for a, b in zip(axes, given, strict=True))
    assert plt.get_fignums() == [figure.number]
    with pytest.raises(ValueError, match="ax holds 2 axes, and there are 1 panels to draw"):
        plot_families(comparison, ax=given, settings=["6"])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"settings": ["6", "7"]}, r"settings=\['6', '7'\]: allowed are 6, 20"),
        ({"variants": ["topk"]}, r"variants=\['topk'\]: allowed are relu, gated"),
        ({"families": ["hill"]}, r"families=\['hill'\]: allowed are power, hill1, linear"),
        ({"families": []}, "at least one of them"),
        ({"scale": "semilog"}, "scale='semilog'. Allowed: 'log', 'linear', 'logit'"),
    ],
)
def test_families_refuse_bad_arguments(comparison: CurveComparison, options: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        plot_families(comparison, **options)


# ---------------------------------------------------------------- under a dense limit


@pytest.mark.parametrize("scale", SCALES)
def test_curves_end_at_the_dense_limit(scale: str) -> None:
    """Both figures stay below the limit, and reach beyond the data towards it."""
    data = frame()
    frontiers = frontiers_of(data, group="layer")
    usual = fitted(data)
    design = design_of(frontiers, baseline="relu", dense_limit=140.0)
    tree = usual.data.copy()
    tree.attrs = usual.data.attrs | {"design": design.to_json()}
    fit = FrontierFit(tree)
    summary = pd.DataFrame({"curve": ["hill"], "weight": [1.0]})
    comparison = CurveComparison(summary, pd.DataFrame(), pd.DataFrame(), {"hill": fit})
    for axes in (plot_frontiers(fit, scale=scale), plot_families(comparison, scale=scale)):  # type: ignore[arg-type]
        for axis in axes:
            x = np.concatenate([line.get_xdata() for line in lines_of(axis)])
            assert 1 / 140 < x.min() < 1 / 128
            assert x.max() > 1 / 10


def test_the_forest_of_a_cost_says_cost() -> None:
    frame = pd.concat([points("relu", [10, 20, 40, 80]), points("gated", [12, 24, 48, 90], x_half=4.0)])
    frontiers = Frontiers.from_frame(frame.rename(columns={"performance_hit": "nmse"}), cost="nmse")
    design = design_of(frontiers, baseline="relu", curve="power")
    rng = np.random.default_rng(1)
    shape = (2, 100, 1, 2)
    posterior = xr.Dataset(
        {
            name: (("chain", "draw", "setting", "variant"), centre + 0.05 * rng.normal(size=shape))
            for name, centre in (("log_y_ref", np.log(0.1)), ("log_k", np.log(0.5)))
        },
        coords={"setting": ["all"], "variant": ["relu", "gated"], "chain": [0, 1], "draw": np.arange(100)},
    )
    axis = plot_improvement(improvement_of(posterior, frontiers, design))
    assert axis.get_xlabel().startswith("times fewer active latents at the same cost")
