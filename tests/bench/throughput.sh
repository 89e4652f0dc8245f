#!/usr/bin/env bash
# What passes through our tunnel with ESP in userspace, and through the same tunnel made by hand, on a lab apart (root).
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/.venv/bin:$PATH" PYTHONPATH="$PWD/.collections"
if [[ -z ${APART:-} ]]; then
    APART=1 exec roles/lab/files/labctl apart throughput "$0" "$@"
fi
ansible-playbook -i inventories/lab playbooks/lab_up.yml >/dev/null
ansible-playbook -i inventories/lab create_vpn.yml >/dev/null
python tests/bench/bench_throughput.py "$@"
