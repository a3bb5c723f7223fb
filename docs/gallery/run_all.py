"""Draw the figures of the pages: run every script of this folder in docs/gallery/figures.

The scripts read demo.nc, the fit of `hillfront demo`, which is made first if it is not there.
"""

from __future__ import annotations

import runpy
import sys
import tempfile
import warnings
from contextlib import chdir
from pathlib import Path

import matplotlib

import hillfront as hf
from hillfront.frontiers import FrontierDataWarning

HERE = Path(__file__).parent
FIGURES = HERE / "figures"


def demo_fit(path: Path) -> None:
    """Fit the demonstration's table, as `hillfront demo` does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        frontiers = hf.Frontiers.from_frame(
            hf.load_dataset("gated_sae", model="Gemma-7B"), group=("site", "layer"), y="loss_recovered"
        )
    hf.fit(frontiers, baseline="baseline", seed=1, progress=False).save(path)


def main() -> None:
    """Run the scripts, each on a clean slate; a warning of a script is an error."""
    import matplotlib.pyplot as plt

    matplotlib.use("Agg")
    FIGURES.mkdir(exist_ok=True)
    scripts = [path for path in sorted(HERE.glob("*.py")) if path != Path(__file__)]
    with chdir(FIGURES):
        if not Path("demo.nc").exists():
            # Written beside and renamed, so that a run that is stopped leaves no half a fit.
            with tempfile.TemporaryDirectory(dir=".") as folder:
                demo_fit(Path(folder) / "demo.nc")
                (Path(folder) / "demo.nc").rename("demo.nc")
        for script in scripts:
            sys.stdout.write(f"{script.name}\n")
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                # Another project's own: pymc and pymc-extras import names that moved (see pyproject.toml).
                warnings.simplefilter("ignore", DeprecationWarning)
                runpy.run_path(str(script), run_name="__main__")
            plt.close("all")


if __name__ == "__main__":
    main()
