#!/usr/bin/env bash
# The Molecule scenarios: those that are named, one after the other on one lab, which stays up; or all of them. Where there are four
# processors or more, they run in two lanes then, the second on a lab apart. (With two processors one lane keeps them busy for
# two thirds of the time, and two lanes make everything in them slower.)
#
#   molecule.sh [SCENARIO ...]
#   molecule.sh queue           notes all scenarios; lanes then take one after the other, so that none waits for another:
#   molecule.sh take head       one from the head
#   molecule.sh take tail       one from the tail
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export PATH="$PWD/.venv/bin:$PATH" NO_COLOR=1 ANSIBLE_NOCOLOR=1 ANSIBLE_FORCE_COLOR=0 PY_COLORS=0
logs=build/molecule
queue=$logs/queue
# Each begins with a new lab, so their order does not matter. Near the tail: those that mostly wait, and measure nothing. Short ones are
# where two lanes end. Those with machines of another release are at the head: a lab apart cannot build a root.
scenarios=(moves releases clouds upgrade limits access machine failure own_fleet limit membership nat dhcp names recovery external
    findings check delete rotation behind_nat agent default tunnels capture reboot refused slices three_clouds policies tenants topologies stretched pair ssl)
# What these show, others show as well. They are left to `make test-thorough` (THOROUGH=0 is the short form: tests/conftest.py).
declare -A thorough=(
    [releases]="moves has edges of both releases"
    [three_clouds]="stretched has a third site that joins, topologies four clouds, and others lose nothing"
    [upgrade]="no release is out yet whose fleets it could break; other scenarios apply again what did not change"
    [rotation]="unit tests have each step of a bridge, refused an edge with another certificate"
    [reboot]="limits and stretched reboot edges, agent and kernel kill daemons"
    [tunnels]="tests of the plan: a tunnel that is missing; tests/integration: a question in a job"
    [findings]="access, limits and refused break what verify names; limit and own_fleet have hosts that fail"
    [slices]="limit applies to parts of the fleet one after the other, clouds at once"
    [capture]="tests/lesson and test-kernel look at the internet from before a VPN until after its end"
)
begun=$SECONDS

# What a clone may lack of what a scenario needs: then the scenario is left out.
lacks() {
    local previous=extensions/molecule/upgrade/previous
    [[ $1 == upgrade ]] || return 1
    ! git cat-file -e "$(<"$previous")^{commit}" 2>/dev/null || return 1
    echo "this clone has no commit $(<"$previous"), the previous release ($previous): git fetch --unshallow --tags"
}

# Molecule calls it success when there is nothing to do it on, or nothing to test.
looked_at_something() {
    local log=$logs/$1.log
    grep -qE '^edge-[a-z]+ *: ok=[1-9]' "$log" "$logs/$1/runs.log" 2>/dev/null || { echo "no playbook ran on an edge" >>"$log"; return 1; }
    grep -qE '^=+ [0-9]+ passed(, [0-9]+ deselected)? in ' "$log" || { echo "no test ran, or some were skipped" >>"$log"; return 1; }
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

# The next scenario, from one end of the queue; nothing when there is none.
take() {
    local line=1
    [[ $1 == head ]] || line='$'
    {
        flock 9
        sed -n "${line}p" "$queue"
        sed -i "${line}d" "$queue"
    } 9>>"$queue.lock"
}

run() {  # a scenario; fails if it does
    local scenario=$1 start=$SECONDS verdict=FAILED reason
    if reason=$(lacks "$scenario"); then
        echo "molecule: $scenario: left out: $reason"
        echo "scenario $scenario: $reason" >>"${LEFT_OUT:-/dev/null}"
        return
    fi
    if molecule test --no-command-borders --destroy=never -s "$scenario" >"$logs/$scenario.log" 2>&1 && looked_at_something "$scenario"; then
        verdict=passed
    fi
    printf '%s\n' "$(report "$scenario" "$verdict" $((SECONDS - start)))"
    [[ $verdict == passed ]]
}

lane() {  # runs the named scenarios, or, with `take END`, those that are left; fails if one of them does
    local failed=() scenario last=
    if [[ $1 == take ]]; then
        [[ -f $queue ]] || { echo "molecule: there is no queue" >&2; return 1; }
        while scenario=$(take "$2") && [[ -n $scenario ]]; do
            run "$scenario" || failed+=("$scenario")
            last=$scenario
        done
    else
        for scenario in "$@"; do
            run "$scenario" || failed+=("$scenario")
            last=$scenario
        done
    fi
    if [[ -z ${APART:-} && -n $last ]]; then
        molecule destroy -s "$last" >"$logs/destroy.log" 2>&1 || { tail -n 60 "$logs/destroy.log"; failed+=(destroy); }
    fi
    [[ ${#failed[@]} -eq 0 ]] || { echo "molecule: FAILED: ${failed[*]}"; return 1; }
}

two_lanes() {
    APART=1 roles/lab/files/labctl apart second scripts/molecule.sh take tail & beside=$!
    trap 'kill $beside 2>/dev/null; wait $beside' EXIT
    scripts/molecule.sh take head || status=1
    wait $beside || status=1
    trap - EXIT
}

mkdir -p "$logs"
if [[ ${1:-} == queue ]]; then
    : >"$queue"
    for scenario in "${scenarios[@]}"; do
        if [[ ${THOROUGH:-} == 0 && -n ${thorough[$scenario]:-} ]]; then
            echo "scenario $scenario: ${thorough[$scenario]}" >>"${LEFT_OUT:-/dev/null}"
        else
            echo "$scenario" >>"$queue"
        fi
    done
    exit
elif [[ $# -gt 0 ]]; then
    if [[ $1 != take ]]; then
        for scenario in "$@"; do
            [[ -f extensions/molecule/$scenario/molecule.yml ]] || { echo "molecule: there is no scenario $scenario" >&2; exit 2; }
        done
    elif [[ ! ${2:-} =~ ^(head|tail)$ ]]; then
        echo "molecule: take head, or take tail" >&2
        exit 2
    fi
    lane "$@"
    exit
fi
status=0
scripts/molecule.sh queue || exit 1
if [[ ${MOLECULE_LANES:-$(($(nproc) < 4 ? 1 : 2))} -eq 1 ]]; then
    scripts/molecule.sh take head || status=1
else
    two_lanes
fi
echo "molecule: ${#scenarios[@]} scenarios, $([[ $status -eq 0 ]] && echo all passed || echo FAILED), $((SECONDS - begun)) s (logs in $logs)"
exit $status
