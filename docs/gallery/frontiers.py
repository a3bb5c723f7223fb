"""Frontiers of some groups, with predictive bands: where another SAE's hit is expected."""

import hillfront as hf

fit = hf.FrontierFit.load("demo.nc")
axes = hf.plot_frontiers(fit, groups=["resid / 13", "resid / 20", "mlp / 20", "attn / 20"], prob=0.9)
axes[0].figure.savefig("frontiers.png", dpi=150)
