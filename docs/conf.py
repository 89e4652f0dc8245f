# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's settings for the documentation site. scripts/docs.sh builds it from a copy of this folder in build/."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_site"))

project = "intercloud.vpn"
author = "The intercloud.vpn developers"
copyright = "2026 The intercloud.vpn developers"

extensions = ["myst_parser", "sphinx_antsibull_ext", "plain_markdown", "drawings", "ansible_links"]
exclude_patterns = ["_site"]
myst_heading_anchors = 4  # as GitHub names them, so that one link is right in both places
highlight_language = "none"  # a block says what it is, or is text
nitpicky = True

html_theme = "furo"
html_title = "intercloud.vpn"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
# Furo's dark style is the reader's choice; the plugins' tables follow it (site.css), not the system's setting only.
antsibull_ext_color_scheme = "none"
