"""Sphinx settings: `make docs` builds the pages with every warning an error, and without a network."""

from __future__ import annotations

import sys
from pathlib import Path

import hillfront

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "hillfront"
author = "hillfront developers"
copyright = "hillfront developers"
version = release = hillfront.__version__

extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
    "mathml",
    "reference",
]

html_theme = "furo"
html_title = f"hillfront {release}"
html_static_path = ["_static"]
html_css_files = ["hillfront.css"]
html_show_copyright = False
# Formulas become MathML while the pages are built (docs/_ext/mathml.py): no script from a network is needed.
html_math_renderer = "mathml"
exclude_patterns = ["_build", "gallery/figures"]

# Every name that a page refers to has to be there.
nitpicky = True
# ... but for modules, which docstrings name for those who read them in the source.
nitpick_ignore_regex = [("py:mod", r"hillfront\..*")]
# Single backquotes in docstrings are code.
default_role = "code"

# Notebooks keep the outputs that `make notebooks` gave them.
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4

# Signatures name parameters and defaults; numpydoc's sections give their types.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_attributes_as_param_list = True
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
