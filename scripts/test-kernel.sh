#!/usr/bin/env bash
# What holds with the kernel's own IPsec, in the lab's virtual machine. In this order: one VPN's life, and its crises.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
begun=$SECONDS

[[ -n ${KEEP:-} ]] || trap 'roles/lab/files/vmctl down >/dev/null' EXIT
roles/lab/files/vmctl down >/dev/null
ansible-playbook -i inventories/lab-kernel playbooks/lab_up.yml
echo "test-kernel: the lab is up after $((SECONDS - begun)) s ($(roles/lab/files/vmctl status | head -n 1))"
tests=()
for name in created again links crash lossy deleted; do tests+=("tests/kernel/test_$name.py"); done
pytest -p no:cacheprovider --durations=0 --durations-min=5 "${tests[@]}" "$@"
echo "test-kernel: done after $((SECONDS - begun)) s"
