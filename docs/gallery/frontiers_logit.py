"""The same on a logit axis, on which Hill curves are straight lines of slope k."""

import hillfront as hf

fit = hf.FrontierFit.load("demo.nc")
axes = hf.plot_frontiers(fit, groups=["resid / 13", "resid / 20"], scale="logit", band="expectation")
axes[0].figure.savefig("frontiers_logit.png", dpi=150)
