"""Claims: how probable they are, where they hold, what they rest on, and how they are asked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.typing import NDArray

from helpers import drawn, fit_of, frontiers_of, points, position, posterior_of
from hillfront.cli.app import main
from hillfront.curves.families import FAMILIES, LINEAR
from hillfront.estimands.claims import LIKELY, SURE, ClaimCheck, check_claim_of
from hillfront.estimands.improvement import improvement_of
from hillfront.estimands.quantities import quantities_of
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design, design_of

Floats = NDArray[np.float64]

L0 = {"relu": [10, 20, 40, 80], "gated": [6, 12, 24, 48], "topk": [12, 25, 50, 100]}
X_HALF = {
    ("6", "relu"): 2.0,
    ("6", "gated"): 4.0,
    ("6", "topk"): 1.5,
    ("20", "relu"): 1.0,
    ("20", "gated"): 3.0,
}
K = {"relu": 0.8, "gated": 0.9, "topk": 0.8}
KINDS = {
    "mean_sparsity_gain": None,
    "mean_hit_reduction": None,
    "sparsity_gain": 0.05,
    "sparsity_gain_nats": 0.1,
    "hit_reduction": 20.0,
    "x_half_ratio": None,
    "k_ratio": None,
}


def table(*variants: str) -> Frontiers:
    """Curves in two layers, of which topk is in one only."""
    parts = [
        points(
            variant, L0[variant], x_half=x_half, k=K[variant], layer=int(layer), ce_base=2.0, ce_ablated=12.0
        )
        for (layer, variant), x_half in X_HALF.items()
        if variant in variants
    ]
    return frontiers_of(pd.concat(parts), group="layer")


@pytest.fixture(scope="module")
def three() -> FrontierFit:
    return fit_of(table("relu", "gated", "topk"), baseline="relu", sd=0.15)


@pytest.fixture(scope="module")
def two() -> FrontierFit:
    return fit_of(table("relu", "gated"), baseline="relu", sd=0.15)


def pair(gated: pd.DataFrame, **options: object) -> FrontierFit:
    """A single setting, with relu between L0 of 10 and 80."""
    return fit_of(frontiers_of(pd.concat([points("relu", L0["relu"]), gated])), baseline="relu", **options)  # type: ignore[arg-type]


def gains(log_gain: Floats, k: Floats | float = 0.8) -> tuple[xr.Dataset, Frontiers, Design]:
    """A pair of curves of which each draw has a chosen gain at a hit of 0.05, and slope."""
    data = frontiers_of(pd.concat([points("relu", L0["relu"]), points("gated", L0["relu"])]))
    design, n = design_of(data, baseline="relu"), len(log_gain)
    at, slopes = np.full((1, n, 1, 2), position(2.0, 0.8)), np.full((1, n, 1, 2), np.log(0.8))
    at[0, :, 0, 1] += log_gain
    slopes[0, :, 0, 1] = np.log(k)
    return posterior_of(design, at, slopes, sd=0.0, chains=1, draws=n), data, design


def draws_of(
    fit: FrontierFit, quantity: str, at: float | None, variant: str, setting: str | None
) -> np.ndarray:
    """Draws of the row of the improvement table."""
    scope = "average" if setting is None else "new_setting" if setting == "new_setting" else "setting"
    improved = fit.improvement(
        at_hit=[at] if quantity == "sparsity_gain" and at else [],
        at_l0=[at] if quantity == "hit_reduction" and at else [],
        at_nats=[at] if quantity == "sparsity_gain_nats" and at else [],
    )
    label = setting if scope == "setting" else ""
    rows = improved.summary.query("quantity == @quantity and variant == @variant and scope == @scope")
    rows = rows[rows["layer"] == label]
    assert len(rows) == 1
    return drawn(improved, rows.iloc[0]).to_numpy()


# ---------------------------------------------------------------- probabilities


@pytest.mark.parametrize("setting", [None, "6", "20", "new_setting"])
@pytest.mark.parametrize("quantity", KINDS)
def test_probability_is_the_share_of_draws(three: FrontierFit, quantity: str, setting: str | None) -> None:
    at = KINDS[quantity]
    values = draws_of(three, quantity, at, "gated", setting)
    low, high = np.quantile(values, [0.3, 0.8])
    claim = {"at": at, "variant": "gated", "setting": setting}

    def checked(**bounds: float) -> ClaimCheck:
        return three.check_claim(quantity, **bounds, **claim)  # type: ignore[arg-type]

    assert checked(low=low).probability == np.mean(values >= low) == pytest.approx(0.7, abs=0.01)
    assert checked(high=high).probability == np.mean(values <= high)
    both = checked(low=low, high=high)
    assert both.probability == np.mean((values >= low) & (values <= high))
    assert (both.low, both.high, both.at, both.quantity) == (low, high, at, quantity)
    assert (both.baseline, both.variant) == ("relu", "gated")
    assert both.median == pytest.approx(np.median(values))
    assert both.interval == pytest.approx(tuple(np.quantile(values, [0.05, 0.95])))
    assert checked(low=1e-9).probability == 1.0
    assert checked(high=1e-9).probability == 0.0


@pytest.mark.parametrize(
    ("setting", "scope", "label"),
    [(None, "average", ""), ("20", "setting", "20"), ("new_setting", "new_setting", "")],
)
def test_scopes(three: FrontierFit, setting: str | None, scope: str, label: str) -> None:
    check = three.check_claim("k_ratio", low=0.8, setting=setting, variant="gated")
    assert (check.scope, check.setting) == (scope, label)


def test_a_single_setting_is_its_own_average() -> None:
    fit = pair(points("gated", [10, 20, 40, 80], x_half=4.0))
    average, setting = (fit.check_claim("k_ratio", low=1.0, setting=name) for name in (None, "all"))
    assert average.probability == setting.probability
    assert "average" not in average.sentence
    assert "in all" not in setting.sentence


def test_the_ends_of_a_claim_are_part_of_it() -> None:
    check = check_claim_of(*gains(np.zeros(10)), "k_ratio", low=1.0, high=1.0)
    assert check.probability == 1.0


def test_the_variant_may_be_left_out_where_there_is_one(two: FrontierFit) -> None:
    check = two.check_claim("k_ratio", low=0.9)
    assert check == two.check_claim("k_ratio", low=0.9, variant="gated")
    assert check.variant == "gated"


@pytest.mark.parametrize("curve", FAMILIES)
def test_every_quantity_of_every_family_can_be_claimed(curve: str) -> None:
    family, frontiers = FAMILIES[curve], table("relu", "gated")
    posterior = fit_of(frontiers, baseline="relu").data["posterior"].to_dataset()
    for parameter in family.sampled:
        if parameter.name not in posterior:
            posterior[parameter.name] = 0.01 * posterior["log_k"]
            for part in ("setting_sd", "interaction_sd"):
                posterior[f"{parameter.name}_{part}"] = posterior[f"log_k_{part}"]
    design = design_of(frontiers, baseline="relu", curve=curve)
    table_of_it = improvement_of(posterior, frontiers, design, at_hit=[0.05], at_l0=[20], at_nats=[0.1])
    assert set(quantities_of(family)) == set(table_of_it.summary["quantity"])
    for quantity in quantities_of(family):
        check = check_claim_of(posterior, frontiers, design, quantity, low=1e-9, at=KINDS.get(quantity))
        assert 0.0 <= check.probability <= 1.0
        assert quantity.removesuffix("_ratio")[-1] in check.sentence


def test_undefined_draws_do_not_hold() -> None:
    """A straight line that lies above the hit in both curves leaves the gain there undefined."""
    frontiers = table("relu", "gated")
    posterior = fit_of(frontiers, baseline="relu").data["posterior"].to_dataset()
    posterior["log_y_ref"] = 0.0 * posterior["log_k"] + np.log(0.5)
    posterior["log_share"] = 0.0 * posterior["log_k"]
    posterior["log_share"][0] = np.log(0.02)  # one chain of two: an intercept of 0.49
    design = design_of(frontiers, baseline="relu", curve=LINEAR.name, pool={"m": "none", "c": "none"})
    check = check_claim_of(posterior, frontiers, design, "sparsity_gain", low=0.5, at=0.1)
    assert check.probability == 0.5
    assert "In 50.0% of the draws the quantity is undefined" in str(check)


# ---------------------------------------------------------------- support


def test_support_is_that_of_the_table(two: FrontierFit) -> None:
    shared = two.check_claim("sparsity_gain", low=1.5, at=0.05, setting="6")
    assert shared.hits is not None
    assert shared.support == "observed"
    assert "; observed)" in shared.sentence
    beyond = two.check_claim("sparsity_gain", low=1.5, at=1.1 * shared.hits[1], setting="6")
    assert beyond.support == "extrapolated"
    assert "extrapolated beyond what both frontiers observed" in beyond.sentence
    assert two.check_claim("x_half_ratio", low=1.5).support == "extrapolated"
    assert two.check_claim("k_ratio", low=1.5).support == "observed"


def test_a_new_setting_is_extrapolated(two: FrontierFit) -> None:
    check = two.check_claim("k_ratio", low=0.9, setting="new_setting")
    assert check.support == "extrapolated"
    assert "in a new setting" in check.sentence
    assert "extrapolated to a setting without data" in check.sentence


@pytest.mark.parametrize("setting", [None, "all"])
def test_without_a_shared_range_it_says_so(setting: str | None) -> None:
    fit = pair(points("gated", [1000, 2000, 4000], x_half=4.0))
    check = fit.check_claim("mean_sparsity_gain", low=2.0, setting=setting)
    assert check.support == "none"
    assert np.isnan([check.probability, check.median, *check.interval]).all()
    assert check.sentence == (
        "It cannot be checked that gated needs at least 2 times fewer active latents than relu, as a mean "
        "over the shared hits: the two frontiers share no range there."
    )
    gain = fit.check_claim("sparsity_gain", low=1e-9, at=0.05, setting=setting)
    assert (gain.support, gain.probability) == ("extrapolated", 1.0)
    assert (gain.hits, gain.holds_at, gain.holds_surely_at) == (None, None, None)
    assert "There is no shared range of hits" in str(gain)


def test_settings_left_out_of_an_average_are_counted() -> None:
    parts = [points(v, L0[v], layer=layer) for v in ("relu", "gated") for layer in (6, 20)]
    parts += [points("relu", L0["relu"], layer=27), points("gated", [1000, 2000], layer=27)]
    fit = fit_of(frontiers_of(pd.concat(parts), group="layer"), baseline="relu")
    left_out = "1 of 3 settings share no range and are left out."
    assert left_out in str(fit.check_claim("mean_hit_reduction", low=1.0))
    assert left_out not in str(fit.check_claim("mean_hit_reduction", low=1.0, setting="6"))
    assert left_out not in str(fit.check_claim("k_ratio", low=1.0))


# ---------------------------------------------------------------- where a claim holds


def test_hits_are_the_shared_range() -> None:
    fit = pair(points("gated", [20, 40, 160]), sd=0.0)
    check = fit.check_claim("sparsity_gain", low=0.5, at=0.05)
    hits = [set(rows["performance_hit"]) for _, _, rows in fit.frontiers.curves()]
    assert check.hits == (max(map(min, hits)), min(map(max, hits)))
    assert check.holds_at == check.holds_surely_at == pytest.approx(check.hits)


def test_where_a_claim_holds_is_where_its_share_of_draws_says() -> None:
    rng = np.random.default_rng(3)
    fit = gains(rng.normal(np.log(2.0), 0.2, 400), 1.1)
    check = check_claim_of(*fit, "sparsity_gain", low=2.0, at=0.05)
    assert check.hits is not None
    # Every draw's gain falls with the hit by the same factor, so both ranges end where a quantile is 2.
    improved = improvement_of(*fit, at_hit=np.geomspace(*check.hits, 400).tolist())
    rows = improved.summary.query("quantity == 'sparsity_gain' and scope == 'average'")
    gain = improved.draws["sparsity_gain"].sel(variant="gated", setting="average")
    shares = (gain >= 2.0).mean(("chain", "draw")).to_numpy()
    step = (check.hits[1] / check.hits[0]) ** (1 / 40)
    for ends, p in ((check.holds_at, LIKELY), (check.holds_surely_at, SURE)):
        there = rows["at"][shares >= p]
        assert ends is not None
        assert ends == pytest.approx((there.min(), there.max()), rel=step - 1)
        assert there.min() * (1 - 1e-9) <= ends[0] < ends[1] <= there.max() * (1 + 1e-9)
    assert check.holds_at is not None
    assert check.holds_surely_at is not None
    assert check.hits[0] == check.holds_at[0] == check.holds_surely_at[0]
    assert check.holds_surely_at[1] < check.holds_at[1] < check.hits[1]


def test_a_claim_may_hold_nowhere() -> None:
    check = check_claim_of(*gains(np.full(20, np.log(2.0))), "sparsity_gain", low=3.0, at=0.05)
    assert (check.probability, check.holds_at, check.holds_surely_at) == (0.0, (), ())
    assert "0.000 (no draw)" in check.sentence
    assert check.sentence.endswith("it has a probability of 0.5 or more at none.")


def test_a_claim_may_be_likely_and_nowhere_sure() -> None:
    fit = gains(np.where(np.arange(20) < 14, np.log(2.0), np.log(1.0)))
    check = check_claim_of(*fit, "sparsity_gain", low=1.5, at=0.05)
    assert (check.probability, check.holds_at, check.holds_surely_at) == (0.7, check.hits, ())
    assert check.sentence.endswith("and of 0.95 or more at none.")


def test_gaps_in_where_a_claim_holds_are_told() -> None:
    """Half of the draws gain above a hit of 0.05 and half below it, and none of them close to it."""
    rising = np.arange(20) < 10
    fit = gains(np.full(20, np.log(1.9)), np.where(rising, 0.5, 1.4))
    check = check_claim_of(*fit, "sparsity_gain", low=2.0, at=0.05)
    assert check.holds_at == check.hits
    assert check.probability == 0.0
    assert "there are some at which the claim's probability is below 0.5." in str(check)


def test_the_average_takes_the_average_range(two: FrontierFit) -> None:
    claim = {"low": 1.5, "at": 0.05}
    overall, *settings = (
        two.check_claim("sparsity_gain", setting=g, **claim).hits for g in (None, "6", "20")
    )  # type: ignore[arg-type]
    assert overall == pytest.approx(np.exp(np.log(settings).mean(axis=0)))
    assert "part of it is extrapolated" in str(two.check_claim("sparsity_gain", **claim))  # type: ignore[arg-type]
    assert "part of it" not in str(two.check_claim("sparsity_gain", setting="6", **claim))  # type: ignore[arg-type]


@pytest.mark.parametrize("quantity", sorted(KINDS.keys() - {"sparsity_gain"}))
def test_only_sparsity_gains_hold_at_hits(two: FrontierFit, quantity: str) -> None:
    check = two.check_claim(quantity, low=1.0, at=KINDS[quantity])
    assert (check.hits, check.holds_at, check.holds_surely_at) == (None, None, None)


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("quantity", "bounds", "setting", "text"),
    [
        (
            "k_ratio",
            {"low": 1.2, "high": 1.4},
            "6",
            "k falls by a factor of 1.2 to 1.4 from relu to gated, in 6",
        ),
        (
            "x_half_ratio",
            {"high": 3},
            None,
            "x_half rises by a factor of at most 3 from relu to gated, on average over the settings",
        ),
        (
            "sparsity_gain",
            {"low": 2.7},
            None,
            "gated needs at least 2.7 times fewer active latents than relu at a hit of 0.05, on average",
        ),
        (
            "hit_reduction",
            {"low": 2},
            "new_setting",
            "gated has a hit at least 2 times smaller than relu at an L0 of 20, in a new setting",
        ),
        ("mean_sparsity_gain", {"low": 2}, "20", "latents than relu, as a mean over the shared hits, in 20"),
        ("mean_hit_reduction", {"low": 2}, "20", "as a mean over the shared sparsities, in 20"),
    ],
)
def test_sentences(
    two: FrontierFit, quantity: str, bounds: dict[str, float], setting: str | None, text: str
) -> None:
    check = two.check_claim(quantity, **bounds, at=KINDS[quantity], setting=setting)  # type: ignore[arg-type]
    assert text in check.statement
    assert check.sentence.startswith(f"With probability {check.probability:.3f}")
    assert f"(median {check.median:.3g}, 90% interval [{check.interval[0]:.3g}, " in check.sentence
    assert "\n" not in check.sentence


def test_a_failed_diagnostic_comes_first() -> None:
    fit = pair(points("gated", [10, 20, 40, 80]), diverging=3)
    text = str(fit.check_claim("k_ratio", low=1.0))
    assert text.startswith("DIAGNOSTIC FAILED: ")
    assert text.splitlines()[-1].startswith("With probability")


# ---------------------------------------------------------------- what is refused

GAIN = {"quantity": "sparsity_gain", "low": 2.0, "at": 0.05, "variant": "gated"}


@pytest.mark.parametrize(
    ("changes", "texts"),
    [
        (
            {"quantity": "sparsity_gian"},
            (
                "'sparsity_gian' is not a quantity of the 'hill' family",
                "Allowed: 'mean_sparsity_gain'",
                "'k_ratio'",
                "Did you mean 'sparsity_gain'?",
            ),
        ),
        ({"quantity": "slope_ratio"}, ("not a quantity of the 'hill' family", "'x_half_ratio', 'k_ratio'")),
        ({"at": None}, ("sparsity_gain needs at: a performance hit, between 0 and 1",)),
        ({"quantity": "hit_reduction", "at": None}, ("hit_reduction needs at: an L0, a positive number",)),
        ({"at": 1.0}, ("at=1.0 is not allowed for sparsity_gain", "between 0 and 1")),
        ({"at": 0.0}, ("at=0.0",)),
        ({"at": np.nan}, ("at=nan",)),
        (
            {"quantity": "hit_reduction", "at": -3.0},
            ("at=-3.0 is not allowed", "a positive number of latents"),
        ),
        ({"quantity": "hit_reduction", "at": np.inf}, ("at=inf",)),
        (
            {"quantity": "k_ratio"},
            ("at=0.05: k_ratio is not taken at a value", "'sparsity_gain', 'sparsity_gain_nats'"),
        ),
        ({"low": None}, ("The claim has no bound. Give low, high or both",)),
        ({"high": 1.5}, ("low=2.0 lies above high=1.5", "Let them change places")),
        ({"low": 0.0}, ("low=0.0 is not a bound", "a positive number, or leave it out")),
        ({"high": np.inf}, ("high=inf is not a bound",)),
        ({"low": np.nan}, ("low=nan is not a bound",)),
        (
            {"setting": "7"},
            ("setting='7' is not a setting of this fit", "Allowed: '6', '20', 'new_setting', or nothing"),
        ),
        (
            {"setting": "20", "variant": "topk"},
            ("setting='20' has no SAEs of 'topk', or none of 'relu'", "Allowed: '6', 'new_setting'"),
        ),
        ({"variant": None}, ("several variants", "variant='gated' or variant='topk'")),
        ({"variant": "gatde"}, ("not a variant of this fit", "Allowed: 'gated', 'topk'", "mean 'gated'?")),
        ({"variant": "relu"}, ("variant='relu' is the baseline itself", "Allowed: 'gated', 'topk'")),
    ],
)
def test_refused(three: FrontierFit, changes: dict[str, object], texts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        three.check_claim(**(GAIN | changes))  # type: ignore[arg-type]
    for text in texts:
        assert text in str(raised.value)


@pytest.mark.parametrize("reason", ["one setting", "not pooled"])
def test_a_new_setting_takes_pooled_settings(two: FrontierFit, reason: str) -> None:
    fit = pair(points("gated", [10, 20, 40, 80])) if reason == "one setting" else two
    design = (
        fit.design
        if reason == "one setting"
        else replace(fit.design, pool=(("x_half", "none"), ("k", "none")))
    )
    with pytest.raises(ValueError, match=r"several settings whose parameters are pooled\. Allowed: '"):
        check_claim_of(
            fit.data["posterior"].to_dataset(),
            fit.frontiers,
            design,
            "k_ratio",
            low=1.0,
            setting="new_setting",
        )


def test_nothing_to_compare() -> None:
    alone = fit_of(table("relu"), baseline="relu")
    with pytest.raises(ValueError, match="one variant, the baseline 'relu': there is nothing to compare"):
        alone.check_claim("k_ratio", low=1.0)
    parts = [points("relu", L0["relu"], layer=6), points("gated", L0["gated"], layer=20)]
    apart = fit_of(frontiers_of(pd.concat(parts), group="layer"), baseline="relu")
    with pytest.raises(ValueError, match="'gated' has no setting in common with the baseline 'relu'"):
        apart.check_claim("k_ratio", low=1.0)


# ---------------------------------------------------------------- the command line

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process: exit status, output and errors."""

    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hillfront", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        printed = capsys.readouterr()
        return int(left.value.code or 0), printed.out, printed.err

    return command


def test_command(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = fit_of(table("relu", "gated"), baseline="relu", chains=4, draws=400)
    saved = two.save(tmp_path / "fit.nc")
    status, out, err = run("check", saved, "sparsity_gain", "--low", 2.7, "--at", 0.05, "--setting", "20")
    expected = two.check_claim("sparsity_gain", low=2.7, at=0.05, setting="20")
    assert (status, out, err) == (0, f"{expected}\n", "")
    status, out, _ = run("check", saved, "k_ratio", "--low", 1.2, "--high", 1.4, "--variant", "gated")
    assert (status, out) == (0, f"{two.check_claim('k_ratio', low=1.2, high=1.4)}\n")
    for arguments, text in {
        ("k_ratoi", "--low", 1): "Did you mean 'k_ratio'?",
        ("k_ratio", "--low", 2, "--setting", "7"): "Allowed: '6', '20', 'new_setting'",
        ("k_ratio", "--low", 2, "--variant", "topk"): "Allowed: 'gated'.",
    }.items():
        status, out, err = run("check", saved, *arguments)
        assert (status, out, err.startswith("hillfront: ")) == (2, "", True)
        assert text in err
    monkeypatch.setattr(
        FrontierFit, "load", lambda path: pair(points("gated", [10, 20, 40, 80]), diverging=3)
    )
    status, out, _ = run("check", saved, "k_ratio", "--low", 1)
    assert (status, out.startswith("DIAGNOSTIC FAILED")) == (1, True)


def test_command_with_a_file_that_is_no_fit(run: Run, tmp_path: Path) -> None:
    (tmp_path / "fit.nc").write_text("not a fit")
    for name, text in {"no.nc": "There is no file", "fit.nc": "is not a NetCDF file"}.items():
        status, out, err = run("check", tmp_path / name, "k_ratio", "--low", 1)
        assert (status, out) == (2, "")
        assert text in err


@pytest.mark.parametrize(
    "arguments", [["check"], ["check", "fit.nc"], ["check", "f", "k_ratio", "--low", "x"]]
)
def test_command_used_wrongly(run: Run, arguments: list[str]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err
    assert "Traceback" not in err
