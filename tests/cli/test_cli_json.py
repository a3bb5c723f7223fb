"""What programs and shells read of the command line: JSON, examples, completion, and no colours in a pipe."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer.main

from commands import Done, command
from helpers import fit_of, frontiers_of, points
from hillfront.cli.app import app
from hillfront.cli.json_output import plain, to_json
from hillfront.cli.options import CURVES, NOISES, QUANTITIES, complete_curve
from hillfront.curves.families import FAMILIES
from hillfront.estimands.quantities import quantities_of
from hillfront.model.likelihood import LIKELIHOODS

type Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return partial(command, monkeypatch, capsys)


def frame(*, shared: bool = True) -> pd.DataFrame:
    far = 0 if shared else 900
    rows = [
        points(
            variant,
            np.array([10, 20, 40, 80]) + shift + (far if layer == 20 else 0) * shift,
            layer=layer,
            x_half=x_half,
        )
        for layer in (6, 20)
        for variant, shift, x_half in (("relu", 0, 2.0), ("gated", 1, 4.0))
    ]
    return pd.concat(rows, ignore_index=True)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    frame().to_csv(tmp_path / "saes.csv", index=False)
    return tmp_path / "saes.csv"


def document_of(done: Done) -> Any:
    """The one document on standard output, which has no NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(done.out, parse_constant=refuse)


def assert_records(records: list[dict[str, Any]], path: Path) -> None:
    """The same rows as in a file."""
    stored = pd.read_csv(path)
    assert len(records) == len(stored)
    assert list(records[0]) == list(stored)


# ---------------------------------------------------------------- JSON


def test_fit(run: Run, data: Path, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]) -> None:
    out = tmp_path / "out"
    options = ["--baseline", "relu", "--group", "layer", "--out", out, "--at-hit", 0.05, "--json"]
    done = run("fit", data, *options)
    found = document_of(done)
    assert found["command"] == "fit"
    assert done.status == (0 if found["passed"] else 1)
    for name in ("improvement", "pareto"):
        assert_records(found[name], out / f"{name}.csv")
    assert {row["passed"] for row in found["diagnostics"]} <= {True, False, None}
    assert None in {row["passed"] for row in found["diagnostics"]}
    assert {row["verdict"] for row in found["pareto"]} == {"better"}
    stored = pd.read_csv(out / "improvement.csv")
    gains = [row["median"] for row in found["improvement"]]
    assert gains == pytest.approx(stored["median"].tolist(), nan_ok=True)
    assert {row["at"] for row in found["improvement"] if row["quantity"] == "sparsity_gain"} == {0.05}
    assert {Path(path).name for path in found["files"]} == {path.name for path in out.iterdir()}
    assert found["data"]["variants"] == ["relu", "gated"]
    assert "pymc" in found["versions"]
    assert "Sampling " in done.err


def test_a_failed_diagnostic(
    run: Run, data: Path, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    sampler.diverging = 40
    done = run(
        "fit", data, "--baseline", "relu", "--group", "layer", "--out", tmp_path / "o", "--json", "--quiet"
    )
    found = document_of(done)
    assert (done.status, found["passed"], done.err) == (1, False, "")
    assert False in {row["passed"] for row in found["diagnostics"]}


def test_nothing_shared_is_null(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    frame(shared=False).to_csv(tmp_path / "far.csv", index=False)
    done = run(
        "fit",
        tmp_path / "far.csv",
        "--baseline",
        "relu",
        "--group",
        "layer",
        "--out",
        tmp_path / "o",
        "--json",
    )
    found = document_of(done)
    assert None in [row["median"] for row in found["improvement"]]


def test_demo(run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]) -> None:
    done = run("demo", "--out", tmp_path / "out", "--json")
    found = document_of(done)
    assert (found["command"], found["baseline"], found["data"]["group_columns"]) == (
        "demo",
        "baseline",
        ["site", "layer"],
    )


def test_compare(run: Run, data: Path, tmp_path: Path, sampler: SimpleNamespace) -> None:
    options = ["--baseline", "relu", "--group", "layer", "--curve", "hill", "--json"]
    done = run("compare", data, *options)
    found = document_of(done)
    assert done.status == (0 if found["passed"] else 1)
    assert [row["curve"] for row in found["comparison"]] == ["hill"]
    assert {row["quantity"] for row in found["gains"]} == {"mean_sparsity_gain", "mean_hit_reduction"}
    assert (found["out"], found["files"], list(found["diagnostics"])) == (None, [], ["hill"])


def test_check(run: Run, tmp_path: Path) -> None:
    fit = fit_of(frontiers_of(frame(), group="layer"), baseline="relu")
    fit.save(tmp_path / "fit.nc")
    done = run("check", tmp_path / "fit.nc", "mean_sparsity_gain", "--low", 1.5, "--json")
    found = document_of(done)
    assert found["claim"]["probability"] > 0.9
    assert (found["claim"]["low"], found["claim"]["high"], found["claim"]["support"]) == (
        1.5,
        None,
        "observed",
    )
    assert found["sentence"] == fit.check_claim("mean_sparsity_gain", low=1.5).sentence


@pytest.mark.parametrize("command", ["fit", "compare"])
def test_an_error_leaves_standard_output_empty(run: Run, tmp_path: Path, command: str) -> None:
    done = run(command, tmp_path / "no.csv", "--baseline", "relu", "--out", tmp_path / "o", "--json")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("hillfront: There is no file")


def test_a_folder_that_does_not_fit(run: Run, tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "a.json").write_text('{"eval_type_id": "core"')
    done = run("fit", tmp_path / "core", "--baseline", "x", "--out", tmp_path / "o", "--json")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"hillfront: {tmp_path / 'core' / 'a.json'} cannot be read: truncated JSON")
    assert not (tmp_path / "o").exists()


def test_a_format_that_is_given(
    run: Run, data: Path, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    done = run("fit", data, "--format", "wandb", "--baseline", "relu", "--out", tmp_path / "o", "--quiet")
    assert done.status in (0, 1), done.err
    done = run("fit", data, "--format", "saebench", "--baseline", "relu", "--out", tmp_path / "p")
    assert (done.status, "saes.csv cannot be read: not JSON" in done.err) == (2, True)


def test_plain_values() -> None:
    table = pd.DataFrame({"n": [1, 2], "x": [0.5, np.inf], "t": ["a", None]})
    assert plain(table) == [{"n": 1, "x": 0.5, "t": "a"}, {"n": 2, "x": None, "t": None}]
    assert plain((np.float64("nan"), np.int64(3), Path("a"), pd.NA)) == [None, 3, "a", None]
    assert plain(pd.DataFrame({"n": []})) == []
    assert json.loads(to_json({"a": (1, float("nan"))})) == {"a": [1, None]}


# ---------------------------------------------------------------- help, completion, colours


def commands() -> dict[str, Any]:
    """Every command by its words."""
    top = typer.main.get_command(app)
    found = {"hillfront": top}
    for name, inside in top.commands.items():  # type: ignore[attr-defined]
        found[f"hillfront {name}"] = inside
        found |= {f"hillfront {name} {sub}": c for sub, c in getattr(inside, "commands", {}).items()}
    return found


@pytest.mark.parametrize("name", commands())
def test_every_help_ends_with_examples_that_can_be_run(name: str) -> None:
    found = commands()
    lines = [line for line in found[name].epilog.split("\n\n") if line.startswith("hillfront ")]
    assert 1 <= len(lines) <= 3
    for line in lines:
        words = line.split(">")[0].split()
        depth = max(n for n in (1, 2, 3) if " ".join(words[:n]) in found)
        used = found[" ".join(words[:depth])]
        assert used is found[name] or name == used.name or name in ("hillfront", "hillfront study")
        allowed = {option for parameter in used.params for option in parameter.opts}
        allowed |= {"--help", "--install-completion"}
        given = {word for word in words if word.startswith("--")}
        assert given <= allowed, line
        required = {p.opts[0] for p in used.params if p.required and p.opts[0].startswith("--")}
        assert "--help" in given or "--config" in given or required <= given, line


def test_help_documents_the_exit_statuses(run: Run) -> None:
    text = " ".join(run("--help").out.split())
    for status in ("0 done", "1 done, but a diagnostic failed", "2 bad input or usage", "130 interrupted"):
        assert status in text
    assert "--install-completion" in text
    assert "--show-completion" in text


def test_names_that_complete_are_all_names() -> None:
    assert tuple(FAMILIES) == CURVES
    assert tuple(LIKELIHOODS) == NOISES
    assert set(QUANTITIES) == {name for family in FAMILIES.values() for name in quantities_of(family)}
    assert complete_curve("hi") == ["hill", "hill1"]


def process(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=kept | environment,
    )


MAIN = "import sys; from hillfront.cli.app import main; sys.argv = {arguments!r}; main()"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("hillfront fit saes.csv --curve p", ["power", "proportional"]),
        ("hillfront compare saes.csv --noise logit", ["logit-normal"]),
        ("hillfront fit saes.csv --format sae", ["saebench", "saelens"]),
        ("hillfront check fit.nc mean_", ["mean_sparsity_gain", "mean_hit_reduction"]),
        ("hillfront fit saes.csv --con", ["--config"]),
    ],
)
def test_a_shell_completes(words: str, names: list[str]) -> None:
    """As bash asks for it, and without waiting for a library."""
    code = MAIN.format(arguments=["hillfront"])
    code = f"{code.removesuffix('main()')}\ntry:\n    main()\nfinally:\n    assert 'numpy' not in sys.modules"
    done = process(
        code, _HILLFRONT_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1)
    )
    assert "AssertionError" not in done.stderr
    assert done.stdout.split() == names


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"], ["fit", "--sede", "3"]])
def test_no_colours_in_a_pipe(arguments: list[str]) -> None:
    done = process(MAIN.format(arguments=["hillfront", *arguments]))
    assert "\x1b" not in done.stdout + done.stderr
    assert "hillfront" in done.stdout + done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_colours_on_a_terminal_unless_refused(tmp_path: Path) -> None:
    import pty

    def shown(**environment: str) -> str:
        leader, follower = pty.openpty()
        kept = {n: v for n, v in os.environ.items() if n not in ("NO_COLOR", "FORCE_COLOR")}
        with subprocess.Popen(
            [sys.executable, "-c", MAIN.format(arguments=["hillfront", "--version", "--help"])],
            stdout=follower,
            env=kept | {"TERM": "xterm-256color"} | environment,
        ) as started:
            os.close(follower)
            text = b""
            while True:
                try:
                    part = os.read(leader, 4096)
                except OSError:  # the terminal has gone with the process
                    break
                if not part:
                    break
                text += part
            started.wait()
        os.close(leader)
        return text.decode()

    colour = re.compile(r"\x1b\[(?:\d+;)*3\d")
    assert colour.search(shown())
    assert not colour.search(shown(NO_COLOR="1"))
