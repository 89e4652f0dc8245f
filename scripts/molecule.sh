#!/usr/bin/env bash
# The Molecule scenarios, one after the other on one lab, which stays up: all of them, or those that are named.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" NO_COLOR=1 ANSIBLE_NOCOLOR=1 ANSIBLE_FORCE_COLOR=0 PY_COLORS=0
logs=build/molecule
# `delete` first, while a new lab's machines are as they were made; those that make another lab of it last.
scenarios=(delete default check capture reboot limit membership failure refused policies nat tunnels ssl behind_nat releases external access limits tenants three_clouds topologies)
[[ $# -eq 0 ]] || scenarios=("$@")
failed=()
begun=$SECONDS

# Molecule calls it success when there is nothing to do it on, or nothing to test.
looked_at_something() {
    local log=$logs/$1.log
    grep -qE '^edge-[a-z]+ *: ok=[1-9]' "$log" "$logs/$1/runs.log" 2>/dev/null || { echo "no playbook ran on an edge" >>"$log"; return 1; }
    grep -qE '^=+ [0-9]+ passed in ' "$log" || { echo "no test ran, or some were skipped" >>"$log"; return 1; }
}

# Molecule tidies up after a failure; what failed is further up.
show_failure() {
    if grep -q '^=* FAILURES =\|^=* ERRORS =' "$1"; then
        sed -n '/^=* \(FAILURES\|ERRORS\) =/,/^=.* in [0-9.]*s/p' "$1" | tail -n 100
    else
        grep -nE -A 12 '^(fatal:|\[ERROR\]|CRITICAL|ERROR )' "$1" | head -n 60
    fi
}

mkdir -p "$logs"
for scenario in "${scenarios[@]}"; do
    start=$SECONDS
    echo "molecule: $scenario: $(sed -n 's/^# //p' "extensions/molecule/$scenario/molecule.yml" | head -n 1)"
    if molecule test --no-command-borders --destroy=never -s "$scenario" >"$logs/$scenario.log" 2>&1 && looked_at_something "$scenario"; then
        verdict=passed
    else
        verdict=FAILED
        failed+=("$scenario")
        show_failure "$logs/$scenario.log"
    fi
    sed -n 's/^measured: /    /p' "$logs/$scenario.log"
    tests=$(sed -nE 's/^=+ (.*) in [0-9.]+s.*/\1/p' "$logs/$scenario.log" | tail -n 1)
    echo "molecule: $scenario: $verdict (${tests:-no tests}, $((SECONDS - start)) s)"
done

molecule destroy -s "$scenario" >"$logs/destroy.log" 2>&1 || { tail -n 60 "$logs/destroy.log"; failed+=(destroy); }
echo "molecule: ${#scenarios[@]} scenarios, ${#failed[@]} failed, $((SECONDS - begun)) s (logs in $logs)"
if [[ ${#failed[@]} -gt 0 ]]; then
    echo "molecule: FAILED: ${failed[*]}" >&2
    exit 1
fi
