"""A forest of one factor: the average of the groups, a new group, and each group."""

import hillfront as hf

fit = hf.FrontierFit.load("demo.nc")
axis = hf.plot_improvement(fit.improvement(prob=0.9), quantity="mean_sparsity_gain")
axis.figure.savefig("improvement.png", dpi=150)
