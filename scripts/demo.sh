#!/usr/bin/env bash
# The whole product in one go: two clouds, a VPN between them, the proof, and what the internet got to see of it.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" ANSIBLE_CONFIG="$PWD/ansible.cfg"
ssh_config=/var/lib/intercloud-vpn/lab/ssh/config
capture=$(mktemp /tmp/intercloud-demo-XXXXXX.pcap)
times=()

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
on() { ssh -F "$ssh_config" "$@"; }
timed() {
    local what=$1 begun=$EPOCHREALTIME
    shift
    "$@"
    times+=("$(printf '%-46s %5.1f s' "$what" "$(seconds_since "$begun")")")
}
seconds_since() { python3 -c 'import sys; print(float(sys.argv[2]) - float(sys.argv[1]))' "$1" "$EPOCHREALTIME"; }

step "The lab: two clouds of six Debian machines each, and the internet between them"
timed "lab up" ansible-playbook -i inventories/lab playbooks/lab_up.yml
# A demo starts from nothing: an earlier one may have left its VPN.
ansible-playbook -i inventories/lab extensions/molecule/shared/destroy.yml >/dev/null

step "Listening on the internet between the clouds, from now on"
ip netns exec internet tcpdump -i any -n -s 0 -U -w "$capture" 2>/dev/null &
listener=$!
trap 'kill $listener 2>/dev/null || true' EXIT
until [[ -s $capture ]]; do sleep 0.1; done

step "create_vpn.yml: the VPN payroll between vm1-east, vm1-west and vm3-west"
timed "create_vpn, first time, proven" ansible-playbook -i inventories/lab create_vpn.yml
step "create_vpn.yml again: nothing to change"
timed "create_vpn, unchanged, proven" ansible-playbook -i inventories/lab create_vpn.yml > >(tee "$capture.log")
if ! grep -qE '^[0-9]+ hosts: 0 changed' "$capture.log"; then
    echo "demo: the second run changed something" >&2
    exit 1
fi

step "Members reach each other, at addresses out of the pool; others reach nobody"
address=$(python3 -c 'import json; print(next(m["address"] for v in json.load(open("result/vpn.json"))["vpns"]
    for m in v["members"] if m["name"] == "vm1-west"))')
echo "vm1-east, a member:"
on vm1-east ping -c 3 -i 0.2 -q "$address"
echo "vm2-east, in the same vApp and no member:"
if on vm2-east ping -c 3 -i 0.2 -W 1 -q "$address"; then
    echo "demo: a non-member got through" >&2
    exit 1
fi

step "What the internet got to see"
sleep 0.5
kill "$listener"
wait "$listener" 2>/dev/null || true
# ESP in UDP: port 4500, and not the four zero octets that mark IKE there (RFC 3948).
tcpdump -r "$capture" -n -t -c 6 'udp port 4500 and udp[8:4] != 0' 2>/dev/null | sed 's/^[^ ]* *\(In\|Out\) *//' || true
total=$(tcpdump -r "$capture" -n 2>/dev/null | wc -l)
ipsec=$(tcpdump -r "$capture" -n 'udp port 500 or udp port 4500' 2>/dev/null | wc -l)
inner='net 100.64.0.0/10 or net 10.0.0.0/8 or net 172.16.0.0/12 or net 192.168.0.0/16 or ip6 net fc00::/7'
leaked=$(tcpdump -r "$capture" -n "$inner" 2>/dev/null | wc -l)
echo "$total packets, $ipsec of them IKE or ESP in UDP; with an inner address in clear: $leaked"
rm -f "$capture" "$capture.log"
if [[ $ipsec -eq 0 || $leaked -ne 0 ]]; then
    echo "demo: that is not as it should be" >&2
    exit 1
fi

step "Done. It took"
printf '  %s\n' "${times[@]}"
cat <<END

The lab stays up. What to try next:

  ssh -F $ssh_config vm1-east                  # a member; ping $address
  ssh -F $ssh_config edge-east swanctl --list-sas
  ip netns exec internet tcpdump -ni any                     # the internet between the clouds
  . .venv/bin/activate
  ansible-playbook -i inventories/lab playbooks/verify_vpn.yml
  ansible-playbook -i inventories/lab create_vpn.yml -e '{"vcc_vpns": [{"name": "audit", "pool": "internal", "members": ["vm2-east", "vm2-west"]}]}'
  ansible-playbook -i inventories/lab playbooks/delete_vpn.yml -e vcc_delete=payroll
  make lab-down                                              # removes the lab
END
