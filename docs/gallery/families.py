"""Curve families over the same SAEs: where they agree, and where they part."""

import hillfront as hf

rows = hf.load_dataset("gated_sae", model="Gemma-7B").query("site == 'resid' and layer == 20")
frontiers = hf.Frontiers.from_frame(rows)
comparison = hf.compare_curves(
    frontiers, baseline="baseline", families=["hill", "power", "linear"], seed=1, progress=False
)
axes = hf.plot_families(comparison)
axes[0].figure.savefig("families.png", dpi=150)
