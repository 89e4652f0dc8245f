#!/usr/bin/env bash
# How long members get no answer when something fails (root): on a lab apart, or, with `kernel`, in the lab's virtual machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/.venv/bin:$PATH" PYTHONPATH="$PWD/.collections"
if [[ ${1:-} == kernel ]]; then
    trap 'roles/lab/files/vmctl down >/dev/null' EXIT
    roles/lab/files/vmctl down >/dev/null
    ansible-playbook -i inventories/lab-kernel playbooks/lab_up.yml \
        -e '{"lab_off": ["vapp1-east", "vm1-east", "vm2-east", "vapp1-west", "vm1-west", "vm2-west"]}' >/dev/null
    KERNEL=short exec python tests/bench/bench_outage.py "$@"
fi
if [[ -z ${APART:-} ]]; then
    APART=1 exec roles/lab/files/labctl apart outage "$0" "$@"
fi
ansible-playbook -i inventories/lab playbooks/lab_up.yml >/dev/null
ansible-playbook -i inventories/lab create_vpn.yml >/dev/null
python tests/bench/bench_outage.py "$@"
