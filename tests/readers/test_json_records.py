"""JSON of plain records: however they are arranged, one row a record; what holds none says so once."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pandas as pd
import pytest

from hillfront.frontiers.table import Frontiers
from hillfront.readers.formats import find_format, read_path
from hillfront.readers.json_files import ReadError

RECORDS = [
    {"variant": variant, "layer": 3, "l0": 10.0 * 2**i, "loss_recovered": 1 - y / (1 + i)}
    for variant, y in (("relu", 0.2), ("topk", 0.1))
    for i in range(4)
]
FRAME = pd.DataFrame(RECORDS)
LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)

ARRANGEMENTS: dict[str, tuple[str, str]] = {
    "list": ("a.json", json.dumps(RECORDS, indent=1)),
    "lines": ("a.jsonl", LINES),
    "lines in .json": ("a.json", LINES),
    "lines in .ndjson": ("a.ndjson", LINES),
    "columns": ("a.json", json.dumps(FRAME.to_dict("list"))),
    "columns by row": ("a.json", FRAME.to_json()),
    "split": ("a.json", FRAME.to_json(orient="split")),
    "schema": ("a.json", FRAME.to_json(orient="table", index=False)),
    "inside an object": ("a.json", json.dumps({"created": "today", "results": RECORDS})),
    "by name": ("a.json", json.dumps({f"run {i}": record for i, record in enumerate(RECORDS)})),
    "list in .txt": ("a.txt", json.dumps(RECORDS)),
}


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_every_arrangement_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    file, content = ARRANGEMENTS[name]
    (tmp_path / file).write_text(content)
    assert find_format(tmp_path / file) == "json"
    frontiers = read_path(tmp_path / file, group=["layer"]).to_frontiers()
    expected = Frontiers.from_frame(FRAME, group="layer").table
    pd.testing.assert_frame_equal(frontiers.table[expected.columns], expected)


def test_a_folder_of_records_names_their_files(tmp_path: Path) -> None:
    for i, record in enumerate(RECORDS):
        (tmp_path / f"{i}.json").write_text(json.dumps(record))
    source = read_path(tmp_path)
    assert (find_format(tmp_path), len(source.frame)) == ("json", 8)
    assert source.files[3] == str(tmp_path / "3.json")


def test_nested_records_are_flattened(tmp_path: Path) -> None:
    nested = [
        {"config": {"arch": "topk"}, "metrics": {"l0": 32, "ce": {"score": 0.9}}, "densities": [0.1, 0.2]}
    ]
    (tmp_path / "a.json").write_text(json.dumps(nested))
    assert read_path(tmp_path / "a.json").frame.to_dict("records") == [
        {"config/arch": "topk", "metrics/l0": 32, "metrics/ce/score": 0.9}
    ]


def test_numbers_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"l0": 3, "y": NaN}, {"l0": Infinity, "y": null}]')
    frame = read_path(tmp_path / "a.json").frame
    assert (math.isinf(frame["l0"][1]), frame["y"].isna().all()) == (True, True)


REFUSED: dict[str, tuple[str, str]] = {
    "other keys": (
        '{"loss": [1, 2], "steps": 3}',
        r"no records with an L0: it holds an object with the keys 'loss', 'steps'\. Expected: a list of "
        r"records with an L0, .* SAEBench \(eval_type_id\), SAELens \(metrics\) or dictionary_learning",
    ),
    "numbers": ("[1, 2]", r"no records with an L0: it holds a list of which the first is a number"),
    "key twice": ('[{"l0": 3, "l0": 4}]', r"the key 'l0' stands twice in one object"),
    "cut lines": (LINES[:-20], r"truncated JSON: .* at line 8, column \d+"),
    "a broken line": (LINES.replace('"l0": 20', '"l0": 2O'), r"not JSON: .* at line 2, column \d+"),
    "two lists": (
        json.dumps({"train": RECORDS, "eval": RECORDS}),
        r"several lists of records, 'train', 'eval': save one of them",
    ),
    "deep": ("[" * 100_000, r"(not JSON of evaluations: it is nested too deeply|truncated JSON)"),
    "long number": (f'[{{"l0": {"9" * 5000}}}]', r"Exceeds the limit"),
    "Latin-1": ("latin", r"not UTF-8 text, so not JSON"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_holds_no_records_is_refused(tmp_path: Path, name: str) -> None:
    content, text = REFUSED[name]
    (tmp_path / "a.json").write_bytes('["ä"]'.encode("latin-1") if content == "latin" else content.encode())
    with pytest.raises(ReadError, match=rf"^{re.escape(str(tmp_path / 'a.json'))} cannot be read: {text}"):
        read_path(tmp_path / "a.json")


def test_one_reason_is_said_once_of_many_files(tmp_path: Path) -> None:
    for i in range(16):
        (tmp_path / f"{i:02}.json").write_text(json.dumps({"trainer": {"lr": i}, "buffer": i}))
    with pytest.raises(ReadError) as error:
        read_path(tmp_path)
    lines = str(error.value).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("16 of 16 files cannot be read. Expected: a list of records")
    assert lines[1].endswith(
        "02.json and 13 more (16 files): no records with an L0: it holds an object with the keys 'trainer', "
        "'buffer'"
    )


def test_a_folder_without_json_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("l0\n")
    with pytest.raises(FileNotFoundError, match=r"nor do the folders in it\. It holds runs\.csv\. Give the"):
        find_format(tmp_path)
