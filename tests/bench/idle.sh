#!/usr/bin/env bash
# What the agent costs on an edge with so many tunnels (1000), on a lab apart (root).
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/.venv/bin:$PATH" PYTHONPATH="$PWD/.collections"
if [[ -z ${APART:-} ]]; then
    APART=1 exec roles/lab/files/labctl apart idle "$0" "$@"
fi
ansible-playbook -i inventories/lab playbooks/lab_up.yml -e lab_clouds=4
python tests/bench/bench_idle.py "${1:-1000}"
