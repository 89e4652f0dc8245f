#!/usr/bin/env bash
# The Molecule scenarios: those that are named, one after the other on one lab, which stays up; or all of them. Where there are four
# processors or more, they run in two lanes then, the second on a lab apart. (With two processors one lane keeps them busy: two
# took as long, and everything in them twice as long.)
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" NO_COLOR=1 ANSIBLE_NOCOLOR=1 ANSIBLE_FORCE_COLOR=0 PY_COLORS=0
logs=build/molecule
# About equally long. Each begins with a new lab, so their order does not matter.
first=(delete default check capture reboot agent findings limit membership machine recovery failure refused policies nat tunnels behind_nat releases external)
second=(ssl access own_fleet limits tenants three_clouds topologies slices clouds)
# Not these: somebody else runs them meanwhile.
for scenario in ${MOLECULE_ELSEWHERE:-}; do
    mapfile -t first < <(printf '%s\n' "${first[@]}" | grep -vxF "$scenario")
    mapfile -t second < <(printf '%s\n' "${second[@]}" | grep -vxF "$scenario")
done
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

# What Ansible said of each failure, also of one inside a run that a task has started, and pytest of each test: on a line, for whoever
# sees only those that say FAILED.
reasons() {
    { sed -nE '/^ *fatal: \[/,/^ *(rolled_back|stdout|subsystems):/p' "$1"; grep -E '^(E  |FAILED )' "$1"; } | tr -s ' \n' ' ' | cut -c 1-2000
}

# What became of a scenario, in one piece: another lane may write at the same time.
report() {
    local scenario=$1 verdict=$2 seconds=$3 log=$logs/$1.log
    local tests
    tests=$(sed -nE 's/^=+ (.*) in [0-9.]+s.*/\1/p' "$log" | tail -n 1)
    if [[ $verdict != passed ]]; then
        show_failure "$log"
        echo "molecule: $scenario: FAILED, for: $(reasons "$log")"
    fi
    echo "molecule: $scenario: $verdict (${tests:-no tests}, $seconds s): $(sed -n 's/^# //p' "extensions/molecule/$scenario/molecule.yml" | head -n 1)"
    sed -n 's/^measured: /    /p' "$log"
}

lane() {  # runs scenarios one after the other; fails if one of them does
    local failed=() scenario start verdict
    for scenario in "$@"; do
        start=$SECONDS
        verdict=FAILED
        if molecule test --no-command-borders --destroy=never -s "$scenario" >"$logs/$scenario.log" 2>&1 && looked_at_something "$scenario"; then
            verdict=passed
        else
            failed+=("$scenario")
        fi
        printf '%s\n' "$(report "$scenario" "$verdict" $((SECONDS - start)))"
    done
    [[ ${#failed[@]} -eq 0 ]] || { echo "molecule: FAILED: ${failed[*]}"; return 1; }
}

two_lanes() {
    APART=1 roles/lab/files/labctl apart second scripts/molecule.sh "${second[@]}" & beside=$!
    trap 'kill $beside 2>/dev/null; wait $beside' EXIT
    scripts/molecule.sh "${first[@]}" || status=1
    wait $beside || status=1
    trap - EXIT
}

mkdir -p "$logs"
if [[ $# -gt 0 ]]; then
    lane "$@"
    status=$?
    [[ -n ${APART:-} ]] || molecule destroy -s "$1" >"$logs/destroy.log" 2>&1 || { tail -n 60 "$logs/destroy.log"; status=1; }
    exit $status
fi
status=0
if [[ ${MOLECULE_LANES:-$(($(nproc) < 4 ? 1 : 2))} -eq 1 ]]; then
    scripts/molecule.sh "${first[@]}" "${second[@]}" || status=1
else
    two_lanes
fi
echo "molecule: $((${#first[@]} + ${#second[@]})) scenarios, $([[ $status -eq 0 ]] && echo all passed || echo FAILED), $((SECONDS - begun)) s (logs in $logs)"
exit $status
