#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the answers of an AWX survey."""

from __future__ import annotations

DOCUMENTATION = r"""
module: survey_answers
short_description: Read the answers of an AWX survey
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Reads the variables that begin with C(vcc_survey_), the answers of a survey that M(intercloud.vpn.awx_objects) made,
    and returns what they ask for in the variables of this collection.
  - Reports all mistakes at once, by the labels of the questions.
  - Runs on the controller, once.
options: {}
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
attributes:
  action:
    support: full
    details: All of it runs there.
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.awx_objects
"""

EXAMPLES = r"""
- name: Read the answers of the survey
  intercloud.vpn.survey_answers:
  register: answers
  run_once: true
"""

RETURN = r"""
variables:
  description: The variables, for example C(vcc_vpns) or C(vcc_delete). What has no answer is left out.
  returned: success
  type: dict
"""
