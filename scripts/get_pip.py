# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts pip into an empty environment out of the standard library.

Stands where ansible-test keeps the script that it would otherwise download from a host that many networks do not reach.
"""

import ensurepip
import os
import subprocess
import sys

# ensurepip hides the settings of pip from this process; a proxy's or a mirror's certificate is one of them.
settings = dict(os.environ)
ensurepip.bootstrap()
wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *wanted], check=True, env=settings)
