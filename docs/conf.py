"""How the site is built. Every warning is an error; nothing is fetched from another host."""

import logging
import os
import sys
import warnings
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))

import cnnguide  # noqa: E402 - our extensions must be on the path first

# The kernel that runs a page's cells listens on this computer alone, and ends with the page. Our
# kernelspec keeps it from warning at every page that this is not encrypted; errors are still said.
os.environ["JUPYTER_PATH"] = os.pathsep.join(
    [str(DOCS / "_ext" / "page" / "jupyter"), *filter(None, [os.environ.get("JUPYTER_PATH")])]
)
# a11y_pygments, a theme of colours, has every library say what it does, not only what goes wrong.
logging.getLogger("traitlets").setLevel(logging.WARNING)

project = "cnnguide"
author = "The cnnguide authors"
copyright = "The cnnguide authors. Prose CC BY 4.0, code BSD-3-Clause"
release = version = cnnguide.__version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
    # ours, in docs/_ext
    "translation",
    "page",
    "gallery",
    "formulas",
    "search",
    "offline",
]
exclude_patterns = [
    "_build",
    "_ext",
    "auto_examples/*.ipynb",  # myst-nb would take them for the pages that sphinx-gallery writes
    "auto_examples/*.codeobj.json",
    "gen_backrefs",
    "**/sg_execution_times.rst",
]
templates_path = ["_ext/translation", "_ext/page", "_ext/search"]

# Two languages: English is the source, every other one is a folder of catalogs.
locale_dirs = ["locale"]
gettext_compact = False  # a catalog for every page
gettext_location = False

# Pages: MyST Markdown with executed cells.
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 0  # every section has an explicit label
nb_execution_mode = "cache"
nb_execution_cache_path = str(DOCS / "_build" / "jupyter_cache")
nb_execution_timeout = 120
nb_execution_raise_on_error = False  # our extension page.faults tells what failed, and where
nb_output_stderr = "warn"  # a page shows no warning of a library's by accident
nb_merge_streams = True
nb_render_markdown_format = "gfm"
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"
bibtex_reference_style = "author_year"

# The gallery: scripts that run while the site is built.
sphinx_gallery_conf = {
    "examples_dirs": "../gallery",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/(plot|draw)_",
    "within_subsection_order": "gallery.order.ReadingOrder",
    "image_scrapers": ("gallery.figures.scrape",),
    "reset_modules": ("matplotlib", "gallery.figures.quiet_reset"),
    "backreferences_dir": "gen_backrefs",
    "doc_module": ("cnnguide",),
    "reference_url": {"cnnguide": None},
    "abort_on_example_error": True,
    "write_computation_times": False,
    "show_signature": False,
    "remove_config_comments": True,
    "first_notebook_cell": "# %pip install cnnguide[gallery]\n%matplotlib inline",
    "plot_gallery": True,
    "download_all_examples": True,
    "copyfile_regex": r".*\.bib",
    "min_reported_time": 0,
}
# The public GitHub repository, as owner/name, whose branch "notebooks" holds the built notebooks:
# links to Colab and ModelScope need one, and without it no page has them. pages.yml pushes it.
notebooks_repository = os.environ.get("CNNGUIDE_NOTEBOOKS", "")
# A figure that changes silently is worse than a failed build.
warnings.filterwarnings("error", message="Glyph .* missing")
os.environ["MPLBACKEND"] = "Agg"

# The API reference.
autodoc_default_options = {"members": True, "member-order": "bysource", "show-inheritance": True}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False

# Appearance.
html_theme = "furo"
html_title = "cnnguide"
# Each of our extensions has its scripts and styles beside its Python.
html_static_path = [
    "_static",
    *(str(p) for suffix in ("css", "js") for p in sorted(DOCS.glob(f"_ext/*/*.{suffix}"))),
]
html_favicon = "_static/logo.svg"
html_logo = "_static/logo.svg"
html_copy_source = False
html_show_sourcelink = False
html_last_updated_fmt = None
html_use_index = html_domain_indices = False  # the API reference and the search do their work
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "language.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
copybutton_exclude = ".linenos, .gp, .go"
