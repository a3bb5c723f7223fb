"""The gain profile: the numbers that are drawn, never pixels."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

import hillfront
from helpers import fit_of, frontiers_of, points, position
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import design_of
from hillfront.plots import plot_gain_profile
from hillfront.plots.style import styles_for

L0 = {"relu": [10, 20, 40, 80], "gated": [16, 32, 64, 128], "topk": [12, 24, 48]}
X_HALF = {"relu": 2.0, "gated": 4.0, "topk": 3.0}
K = {"relu": 0.9, "gated": 0.7, "topk": 0.8}


@pytest.fixture(autouse=True)
def no_figures_left() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")


def rows(variant: str, layer: str, *, times: float = 1.0) -> pd.DataFrame:
    l0 = times * np.array(L0[variant])
    return points(variant, l0, x_half=X_HALF[variant], k=K[variant], layer=layer)


def fitted(data: pd.DataFrame) -> FrontierFit:
    names = list(dict.fromkeys(["relu", *data["variant"]]))
    at = [position(X_HALF[v], K[v]) for v in names]
    log_k = [np.log(K[v]) for v in names]
    return fit_of(frontiers_of(data, group="layer"), baseline="relu", log_x_ref=at, log_k=log_k)


@pytest.fixture(scope="module")
def fit() -> FrontierFit:
    """Gated in three layers, the last far from the baseline; top-k in one."""
    parts = [rows(v, layer) for layer in ("6", "20") for v in ("relu", "gated")]
    parts += [rows("topk", "6"), rows("relu", "27"), rows("gated", "27", times=50.0)]
    return fitted(pd.concat(parts, ignore_index=True))


@pytest.fixture(scope="module")
def near() -> FrontierFit:
    """Two layers whose shared ranges overlap."""
    parts = [rows(v, layer, times=t) for layer, t in (("6", 1.0), ("20", 1.5)) for v in ("relu", "gated")]
    return fitted(pd.concat(parts, ignore_index=True))


def lines_of(axis: Axes, colour: str, *, dashed: bool) -> list[Line2D]:
    return [
        line for line in axis.lines if line.get_color() == colour and (line.get_linestyle() != "-") == dashed
    ]


def corners(band: object) -> pd.DataFrame:
    (path,) = band.get_paths()  # type: ignore[attr-defined]
    table = pd.DataFrame(path.vertices, columns=["hit", "gain"])
    return table.groupby("hit")["gain"].agg(["min", "max"])


def shared_hits(fit: FrontierFit, variant: str, setting: str) -> tuple[float, float]:
    table = fit.frontiers.table
    own = [
        table.loc[(table["variant"] == name) & (table["setting"] == setting), "performance_hit"]
        for name in (variant, fit.baseline)
    ]
    return max(y.min() for y in own), min(y.max() for y in own)


def expected(
    fit: FrontierFit, hits: np.ndarray, *, variant: str = "gated", prob: float = 0.9, **where: str
) -> pd.DataFrame:
    """The table's own numbers at those hits."""
    table = fit.improvement(at_hit=hits.tolist(), at_l0=(), prob=prob).summary
    table = table[(table["quantity"] == "sparsity_gain") & (table["variant"] == variant)]
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def legend_texts(axes: np.ndarray) -> list[str]:
    figure = axes[0].get_figure(root=True)
    (legend,) = figure.legends or [axes[0].get_legend()]
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("prob", [0.9, 0.5])
def test_a_setting_has_the_numbers_of_the_table(fit: FrontierFit, prob: float) -> None:
    (axis,) = plot_gain_profile(fit, settings=["20"], average=False, prob=prob)
    colour = styles_for(fit.design.variants)["gated"].colour
    (solid,) = lines_of(axis, colour, dashed=False)
    below, above = lines_of(axis, colour, dashed=True)
    low, high = shared_hits(fit, "gated", "20")
    assert (solid.get_xdata()[0], solid.get_xdata()[-1]) == (low, high)
    assert (below.get_xdata()[-1], above.get_xdata()[0]) == (low, high)
    assert below.get_xdata()[0] < low
    assert above.get_xdata()[-1] > high
    # Bands: left and right of the data, then inside them, which are the fuller ones.
    bands = dict(zip((below, above, solid), axis.collections, strict=True))
    assert bands[solid].get_alpha() > 2 * bands[below].get_alpha() == 2 * bands[above].get_alpha()
    for line, band in bands.items():
        picked = line.get_xdata()[:: max(1, len(line.get_xdata()) // 6)]
        table = expected(fit, picked, prob=prob, scope="setting", layer="20")
        drawn = pd.Series(line.get_ydata(), index=line.get_xdata()).loc[picked]
        np.testing.assert_allclose(drawn, table["median"], rtol=1e-9)
        np.testing.assert_allclose(corners(band).loc[picked], table[["lower", "upper"]], rtol=1e-9)


def test_the_gain_is_that_of_the_curves_that_made_it(fit: FrontierFit) -> None:
    (axis,) = plot_gain_profile(fit, settings=["20"], average=False)
    (solid,) = lines_of(axis, styles_for(fit.design.variants)["gated"].colour, dashed=False)
    y = solid.get_xdata()
    odds = y / (1 - y)
    truth = 2.0 * odds ** (1 / 0.7 - 1 / 0.9)
    np.testing.assert_allclose(solid.get_ydata(), truth, rtol=0.1)


def test_the_average_is_solid_where_every_setting_observed(near: FrontierFit) -> None:
    axes = plot_gain_profile(near)
    assert [axis.get_title() for axis in axes] == ["average of the settings", "6", "20"]
    colour = styles_for(near.design.variants)["gated"].colour
    (solid,) = lines_of(axes[0], colour, dashed=False)
    ends = [shared_hits(near, "gated", setting) for setting in ("6", "20")]
    assert solid.get_xdata()[0] == max(low for low, _ in ends)
    assert solid.get_xdata()[-1] == min(high for _, high in ends)
    for dashed, support in ((False, "observed"), (True, "extrapolated")):
        for line in lines_of(axes[0], colour, dashed=dashed):
            picked = line.get_xdata()[1:-1:10]
            table = expected(near, picked, scope="average")
            assert set(table["support"]) == {support}
            drawn = pd.Series(line.get_ydata(), index=line.get_xdata()).loc[picked]
            np.testing.assert_allclose(drawn, table["median"], rtol=1e-9)


def test_without_a_shared_range_all_is_dashed_and_said(fit: FrontierFit) -> None:
    average, _, there, apart = plot_gain_profile(fit, variants=["gated"])
    colour = styles_for(fit.design.variants)["gated"].colour
    for axis, words in ((average, "no hit that every setting shares"), (apart, "no shared range of hits")):
        assert not lines_of(axis, colour, dashed=False)
        assert len(lines_of(axis, colour, dashed=True)) == 1
        assert [text.get_text() for text in axis.texts] == [words]
    assert not there.texts


def test_an_absent_curve_leaves_its_panel_to_the_others(fit: FrontierFit) -> None:
    average, both, gated_only, _ = plot_gain_profile(fit)
    colours = {name: style.colour for name, style in styles_for(fit.design.variants).items()}
    for axis in (average, both):
        assert all(lines_of(axis, colours[name], dashed=True) for name in ("gated", "topk"))
    assert not lines_of(gated_only, colours["topk"], dashed=True)
    # The average of one setting is that setting.
    (mean,), (own,) = (lines_of(axis, colours["topk"], dashed=False) for axis in (average, both))
    np.testing.assert_allclose(mean.get_ydata(), own.get_ydata(), rtol=1e-12)
    (empty,) = plot_gain_profile(fit, settings=["20"], variants=["topk"], average=False)
    assert [text.get_text() for text in empty.texts] == ["no data"]


def test_every_panel_has_one_scale_of_gains_with_1_on_it(fit: FrontierFit) -> None:
    axes = plot_gain_profile(fit)
    assert len({axis.get_ylim() for axis in axes}) == 1
    for axis in axes:
        assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
        low, high = axis.get_ylim()
        assert low < 1 < high
        assert any(list(line.get_ydata()) == [1.0, 1.0] for line in axis.lines)
        assert (axis.get_xlabel(), axis.get_ylabel()) == ("performance hit", "sparsity gain")


def test_legend(fit: FrontierFit) -> None:
    assert legend_texts(plot_gain_profile(fit, prob=0.8)) == [
        "gated over relu, median",
        "topk over relu, median",
        "80% posterior band of the expectation",
        "not observed by both (band paler)",
    ]
    (bare,) = plot_gain_profile(fit, settings=[], legend=False)
    assert bare.get_legend() is None
    assert not bare.get_figure(root=True).legends


def test_one_setting_has_no_average() -> None:
    some = fit_of(frontiers_of(pd.concat([rows(v, "6") for v in ("relu", "gated")])), baseline="relu")
    (axis,) = plot_gain_profile(some)
    assert axis.get_title() == ""
    with pytest.raises(ValueError, match=r"settings=\[\]: allowed are all, at least one of them"):
        plot_gain_profile(some, settings=[])


def test_axes_are_passed_through(near: FrontierFit) -> None:
    figure, given = plt.subplots(1, 3)
    axes = hillfront.plot_gain_profile(near, ax=given)
    assert all(a is b for a, b in zip(axes, given, strict=True))
    assert plt.get_fignums() == [figure.number]
    with pytest.raises(ValueError, match="ax holds 3 axes, and there are 1 panels to draw"):
        plot_gain_profile(near, settings=[], ax=given)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"settings": ["7"]}, r"settings=\['7'\]: allowed are 6, 20"),
        ({"settings": [], "average": False}, r"settings=\[\]: allowed are 6, 20, at least one of them"),
        ({"variants": ["relu"]}, r"variants=\['relu'\]: allowed are gated, at least one"),
        ({"variants": []}, "at least one of them"),
        ({"prob": 90}, "prob=90 is not a probability"),
    ],
)
def test_bad_arguments(near: FrontierFit, options: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        plot_gain_profile(near, **options)
    assert not plt.get_fignums()


def test_a_single_variant_has_no_gain() -> None:
    some = fit_of(frontiers_of(rows("relu", "6")), baseline="relu")
    with pytest.raises(ValueError, match=r"the fit has a single variant, 'relu'\. Fit it beside"):
        plot_gain_profile(some)


def with_posterior(frontiers: Frontiers, curve: str, centres: dict[str, object], sd: float) -> FrontierFit:
    """A fit that has nothing but its data and a posterior of that family."""
    design = design_of(frontiers, baseline="relu", curve=curve)
    rng = np.random.default_rng(1)
    shape = (2, 100, 1, 2)
    posterior = xr.Dataset(
        {
            name: (("chain", "draw", "setting", "variant"), np.asarray(at) + sd * rng.normal(size=shape))
            for name, at in centres.items()
        },
        coords={"setting": ["all"], "variant": ["relu", "gated"], "chain": [0, 1], "draw": np.arange(100)},
    )
    tree = xr.DataTree.from_dict({"/posterior": posterior, "/frontiers": frontiers.to_dataset()})
    tree.attrs = {"design": design.to_json()}
    return FrontierFit(tree)


def test_a_cost_is_compared_at_its_own_values() -> None:
    frame = pd.concat([points(v, L0[v], x_half=X_HALF[v]) for v in ("relu", "gated")])
    frame["performance_hit"] *= 30
    frontiers = Frontiers.from_frame(frame.rename(columns={"performance_hit": "nmse"}), cost="nmse")
    level = np.log([0.2, 0.1])
    some = with_posterior(frontiers, "power", {"log_y_ref": level, "log_k": np.log(0.5)}, sd=0.01)
    (axis,) = plot_gain_profile(some)
    assert axis.get_xlabel() == "nmse"
    assert axis.get_xlim()[1] > 1
    (solid,) = lines_of(axis, styles_for(some.design.variants)["gated"].colour, dashed=False)
    # Half the cost at every sparsity, and a cost that grows with the root of it: four times sparser.
    np.testing.assert_allclose(solid.get_ydata(), 4.0, rtol=0.3)


def test_lines_that_never_come_down_to_a_hit_stay_on_the_axes() -> None:
    data = frontiers_of(pd.concat([points(v, L0[v], x_half=X_HALF[v]) for v in ("relu", "gated")]))
    centres = {"log_y_ref": np.log([0.05, 0.03]), "log_share": np.log([0.8, 0.4])}
    some = with_posterior(data, "linear", centres, sd=0.1)
    (axis,) = plot_gain_profile(some)
    low, high = axis.get_ylim()
    assert 0 < low < 1 < high < 1e6
    for band in axis.collections:
        assert np.all(np.isfinite(band.get_paths()[0].vertices))
