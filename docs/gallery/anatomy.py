"""What the two gains are: distances between two curves, along the two axes."""

import numpy as np

import hillfront as hf

GROUP, HIT, L0 = "resid / 20", 0.03, 70

fit = hf.FrontierFit.load("demo.nc")
(axis,) = hf.plot_frontiers(fit, groups=[GROUP], band="expectation")
axis.figure.set_size_inches(6.8, 4.8)

# The medians of both factors, at these two places.
here = fit.improvement(at_hit=[HIT], at_l0=[L0]).summary.query("site == 'resid' and layer == '20'")
median = here.dropna(subset=["at"]).set_index("quantity")["median"]
gain, reduction = median["sparsity_gain"], median["hit_reduction"]

# Where the arrows end: on the baseline's curve, and a factor away from it.
grid = np.geomspace(5, 2000, 400)
curve = fit.predict(l0=grid, groups=[GROUP], variants=[fit.baseline])["expectation"]
hits = curve.median(("chain", "draw")).to_numpy().ravel()
x = 1 / np.interp(-HIT, -hits, grid)
y = np.interp(L0, grid, hits)

arrow = {"arrowstyle": "<->", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
axis.annotate("", (x, HIT), (x * gain, HIT), arrowprops=arrow)
axis.annotate("", (1 / L0, y), (1 / L0, y / reduction), arrowprops=arrow)
axis.annotate(
    f"hit reduction at an L0 of {L0:g}:\n{reduction:.1f} times smaller hit",
    (1 / L0, y), xytext=(0, 14), textcoords="offset points", ha="right", fontsize="small",
)  # fmt: skip
axis.annotate(
    f"sparsity gain at a hit of {HIT:g}:\n{gain:.1f} times fewer active latents",
    (x * gain, HIT), xytext=(20, -74), textcoords="offset points", ha="center", fontsize="small",
)  # fmt: skip
axis.figure.savefig("anatomy.png", dpi=150)
