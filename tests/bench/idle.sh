#!/usr/bin/env bash
# What the agent costs on an edge with so many tunnels (1000), or on one that stretches its network, on a lab apart (root):
#
#   idle.sh [TUNNELS | stretched]
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/.venv/bin:$PATH" PYTHONPATH="$PWD/.collections"
if [[ -z ${APART:-} ]]; then
    APART=1 exec roles/lab/files/labctl apart idle "$0" "$@"
fi
if [[ ${1:-} == stretched ]]; then
    ansible-playbook -i inventories/lab playbooks/lab_up.yml -e lab_clouds=3
    exec python tests/bench/bench_idle_stretched.py
fi
ansible-playbook -i inventories/lab playbooks/lab_up.yml -e lab_clouds=4
python tests/bench/bench_idle.py "${1:-1000}"
