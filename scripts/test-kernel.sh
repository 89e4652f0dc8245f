#!/usr/bin/env bash
# What holds with the kernel's own IPsec, in the lab's virtual machine. In this order: some VPNs' life, and their crises.
# `test-kernel.sh short`: two clouds, a VPN of two members, and the least that only this kernel can show. KEEP=1 leaves the lab.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
begun=$SECONDS
form=${1:-full}

case $form in
    short)
        export KERNEL=short
        # Under emulation a machine takes as long to boot as a test. Of these, the short form's VPN needs none.
        options=(-e '{"lab_off": ["vapp1-east", "vm1-east", "vm2-east", "vapp1-west", "vm1-west", "vm2-west"]}')
        tests=(created.py "crash.py::test_after_a_crash_of_charon_packets_pass_again_at_once[initiator]" deleted.py)
        ;;
    full)
        # The third cloud's edge is behind a NAT, and runs the next Debian.
        options=(-e lab_clouds=3 -e '{"lab_nat": ["edge-south"], "lab_releases": {"edge-south": "trixie"}}')
        tests=()
        for name in created moves renamed stretched company again links rotation order clocks dead_peer crash lossy libreswan throughput options mtu deleted; do
            tests+=("$name.py")
        done
        ;;
    *)
        echo "usage: ${0##*/} [short]" >&2
        exit 2
        ;;
esac

[[ -n ${KEEP:-} ]] || trap 'roles/lab/files/vmctl down >/dev/null' EXIT
roles/lab/files/vmctl down >/dev/null
ansible-playbook -i inventories/lab-kernel playbooks/lab_up.yml "${options[@]}"
status=$(roles/lab/files/vmctl status)
echo "test-kernel: the lab is up after $((SECONDS - begun)) s (${status%%$'\n'*})"
pytest -v -p no:cacheprovider --durations=0 --durations-min=5 "${tests[@]/#/tests/kernel/test_}"
echo "test-kernel: done after $((SECONDS - begun)) s"
