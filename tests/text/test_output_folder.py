"""An output folder held by one run, and a disk that refuses."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest

from hillfront.fits.storage import disk_errors_named, file_at_once, write_tree
from hillfront.text.outputs import folder_at_once, held, reserved, validate_out
from hillfront.utils.interface import command_line

BUSY = "Another run of hillfront is writing to {}. Wait until it has ended, or give another --out."


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("below", ["out", "deep/er/out"])
def test_a_second_run_is_refused_and_a_later_one_is_not(tmp_path: Path, below: str) -> None:
    out = tmp_path / below
    for _ in range(2):
        with reserved(out, force=False):
            with pytest.raises(BlockingIOError) as refused, reserved(out, force=True):
                pass
            assert str(refused.value) == BUSY.format(out)
            with reserved(tmp_path / "other", force=False):
                pass
        assert names(tmp_path) == set()


def test_two_names_of_one_folder_are_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with held(tmp_path / "real"), pytest.raises(BlockingIOError), held(tmp_path / "link"):
        pass


def test_another_process_is_refused_and_the_lock_of_a_killed_one_is_not_in_the_way(tmp_path: Path) -> None:
    out = tmp_path / "out"
    holds = "\n".join(
        [
            "import sys, time, pathlib",
            "from hillfront.text.outputs import held",
            "with held(pathlib.Path(sys.argv[1])):",
            "    print('held', flush=True)",
            "    time.sleep(600)",
        ]
    )
    with subprocess.Popen([sys.executable, "-c", holds, out], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError), held(out):
            pass
        other.kill()
    assert names(tmp_path) == {".out.lock"}
    with held(out):
        pass
    assert names(tmp_path) == set()


def test_a_disk_without_locks_is_no_reason_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with held(tmp_path / "out"):
        pass


def test_a_result_that_came_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with folder_at_once(out) as folder:
        (folder / "fit.nc").write_text("precious")
    with pytest.raises(FileExistsError, match="holds an earlier result"), reserved(out, force=False):
        pass
    assert names(tmp_path) == {"out"}


REFUSED = {
    errno.ENOSPC: "the disk is full. Free some space, or write to another disk by --out.",
    errno.EROFS: "the disk is read-only. Write to another place by --out.",
    errno.EACCES: "you have no permission. Write to another place by --out.",
    errno.ENAMETOOLONG: "File name too long. Write to another place by --out.",
}


@pytest.mark.parametrize("number", REFUSED)
def test_a_place_that_cannot_be_written_is_named_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(path: Path, mode: str = "r") -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "open", refuse)
    out = tmp_path / "new" / "out"
    with command_line(), pytest.raises(OSError, match="cannot be written") as refused, held(out):
        raise AssertionError("no work is done")
    assert str(refused.value) == f"{out} cannot be written: {REFUSED[number]} Nothing was written."
    assert names(tmp_path) == set()


def test_a_disk_that_is_nearly_full_is_named_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 2_500_000))
    with (
        pytest.raises(OSError, match=r"2\.5 MB left, and a result may take 10\. Free some space, or give an"),
        held(tmp_path / "out"),
    ):
        pass
    assert names(tmp_path) == set()


def test_a_disk_that_fills_up_leaves_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with folder_at_once(out) as folder:
        (folder / "fit.nc").write_text("precious")
    full = f"{out} cannot be written: the disk is full"

    def write_half(folder: Path) -> None:
        (folder / "fit.nc").write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / "fit.nc"))

    with pytest.raises(OSError, match=full) as refused, folder_at_once(out) as folder:
        write_half(folder)
    assert refused.value.errno == errno.ENOSPC
    assert names(tmp_path) == {"out"}
    assert (out / "fit.nc").read_text() == "precious"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no disk that is always full")
def test_a_real_full_disk(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the disk is full"), disk_errors_named(tmp_path):
        Path("/dev/full").write_text("text")


def test_a_saved_fit_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_bytes", fill)
    tree = SimpleNamespace(to_netcdf=lambda **_: b"content")
    with pytest.raises(OSError, match=r"fit\.nc cannot be written: the disk is full.*Nothing was written"):
        write_tree(tree, tmp_path / "fit.nc", overwrite=False)  # type: ignore[arg-type]
    assert names(tmp_path) == set()
    with pytest.raises(IsADirectoryError, match="is a folder"), file_at_once(tmp_path, overwrite=True):
        pass


def test_a_folder_of_other_files_is_not_called_a_result(tmp_path: Path) -> None:
    (tmp_path / "saes.csv").write_text("the data")
    said = r"holds saes\.csv, which hillfront did not write\. Give another --out, such as "
    with pytest.raises(FileExistsError, match=said):
        validate_out(tmp_path, force=False)
    with pytest.raises(FileExistsError, match=r"--force replaces results only"):
        validate_out(tmp_path, force=True)


def test_the_folder_one_is_in_keeps_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    for out, within in ((Path(), "results"), (Path("../in"), "../in/results")):
        with pytest.raises(FileExistsError) as refused:
            validate_out(out, force=False)
        assert str(refused.value) == (
            f"{out} is the folder that you are in, or above it. Give a folder in it as --out, such as "
            f"{within}."
        )
    monkeypatch.setattr(os.path, "ismount", lambda path: True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileExistsError, match="in is a disk of its own"):
        validate_out(tmp_path / "in", force=False)


def test_a_link_keeps_leading_to_its_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    with reserved(link, force=False), folder_at_once(link) as folder:
        (folder / "fit.nc").write_text("content")
    assert link.is_symlink()
    assert (tmp_path / "real" / "fit.nc").read_text() == "content"
    assert names(tmp_path) == {"real", "link"}
