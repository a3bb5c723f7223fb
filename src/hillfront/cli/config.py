"""``hillfront.toml``: the options of a run, read from the file and written to repeat it."""

from __future__ import annotations

import inspect
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import typer

__all__ = ["Config", "config_text"]

# What a run does not repeat: its file of options, where it wrote, and how much it printed.
_NOT_REPEATED: Final = frozenset({"config", "out", "quiet", "force", "json_output"})
_PATHS: Final = frozenset({"data", "out"})
_NUMBER_OR_TEXT: Final = frozenset({"dense_limit"})
_KINDS: Final[Mapping[object, tuple[tuple[type, ...], str]]] = {
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    bool: ((bool,), "true or false"),
}


def read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take options from a file, for every option that the command line leaves out.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it is not TOML, or it holds an unknown name or a value of the wrong type.
    """
    if path is None or context.resilient_parsing:
        return path
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. Give the path of a hillfront.toml to --config.")
    try:
        options = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as TOML: {error}. Correct the file.") from None
    allowed = _options_of(context)
    found: dict[str, Any] = {}
    faults = []
    for key, value in options.items():
        name = "json_output" if key == "json" else key.replace("-", "_")
        if name not in allowed:
            faults.append(f"unknown option {key!r}.{_meant(key, list(allowed))}")
        elif name in found:
            faults.append(f"{key!r} is given twice, with dashes and with underscores. Keep one of them.")
        elif wrong := _wrong_type(name, value, *allowed[name]):
            faults.append(f"{key} = {_shown(value)}: {wrong} was expected.")
        else:
            found[name] = _as_option(name, value, many=allowed[name][1], folder=path.parent)
    if faults:
        raise ValueError("\n".join([f"{path} does not fit:", *(f"- {text}" for text in faults)]))
    context.default_map = found
    return path


Config = Annotated[
    Path | None,
    typer.Option(
        help="File of options, such as the hillfront.toml that a run writes; those given here win over it.",
        is_eager=True,
        callback=read_config,
    ),
]


def config_text(
    options: Mapping[str, Any], *, data: Path, out: Path, data_hash: str, versions: Sequence[str] = ()
) -> str:
    """Return the text of a hillfront.toml that repeats a run.

    Parameters
    ----------
    options : mapping
        Values by option, as the run used them; those of None and empty lists are left out.
    data, out : Path
        The data, and the folder that the file will be in; the path is written relative to it.
    data_hash : str
        Hash of the data, to tell whether they have changed.
    versions : sequence of str
        Versions to record.
    """
    lines = [
        "# Repeat this run: hillfront fit --config hillfront.toml --out ANOTHER_FOLDER",
        f"# Written by {', '.join(versions)}; SHA-256 of the data as read: {data_hash}",
    ]
    values = {"data": _relative(data, out)} | {
        name: value
        for name, value in options.items()
        if name not in _NOT_REPEATED | {"data"} and value not in (None, [], ())
    }
    lines += [f"{name.replace('_', '-')} = {_toml(value)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def _relative(data: Path, out: Path) -> str:
    """Return the path of the data from the folder, or from the root if it is on another drive."""
    try:
        return Path(os.path.relpath(data.resolve(), out.resolve())).as_posix()
    except ValueError:
        return data.resolve().as_posix()


def _toml(value: object) -> str:
    """Write one value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    # JSON's escapes are TOML's too; it leaves DEL as it is, which TOML forbids.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _options_of(context: typer.Context) -> dict[str, tuple[object, bool]]:
    """Return the type of each option of a command, and whether it may be repeated."""
    callback = context.command.callback
    assert callback is not None  # only a command with a function has --config
    hints = get_type_hints(inspect.unwrap(callback))
    found: dict[str, tuple[object, bool]] = {}
    for name, hint in hints.items():
        if name in ("context", "config", "return"):
            continue
        parts = get_args(hint)
        given = next(part for part in parts if part is not NoneType) if NoneType in parts else hint
        many = get_origin(given) is list
        found[name] = (get_args(given)[0] if many else given, many)
    return found


def _wrong_type(name: str, value: object, kind: object, many: bool) -> str | None:
    """Say what was expected, if the value is not that."""
    kinds, words = _KINDS.get(kind, ((str,), "text in quotes"))
    if name in _NUMBER_OR_TEXT:
        kinds, words = (str, int, float), "text in quotes or a number"
    items = value if many and isinstance(value, list) else [value]
    right = all(isinstance(item, kinds) and (bool in kinds or not isinstance(item, bool)) for item in items)
    if right:
        return None
    return f"{words}, or a list of such," if many else words


def _as_option(name: str, value: Any, *, many: bool, folder: Path) -> Any:
    """Return a value as the command line would give it; paths are relative to the file's folder."""
    if name in _PATHS:
        return str(folder / value)
    if many and not isinstance(value, list):
        return [value]
    return str(value) if name in _NUMBER_OR_TEXT else value


def _meant(key: str, allowed: Sequence[str]) -> str:
    from hillfront.utils.wording import nearest

    names = ["json" if name == "json_output" else name.replace("_", "-") for name in allowed]
    near = nearest(key.replace("_", "-"), names)
    return f" Did you mean {near!r}?" if near else f" Allowed: {', '.join(names)}."


def _shown(value: object) -> str:
    return _toml(value) if isinstance(value, str | int | float | list) else str(value)[:60]
