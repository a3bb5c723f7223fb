"""Does the model fit its data, and do the data or the prior make the result?"""

import hillfront as hf

fit = hf.FrontierFit.load("demo.nc")
axes = hf.plot_checks(fit)
axes[0].figure.savefig("checks.png", dpi=150)
