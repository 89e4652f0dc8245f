"""The lab's landscape, from the file that the inventory plugin reads as well."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_path = Path(__file__).resolve().parents[4] / "plugins" / "plugin_utils" / "_lab.py"
_spec = importlib.util.spec_from_file_location("intercloud_vpn_lab", _path)
landscape = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = landscape  # dataclasses look their module up
_spec.loader.exec_module(landscape)
