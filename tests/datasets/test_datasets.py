"""The packaged dataset holds what its own documentation says."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources

import pandas as pd
import pytest

from hillfront.datasets import load_dataset

CURVE = ["model", "site", "layer", "variant"]


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    return load_dataset("gated_sae", raw=True)


@pytest.fixture(scope="module")
def documentation() -> str:
    return resources.files("hillfront.datasets").joinpath("gated_sae.md").read_text(encoding="utf-8")


def table_below(documentation: str, heading: str) -> list[dict[str, str]]:
    """Rows of the Markdown table that follows a heading."""
    section = documentation.split(f"# {heading}\n", 1)[1]
    lines = section[section.index("|") :].split("\n\n", 1)[0].strip().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    header, _, *body = cells
    return [dict(zip(header, row, strict=True)) for row in body]


def test_default_returns_the_usable_rows_in_source_order(raw: pd.DataFrame) -> None:
    usable = load_dataset()
    assert (len(raw), len(usable)) == (283, 269)
    assert "left_out" not in usable.columns
    expected = raw[raw["left_out"] == ""].drop(columns="left_out").reset_index(drop=True)
    pd.testing.assert_frame_equal(usable, expected)
    assert usable.index.tolist() == list(range(269))
    assert raw["table"].is_monotonic_increasing
    assert (raw.groupby(CURVE).ngroups, usable.groupby(CURVE).ngroups) == (54, 52)


def test_usable_rows_can_be_fitted() -> None:
    usable = load_dataset()
    assert usable["l0"].gt(0).all()
    assert not usable.duplicated([*CURVE, "l0", "loss_recovered"]).any()
    assert usable.assign(hit=1 - usable["loss_recovered"]).groupby(CURVE)["hit"].max().gt(0).all()
    below_zero = usable[usable["loss_recovered"] < 0]
    assert below_zero[[*CURVE, "l0"]].to_numpy().tolist() == [["Pythia-2.8B", "attn", 16, "baseline", 0.3]]


def test_documented_columns_are_the_columns(raw: pd.DataFrame, documentation: str) -> None:
    assert [row["column"] for row in table_below(documentation, "Columns")] == list(raw.columns)


def test_column_types(raw: pd.DataFrame) -> None:
    for column in ("layer", "width", "table", "seq_len", "pareto_computed"):
        assert pd.api.types.is_integer_dtype(raw[column]), column
    for column in ("source", "model", "site", "variant", "ablation", "note", "left_out"):
        assert raw[column].map(type).eq(str).all(), column
    missing = raw.isna().sum()
    assert missing[missing > 0].to_dict() == {"sparsity_coef": 2, "pct_alive": 2}


def test_documented_left_out_rows_are_exactly_those(raw: pd.DataFrame, documentation: str) -> None:
    documented = [
        (
            int(row["table"]),
            row["model"],
            row["site"],
            int(row["layer"]),
            row["variant"],
            float(row["l0"]),
            float(row["loss_recovered"]),
            row["reason"],
        )
        for row in table_below(documentation, "Rows left out")
    ]
    left_out = raw.loc[raw["left_out"] != "", ["table", *CURVE, "l0", "loss_recovered", "left_out"]]
    assert documented == list(left_out.itertuples(index=False, name=None))


def test_left_out_follows_the_documented_rule(raw: pd.DataFrame) -> None:
    disagree = (raw["loss_recovered"] - raw["loss_recovered_from_ce"]).abs() > 0.01
    no_hit = raw["loss_recovered"].ge(1).groupby([raw[column] for column in CURVE]).transform("all")
    rule = {
        "negative L0": raw["l0"] < 0,
        "L0 is 0": raw["l0"] == 0,
        "jumbled rows": disagree | raw["note"].str.contains("L0-to-loss pairing .* uncertain"),
        "no positive hit in this curve": no_hit,
    }
    assert {reason: int(holds.sum()) for reason, holds in rule.items()} == {
        "negative L0": 4,
        "L0 is 0": 2,
        "jumbled rows": 4,
        "no positive hit in this curve": 6,
    }
    for reason, holds in rule.items():
        assert raw["left_out"].str.contains(reason).tolist() == holds.tolist(), reason
    curves = raw.loc[no_hit, [*CURVE, "left_out"]]
    assert set(curves[["model", "site", "layer"]].itertuples(index=False, name=None)) == {
        ("Gemma-7B", "attn", 27)
    }
    assert curves["left_out"].str.contains("Gemma-7B attn layer 27", regex=False).all()


def test_documented_counts_per_curve(raw: pd.DataFrame, documentation: str) -> None:
    counted = {
        kind: frame.groupby(["model", "seq_len", "site", "layer", "variant"]).size().to_dict()
        for kind, frame in (("usable", load_dataset()), ("all", raw))
    }
    documented: dict[str, dict[tuple[object, ...], int]] = {"usable": {}, "all": {}}
    for row in table_below(documentation, "Rows per curve"):
        for variant in ("baseline", "gated"):
            for kind, counts in documented.items():
                count = int(row[f"{variant} {kind}"])
                if count:
                    counts[row["model"], int(row["seq_len"]), row["site"], int(row["layer"]), variant] = count
    assert documented == counted
    assert counted["usable"]["Gemma-7B", 1024, "mlp", 6, "gated"] == 1


def test_recovery_as_printed_agrees_with_the_cross_entropies() -> None:
    usable = load_dataset()
    span = usable["ce_ablated"] - usable["ce_base"]
    from_ce = (usable["ce_ablated"] - usable["ce_sae"]) / span
    pd.testing.assert_series_equal(
        from_ce, usable["loss_recovered_from_ce"], check_names=False, atol=1e-6, rtol=0
    )
    recovered = usable["loss_recovered"]
    rounding = 5e-5 + 5e-5 * (1 + recovered.abs() + (1 - recovered).abs()) / span
    assert (recovered - from_ce).abs().le(rounding).all()


@pytest.mark.parametrize("rows", ["positive L0", "usable"])
def test_pareto_computed_is_over_the_whole_curve(raw: pd.DataFrame, rows: str) -> None:
    frame = raw[raw["l0"] > 0] if rows == "positive L0" else load_dataset()
    for _, curve in frame.groupby(CURVE):
        for index, row in curve.iterrows():
            others = curve.drop(index=index)
            beaten = (others["l0"].le(row["l0"]) & others["loss_recovered"].ge(row["loss_recovered"])).any()
            assert row["pareto_computed"] == int(not beaten)


def test_known_reference_figure() -> None:
    """Least squares y = m/L0 + c on the Pareto points of Gemma-7B resid layer 20: a slope ratio of 2.77."""
    frame = load_dataset(model="Gemma-7B", seq_len=1024)
    frame = frame[(frame["site"] == "resid") & (frame["layer"] == 20) & (frame["pareto_computed"] == 1)]
    slope = {}
    for variant, curve in frame.groupby("variant"):
        sparsity, hit = 1 / curve["l0"], 1 - curve["loss_recovered"]
        slope[variant] = sparsity.cov(hit) / sparsity.var()
    assert slope["baseline"] / slope["gated"] == pytest.approx(2.77, abs=0.005)


@pytest.mark.parametrize(
    ("model", "seq_len", "rows", "rows_raw"),
    [
        ("Gemma-7B", None, 161, 175),
        ("Gemma-7B", 1024, 161, 175),
        ("Pythia-2.8B", None, 108, 108),
        (None, 2048, 108, 108),
    ],
)
def test_selection(model: str | None, seq_len: int | None, rows: int, rows_raw: int) -> None:
    frame = load_dataset(model=model, seq_len=seq_len)
    assert len(frame) == rows
    assert frame.index.tolist() == list(range(rows))
    assert len(load_dataset(model=model, seq_len=seq_len, raw=True)) == rows_raw


def test_attrs_say_whom_to_cite() -> None:
    for frame in (load_dataset(), load_dataset(model="Gemma-7B", raw=True)):
        assert set(frame.attrs) == {"citation", "licence", "source"}
        assert "Rajamanoharan" in frame.attrs["citation"]
        assert "2404.16014" in frame.attrs["citation"]
        assert frame.attrs["licence"] == "CC BY 4.0"
        assert "Tables 1-8" in frame.attrs["source"]


def test_each_call_returns_its_own_frame() -> None:
    first = load_dataset()
    first.loc[0, "l0"] = -1.0
    first.attrs["licence"] = "none"
    second = load_dataset()
    assert second.loc[0, "l0"] == 18.1
    assert second.attrs["licence"] == "CC BY 4.0"


def test_unknown_names_list_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"unknown dataset 'gated'; available: 'gated_sae'\."):
        load_dataset("gated")
    with pytest.raises(ValueError, match=r"unknown model 'gemma'; available: 'Gemma-7B', 'Pythia-2.8B'\."):
        load_dataset(model="gemma")
    with pytest.raises(ValueError, match=r"unknown seq_len 512; available: 1024, 2048\."):
        load_dataset(seq_len=512)
    with pytest.raises(ValueError, match=r"unknown seq_len 2048 for model 'Gemma-7B'; available: 1024\."):
        load_dataset(model="Gemma-7B", seq_len=2048)


def test_import_is_cheap() -> None:
    code = (
        "import sys, hillfront.datasets; "
        "heavy = {'pandas', 'numpy', 'pymc', 'pytensor', 'nutpie', 'arviz', 'matplotlib'}; "
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
