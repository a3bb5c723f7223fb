"""Statistical studies of the package itself: slow, repeatable, and the origin of the tables in docs/.

A study fits as users do, through :mod:`hillfront.fits`, and must give the same rows again from the same
random seed: its finished tasks are kept on disk and resumed by :mod:`~hillfront.studies.engine`.
"""
