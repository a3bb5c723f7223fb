"""The project's own files: versions that agree, nothing of one machine, commands that explain themselves."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import hillfront
from machine_paths import FOLDERS, MACHINE_PATH

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

# In pieces, so that this file does not hold them itself.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("anaconda", "org"),
        ("npmjs", "org"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("rubygems", "org"),
    ]
]


def project_files() -> list[Path]:
    """Files that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    found = []
    for path in project_files():
        try:
            found.append((str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue  # a figure or a saved fit
    return found


def test_versions_agree() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (\S+)$", citation, flags=re.MULTILINE) == [VERSION]
    assert hillfront.__version__ == VERSION


def test_changelog_leads_to_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[([^\]]+)\]", changelog, flags=re.MULTILINE)
    assert headings[0] == "Unreleased"
    released = headings[1] if len(headings) > 1 else None
    coming = re.findall(r"^Becomes (\d+\.\d+\.\d+)\b", changelog, flags=re.MULTILINE)
    assert VERSION in (released, *coming)


in_a_checkout = pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs git and a checkout"
)


@in_a_checkout
def test_no_registry_host_is_named() -> None:
    named = [(name, host) for name, text in texts() for host in REGISTRY_HOSTS if host in text.lower()]
    assert named == []


@in_a_checkout
def test_no_path_of_a_machine() -> None:
    here = str(ROOT) if len(ROOT.parts) > 2 else "\0"  # one short name proves nothing
    found = []
    for name, text in texts():
        for number, line in enumerate(text.splitlines(), start=1):
            if MACHINE_PATH.search(line) or here in line:
                found.append(f"{name}:{number}: {line.strip()[:100]}")
    assert found == []


def test_machine_paths_are_recognised() -> None:
    for root in FOLDERS:
        assert MACHINE_PATH.search(f'open("/{root}/someone/data.csv")')
    for harmless in ("https://example.org/home/page", "$HOME/.pyenv", "and/or"):
        assert not MACHINE_PATH.search(harmless)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, flags=re.MULTILINE))


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_help_lists_every_target() -> None:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")
    }
    for command in (["make", "help"], ["make"]):
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        listed = dict(re.findall(r"^ +make (\S+) +(\S.*)$", done.stdout, flags=re.MULTILINE))
        assert set(listed) == targets()
    assert {"help", "setup", "demo", "test", "lint", "types", "clean"} <= targets()


def test_every_target_is_phony() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, flags=re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) - {"FORCE"} == targets()


def fake_python(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def find_python(
    *arguments: str, path: Path, home: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(ROOT / "scripts" / "find-python"), *arguments],
        env={"PATH": str(path), "HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


WORKS = f'exec "{sys.executable}" "$@"'
BROKEN_SHIM = "echo 'pyenv: command not found' >&2; exit 127"
needs_shell = pytest.mark.skipif(not Path("/bin/sh").exists(), reason="needs a POSIX shell")


def answer(version: str) -> str:
    """A stand-in that claims to be a usable Python of this version, at its own path."""
    return f'echo "ok {version} $0"'


@needs_shell
def test_find_python_runs_each_candidate(tmp_path: Path) -> None:
    fake_python(tmp_path / "bin", "python3.13", BROKEN_SHIM)
    fake_python(tmp_path / "bin", "python3", WORKS)
    done = find_python(path=tmp_path / "bin", home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    version = subprocess.run([done.stdout.strip(), "--version"], capture_output=True, text=True, check=True)
    assert tuple(map(int, re.findall(r"\d+", version.stdout)[:2])) == sys.version_info[:2]


@needs_shell
def test_find_python_ignores_the_callers_python_variables(tmp_path: Path) -> None:
    fake_python(tmp_path / "bin", "python3", WORKS)
    done = find_python(path=tmp_path / "bin", home=tmp_path, PYTHONHOME="nowhere", PYTHONPATH="nowhere")
    assert (done.returncode, done.stderr) == (0, "")


@needs_shell
@pytest.mark.parametrize("variable", ["PYENV_ROOT", "HOME"])
def test_find_python_takes_the_newest_of_pyenv(tmp_path: Path, variable: str) -> None:
    root = tmp_path / "elsewhere" if variable == "PYENV_ROOT" else tmp_path / ".pyenv"
    fake_python(tmp_path / "bin", "python3", BROKEN_SHIM)
    for version, number in (("3.12.1", "31201"), ("3.13.10", "31310"), ("3.13.9", "31309")):
        fake_python(root / "versions" / version / "bin", "python3", answer(number))
    fake_python(root / "versions" / "3.9.18" / "bin", "python3", "echo 'no is Python 3.9.18'")
    done = find_python(
        path=tmp_path / "bin", home=tmp_path, **({variable: str(root)} if variable != "HOME" else {})
    )
    assert done.stdout.strip() == str(root / "versions" / "3.13.10" / "bin" / "python3")


@needs_shell
def test_find_python_says_what_to_install(tmp_path: Path) -> None:
    fake_python(tmp_path / "bin", "python3.12", BROKEN_SHIM)
    fake_python(tmp_path / "bin", "python3", "echo 'no is Python 3.11.7'")
    done = find_python(path=tmp_path / "bin", home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "needs Python 3.12 or newer" in done.stderr
    assert "python3.12 does not run" in done.stderr
    assert "python3 is Python 3.11.7" in done.stderr
    assert "pyenv install 3.13" in done.stderr


@needs_shell
def test_find_python_with_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = find_python(path=tmp_path / "empty", home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "(none)" in done.stderr


@needs_shell
def test_find_python_takes_only_the_one_asked_for(tmp_path: Path) -> None:
    fake_python(tmp_path / "bin", "python3", WORKS)
    old = fake_python(tmp_path / "old", "python", "echo 'no is Python 3.11.7'")
    done = find_python(str(old), path=tmp_path / "bin", home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is Python 3.11.7" in done.stderr
