# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package that a role needs and a node lacks: it is installed in the run, noted, and removed with what noted it.

A lab's machine has no way to a package mirror, so each has a repository of one package in a folder, instead of its own.
"""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import PAYROLL

PACKAGE = "vcc-lab-probe"
NEEDED = {"member_packages": {"Debian": ["iproute2", "iputils-ping", "python3", PACKAGE]}}
SOURCES = "/etc/apt/sources.list.d/lab.list"
REPOSITORY = f"""
set -e
mkdir -p /srv/lab/{PACKAGE}/DEBIAN && cd /srv/lab
printf '%s\\n' 'Package: {PACKAGE}' 'Version: 1.0' 'Architecture: all' 'Maintainer: lab <lab@lab.invalid>' \
    'Description: nothing' > {PACKAGE}/DEBIAN/control
dpkg-deb --build {PACKAGE} {PACKAGE}.deb > /dev/null
{{ cat {PACKAGE}/DEBIAN/control; echo "Filename: ./{PACKAGE}.deb"; echo "Size: $(stat -c %s {PACKAGE}.deb)"
   echo "SHA256: $(sha256sum {PACKAGE}.deb | cut -d' ' -f1)"; }} > Packages
mkdir aside && mv /etc/apt/sources.list.d/* aside/
echo 'deb [trusted=yes] file:/srv/lab ./' > {SOURCES}
"""
AS_BEFORE = f"rm {SOURCES}; mv /srv/lab/aside/* /etc/apt/sources.list.d/; rm -rf /srv/lab"


def installed(member):
    return lab.host(member).package(PACKAGE).is_installed


@pytest.fixture(scope="module")
def supplied():
    """The members find the package, and the run that creates their VPN needs it."""
    lab.at_once(lambda member: lab.sh(member, REPOSITORY), PAYROLL["members"])
    yield playbooks.create(PAYROLL, verify=False, **NEEDED)
    lab.at_once(lambda member: lab.sh(member, AS_BEFORE), PAYROLL["members"])


def test_what_is_missing_is_installed_and_noted(supplied):
    assert {member: installed(member) for member in PAYROLL["members"]} == dict.fromkeys(PAYROLL["members"], True)
    assert lab.sh("vm1-east", "cat /var/lib/intercloud-vpn/packages").split() == [PACKAGE]
    assert lab.answers("vm1-east", playbooks.addresses()["vm1-west"])
    assert playbooks.create(PAYROLL, verify=False, **NEEDED).hosts("changed") == set()


def test_it_goes_with_uninstall_where_that_is_asked_for(supplied):
    playbooks.delete("payroll", verify=False)
    assert installed("vm1-east")
    playbooks.run("uninstall", vcc_uninstall=PAYROLL["members"], vcc_packages=True)
    assert {member: installed(member) for member in PAYROLL["members"]} == dict.fromkeys(PAYROLL["members"], False)
    lab.sh("vm1-east", "test ! -e /var/lib/intercloud-vpn")
