"""What a paper that uses a fit should cite."""

from __future__ import annotations

from typing import Final

__all__ = ["references_bib"]

_ENTRIES: Final = r"""
@software{hillfront,
  author = {{hillfront developers}},
  title = {hillfront: {B}ayesian {H}ill-curve comparison of sparse-autoencoder sparsity-fidelity frontiers},
  version = {VERSION},
  year = {YEAR},
}

@misc{hf-post,
  key = {How to Better Report},
  title = {How to Better Report Sparse Autoencoder Performance},
  howpublished = {Online post},
  note = {Proposes to report {H}ill parameters of sparsity-fidelity frontiers},
}

@article{hf-pymc,
  author = {Abril-Pla, Oriol and Andreani, Virgile and Carroll, Colin and Dong, Larry and
    Fonnesbeck, Christopher J. and Kochurov, Maxim and Kumar, Ravin and Lao, Junpeng and
    Luhmann, Christian C. and Martin, Osvaldo A. and Osthege, Michael and Vieira, Ricardo and
    Wiecki, Thomas and Zinkov, Robert},
  title = {{PyMC}: a modern, and comprehensive probabilistic programming framework in {P}ython},
  journal = {PeerJ Computer Science},
  volume = {9},
  pages = {e1516},
  year = {2023},
  doi = {10.7717/peerj-cs.1516},
}

@software{hf-nutpie,
  author = {{PyMC developers}},
  title = {nutpie: a fast sampler for {B}ayesian posteriors},
  version = {NUTPIE},
  year = {YEAR},
  url = {https://github.com/pymc-devs/nutpie},
}

@article{hf-arviz,
  author = {Martin, Osvaldo A. and Abril-Pla, Oriol and Deklerk, Jordan and Axen, Seth D. and
    Carroll, Colin and Hartikainen, Ari and Vehtari, Aki},
  title = {{ArviZ}: a modular and flexible library for exploratory analysis of {B}ayesian models},
  journal = {Journal of Open Source Software},
  volume = {11},
  number = {119},
  pages = {9889},
  year = {2026},
  doi = {10.21105/joss.09889},
}

@article{hf-nuts,
  author = {Hoffman, Matthew D. and Gelman, Andrew},
  title = {The {No-U-Turn} sampler: adaptively setting path lengths in {H}amiltonian {M}onte {C}arlo},
  journal = {Journal of Machine Learning Research},
  volume = {15},
  pages = {1593--1623},
  year = {2014},
}

@article{hf-rhat,
  author = {Vehtari, Aki and Gelman, Andrew and Simpson, Daniel and Carpenter, Bob and
    B{\"u}rkner, Paul-Christian},
  title = {Rank-normalization, folding, and localization: an improved {$\widehat{R}$} for assessing
    convergence of {MCMC}},
  journal = {Bayesian Analysis},
  volume = {16},
  number = {2},
  pages = {667--718},
  year = {2021},
  doi = {10.1214/20-BA1221},
}

@article{hf-loo,
  author = {Vehtari, Aki and Gelman, Andrew and Gabry, Jonah},
  title = {Practical {B}ayesian model evaluation using leave-one-out cross-validation and {WAIC}},
  journal = {Statistics and Computing},
  volume = {27},
  number = {5},
  pages = {1413--1432},
  year = {2017},
  doi = {10.1007/s11222-016-9696-4},
}

@article{hf-psis,
  author = {Vehtari, Aki and Simpson, Daniel and Gelman, Andrew and Yao, Yuling and Gabry, Jonah},
  title = {{Pareto} smoothed importance sampling},
  journal = {Journal of Machine Learning Research},
  volume = {25},
  number = {72},
  pages = {1--58},
  year = {2024},
}

@article{hf-powerscaling,
  author = {Kallioinen, Noa and Paananen, Topi and B{\"u}rkner, Paul-Christian and Vehtari, Aki},
  title = {Detecting and diagnosing prior and likelihood sensitivity with power-scaling},
  journal = {Statistics and Computing},
  volume = {34},
  pages = {57},
  year = {2024},
  doi = {10.1007/s11222-023-10366-5},
}

@techreport{hf-bjontegaard,
  author = {Bj{\o}ntegaard, Gisle},
  title = {Calculation of average {PSNR} differences between {RD}-curves},
  institution = {ITU-T Video Coding Experts Setting},
  number = {VCEG-M33},
  year = {2001},
}
"""


def references_bib(*, version: str, nutpie: str, year: str) -> str:
    """Write references.bib; software is cited in the version that made the fit.

    Parameters
    ----------
    version, nutpie : str
        Versions of hillfront and of nutpie.
    year : str
        Year in which the fit was made.
    """
    text = _ENTRIES.lstrip("\n").replace("@software", "@misc")  # plain BibTeX knows no @software
    return text.replace("VERSION", version).replace("NUTPIE", nutpie).replace("YEAR", year)
