"""Numba's cache on disk, made stale by a change to any file of the folder that a function is in.

Numba itself keeps a compiled function for as long as the file of its own source is unchanged, and would go on
serving what it had compiled into it from another file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.ccallback import CFunc
from numba.core.errors import NumbaError

__all__ = ["compiled", "compiled_callback"]


class _FolderCache(FunctionCache):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        stamp = _stamp(Path(function.__code__.co_filename).parent)
        index: Any = IndexDataCacheFile
        self._cache_file = index(self._cache_path, self._impl.filename_base, stamp)


@cache
def _stamp(folder: Path) -> str:
    sources = b"\0".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    return hashlib.sha256(sources).hexdigest()


def compiled(*, fastmath: bool | set[str] = False) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function for each signature that it is called with, or read it from the cache."""

    def decorate(function: Callable[..., Any]) -> Any:
        dispatcher: Any = numba.njit(error_model="numpy", fastmath=fastmath)(function)
        dispatcher._cache = _FolderCache(function)
        return dispatcher

    return decorate


def compiled_callback(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function that C code calls, or read it from the cache."""

    def decorate(function: Callable[..., Any]) -> Any:
        signed = signature.args, signature.return_type
        callback: Any = CFunc(function, signed, locals={}, options={"error_model": "numpy"})
        callback._cache = _FolderCache(function)
        try:
            callback.compile()
        except NumbaError as error:
            raise RuntimeError(str(error)) from error
        return callback

    return decorate
