"""Sphinx: the pages are hand-written, the tables come from the tables the code walks."""

import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent), str(DOCS / "_ext")]

import tables  # noqa: E402 - lives in the directory just put on the path

_project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["project"]

project = "creative_services"
author = _project["authors"][0]["name"]
copyright = author
version = release = _project["version"]

# The day the models' dates were last read, and the arrow between a model and the one that takes its place.
rst_prolog = f"""
.. |checked| replace:: {tables.defaults().checked_on}
.. |then| unicode:: U+2192
"""

extensions = ["sphinx.ext.autodoc", "house"]
exclude_patterns = ["_build"]
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!creative_services\.).*")]

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
add_module_names = False
toc_object_entries = False
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"creative_services {release}"
html_show_sphinx = False
html_copy_source = False
