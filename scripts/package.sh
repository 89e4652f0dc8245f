#!/usr/bin/env bash
# Builds the collection, installs it elsewhere, and plans by FQCN from there: what a user who never saw a checkout does.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

checkout=$PWD
ansible-galaxy collection build --output-path "$work" .
unset ANSIBLE_CONFIG
cd "$work"
export ANSIBLE_COLLECTIONS_PATH="$work/collections" ANSIBLE_HOME="$work/home"
ansible-galaxy collection install --collections-path "$work/collections" intercloud-vpn-*.tar.gz
installed=collections/ansible_collections/intercloud/vpn
names=(create_vpn plan_vpn verify_vpn delete_vpn status_vpn report_vpn history_vpn rollback_vpn drain_edge uninstall export_vpn export_ovf publish_template external_settings
    sign_certificate renew_certificates awx_setup lab_up lab_down)
for name in "${names[@]}"; do
    [[ -f $installed/playbooks/$name.yml ]] || { echo "package: playbook $name is missing" >&2; exit 1; }
done
ansible-playbook --syntax-check -i "$installed/inventories/example" "${names[@]/#/intercloud.vpn.}"
# Nothing else is at its top, and all that git has below the folders that users need.
diff <(cd "$installed" && LC_ALL=C ls -A) - <<'EOT'
CHANGELOG.rst
CODE_OF_CONDUCT.md
CONTRIBUTING.md
FILES.json
LICENSE
LICENSES
MAINTAINERS.md
MANIFEST.json
README.md
REUSE.toml
SECURITY.md
bindep.txt
changelogs
docs
extensions
inventories
meta
playbooks
plugins
requirements.txt
roles
EOT
diff <(cd "$checkout" && git ls-files -co --exclude-standard -- docs extensions inventories meta plugins roles playbooks \
        ':!extensions/molecule' ':!playbooks/collections' | LC_ALL=C sort) \
    <(cd "$installed" && find docs extensions inventories meta plugins roles playbooks ! -type d -not -name '*.pyc' | LC_ALL=C sort)
ansible-playbook -i "$installed/inventories/example" intercloud.vpn.plan_vpn \
    -e vcc_state_dir="$work/state" -e vcc_ledger="sqlite:///$work/state/ledger.sqlite" | tee plan.log
grep -q '+ member web-berlin 100.64.0.17 (address)' plan.log
[[ ! -e $work/state ]] || { echo "package: plan_vpn wrote a ledger" >&2; exit 1; }
# The page needs files that are no modules. Before the first VPN, it is for composing one.
ansible-playbook -i "$installed/inventories/example" intercloud.vpn.report_vpn -e vcc_report_file="$work/report.html" \
    -e vcc_state_dir="$work/state" -e vcc_ledger="sqlite:///$work/state/ledger.sqlite"
grep -q 'data-site' report.html
echo "1 passed, 0 failed"
