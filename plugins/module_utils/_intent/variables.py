# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: every variable that begins with ``vcc_``: what is not in this list is refused, for nothing would read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._base.problems import Problems, did_you_mean
from .paths import of_host

PREFIX = "vcc_"

OF_HOSTS = (
    "vcc_address",
    "vcc_authentication",
    "vcc_behind_nat",
    "vcc_bgp",
    "vcc_dhcp",
    "vcc_edge",
    "vcc_external",
    "vcc_formerly",
    "vcc_gateway",
    "vcc_identity",
    "vcc_mac",
    "vcc_member_mode",
    "vcc_mlkem",
    "vcc_names",
    "vcc_org",
    "vcc_org_address",
    "vcc_org_network",
    "vcc_own_org_address",
    "vcc_psk",
    "vcc_public_address",
    "vcc_site",
    "vcc_underlay_mtu",
    "vcc_vapp",
    "vcc_vapp_address",
    "vcc_vapp_network",
    "vcc_vrrp_id",
)
"""What the inventory says of a host."""

TAGS, INSTANCES = OF_TAGS = ("vcc_tags", "vcc_instances")
"""Of an inventory made of a cloud's tags: the tags, and the instances that have the host's name. See ``tags.py``."""

OF_RUNS = (
    "vcc_adopt",
    "vcc_allow_older",
    "vcc_allow_renumber",
    "vcc_as_approved",
    "vcc_as_verified",
    "vcc_awx",
    "vcc_awx_url",
    "vcc_awx_write",
    "vcc_backend",
    "vcc_backup",
    "vcc_certificate",
    "vcc_certificate_days",
    "vcc_certified_addresses",
    "vcc_clouds",
    "vcc_confirm_timeout",
    "vcc_create_tunnels",
    "vcc_csr",
    "vcc_delete",
    "vcc_events",
    "vcc_export",
    "vcc_export_dir",
    "vcc_export_file",
    "vcc_export_vapp",
    "vcc_drain",
    "vcc_external_edge",
    "vcc_forget",
    "vcc_from_node",
    "vcc_generation",
    "vcc_json",
    "vcc_ledger",
    "vcc_link_timeout",
    "vcc_move",
    "vcc_networks",
    "vcc_new_ledger",
    "vcc_only",
    "vcc_organization",
    "vcc_package",
    "vcc_package_sha1",
    "vcc_package_trusted",
    "vcc_packages",
    "vcc_plan_documents",
    "vcc_plan_fails",
    "vcc_policies",
    "vcc_pools",
    "vcc_report_file",
    "vcc_restore_force",
    "vcc_result",
    "vcc_revoke",
    "vcc_rotate",
    "vcc_rotate_abandon",
    "vcc_rotate_at_once",
    "vcc_rotate_edges",
    "vcc_rotate_finish",
    "vcc_rotate_partners",
    "vcc_settings",
    "vcc_since",
    "vcc_show_secrets",
    "vcc_state_dir",
    "vcc_status_fails",
    "vcc_template",
    "vcc_template_state",
    "vcc_to",
    "vcc_undrain",
    "vcc_uninstall",
    "vcc_verify",
    "vcc_verify_certificate_days",
    "vcc_verify_nonmembers",
    "vcc_vpns",
)
"""The intent, and what a run is told. Often in group_vars/all, where every host has them."""

OF_SURVEYS = (
    "vcc_survey_add",
    "vcc_survey_agreed",
    "vcc_survey_create_tunnels",
    "vcc_survey_delete",
    "vcc_survey_edge",
    "vcc_survey_events",
    "vcc_survey_generation",
    "vcc_survey_hubs",
    "vcc_survey_members",
    "vcc_survey_move",
    "vcc_survey_name",
    "vcc_survey_names",
    "vcc_survey_only",
    "vcc_survey_policy",
    "vcc_survey_pool",
    "vcc_survey_remove",
    "vcc_survey_since",
    "vcc_survey_to",
    "vcc_survey_topology",
    "vcc_survey_tunnel",
    "vcc_survey_verify",
    "vcc_survey_vpn",
)
"""The answers of AWX's surveys (_awx/questions.py)."""

OF_ROLES = (
    "vcc_node_adopt",
    "vcc_node_allow_older",
    "vcc_node_documents",
    "vcc_node_packages",
    "vcc_node_runner",
    "vcc_server_adopt",
    "vcc_server_allow_renumber",
    "vcc_server_as_approved",
    "vcc_server_as_verified",
    "vcc_server_as_stored",
    "vcc_server_backup",
    "vcc_server_certificate_lifetime",
    "vcc_server_certified_addresses",
    "vcc_server_commit",
    "vcc_server_create_tunnels",
    "vcc_server_delete",
    "vcc_server_expected",
    "vcc_server_forget",
    "vcc_server_host",
    "vcc_server_ledger",
    "vcc_server_move",
    "vcc_server_networks",
    "vcc_server_new_ledger",
    "vcc_server_organizations",
    "vcc_server_packages",
    "vcc_server_part",
    "vcc_server_policies",
    "vcc_server_pools",
    "vcc_server_restore_force",
    "vcc_server_rollback",
    "vcc_server_seen",
    "vcc_server_show",
    "vcc_server_state_dir",
    "vcc_server_status_fails",
    "vcc_server_stored",
    "vcc_server_survey",
    "vcc_server_vpns",
)
"""The options of the roles vcc_server and vcc_node."""

REGISTERED = (
    "vcc_cloud_nodes",
    "vcc_cloud_probes",
    "vcc_cloud_probing",
    "vcc_node_template",
    "vcc_observed",
    "vcc_probed",
    "vcc_probing",
    "vcc_recalled",
    "vcc_server_backed_up",
    "vcc_server_came_up",
    "vcc_server_cloud",
    "vcc_server_cloud_part",
    "vcc_server_cloud_rounds",
    "vcc_server_clouds_done",
    "vcc_server_external",
    "vcc_server_judgement",
    "vcc_server_nodes",
    "vcc_server_plan",
    "vcc_server_recovery",
    "vcc_server_template",
    "vcc_server_renewal",
    "vcc_server_renewals",
    "vcc_server_restored",
    "vcc_server_revocation",
    "vcc_server_rotation",
    "vcc_server_awx",
    "vcc_survey",
    "vcc_told",
)
"""What the playbooks themselves leave with hosts."""

KNOWN = frozenset((*OF_HOSTS, *OF_TAGS, *OF_RUNS, *OF_SURVEYS, *OF_ROLES, *REGISTERED))


def check_known(found: Mapping[str, Sequence[str]], hosts: int, problems: Problems) -> None:
    """Note the variables ``found`` that are unknown. Of each the hosts that have it, of so many ``hosts``.

    A variable that all hosts have was said once, for all of them.
    """
    for variable, names in sorted(found.items()):
        if variable in KNOWN:
            continue
        path = variable if len(names) == hosts else of_host(min(names), variable)
        more = f", nor on {len(names) - 1} more hosts" if 1 < len(names) < hosts else ""
        hint = did_you_mean(variable, (*OF_HOSTS, *OF_RUNS)) or "; name a variable of your own without vcc_ in front"
        problems.add(path, f"is not known{more}{hint}")
