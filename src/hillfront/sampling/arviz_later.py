"""Start sampling before ArviZ has been imported.

nutpie imports ArviZ at once, which brings scipy.stats and Matplotlib and takes as long as all other imports
together, but needs it only to convert draws. Chains run in threads of their own, so it can be imported beside
them, by the standard library's lazy loader.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

__all__ = ["allow_arviz_later", "arviz_later"]


class _Later:
    """A finder of ArviZ alone, whose loader waits for the first attribute that somebody asks for."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find it as Python would."""
        if name != "arviz":
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


class _Switch:
    """True if this process may delay the import of ArviZ."""

    on = False


@contextlib.contextmanager
def allow_arviz_later() -> Iterator[None]:
    """Let fits in the block import ArviZ late; for the command line, which has its process for itself."""
    before, _Switch.on = _Switch.on, True
    try:
        yield
    finally:
        _Switch.on = before


@contextlib.contextmanager
def arviz_later() -> Iterator[None]:
    """Import ArviZ, if something in the block does, at its end; without effect where it is not allowed.

    Nothing but ``import nutpie`` and the start of a sampler belongs into it: ArviZ's parts cannot be imported
    while ArviZ itself is waiting. After it everything is as if there had been no block.
    """
    if not _Switch.on:
        yield
        return
    finder = _Later()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        if "arviz" in sys.modules:
            try:
                # To ask for an attribute is what imports it.
                getattr(sys.modules["arviz"], "__version__", None)
            except BaseException:
                # Interrupted, say: neither half of ArviZ nor a nutpie that holds it may stay.
                for name in [n for n in sys.modules if n.partition(".")[0] in ("arviz", "nutpie")]:
                    del sys.modules[name]
                raise
