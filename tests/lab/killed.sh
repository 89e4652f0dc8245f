#!/usr/bin/env bash
# The lab can be removed, and made again, whenever its making was killed. Removes the lab; root.
set -euo pipefail
cd "$(dirname "$0")/../.."
labctl=roles/lab/files/labctl

leftovers() {
    ip -o link show | grep -oE 'vcclab|ctl-[a-z]+' || true
    ip netns list | grep -E 'internet|(cloud|node|edge|vapp1|vm[1-3])-' || true
    grep -E 'intercloud-vpn(/lab/machines|-lab)' /proc/self/mounts || true
    pgrep -af 'labctl.py supervise|systemd-nspawn.*intercloud-vpn' || true
    find /var/lib/intercloud-vpn/lab 2>/dev/null || true
    find /sys/fs/cgroup -maxdepth 2 -name 'intercloud-vpn-lab*' 2>/dev/null || true
    find /sys/fs/cgroup -mindepth 2 -maxdepth 3 -path '*/intercloud-vpn-apart/*/cgroup.procs' 2>/dev/null || true
    find /var/lib/intercloud-vpn-apart -mindepth 1 2>/dev/null || true
    ls -d /run/systemd/nspawn/*/{node,edge,vapp1,vm}*-* 2>/dev/null || true
}

delays=(0.05 0.15 0.3 0.6 1 1.5 2.5)
# In `make test`, with every second one, what else is tried at some of them included.
[[ ${THOROUGH:-} != 0 ]] || delays=(0.15 0.6 1 2.5)
for delay in "${delays[@]}"; do
    setsid "$labctl" up --tenant umbra >/dev/null 2>&1 &
    up=$!
    sleep "$delay"      # the moment of the kill is what is tried here
    kill -9 "$up" 2>/dev/null || true
    wait "$up" 2>/dev/null || true
    if [[ $delay == 0.6 ]]; then    # made again on top of what there is
        "$labctl" up --tenant zeta >/dev/null
        [[ $("$labctl" up) == "nothing to do" ]]
    fi
    if [[ $delay == 1 ]]; then      # and the supervisors gone as well
        pgrep -f 'labctl.py supervise' | xargs -r kill -9
    fi
    "$labctl" down >/dev/null
    "$labctl" down >/dev/null
    left=$(leftovers)
    [[ -z $left ]] || { echo "killed after $delay s, left behind:"; echo "$left"; exit 1; }
    echo "killed after $delay s: nothing left behind"
done

# The same of a lab apart, of which nobody but its command knows.
"$labctl" apart trial sh -c "$labctl up >/dev/null; sleep 600" &
apart=$!
sleep 3
[[ -n $(leftovers) ]]
kill -9 "$apart"
wait "$apart" 2>/dev/null || true
"$labctl" down >/dev/null
left=$(leftovers)
[[ -z $left ]] || { echo "a lab apart was killed, left behind:"; echo "$left"; exit 1; }
echo "killed after 3 s, apart: nothing left behind"
