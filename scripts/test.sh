#!/usr/bin/env bash
# All tests; without those that show what others show as well, unless THOROUGH=1 (tests/conftest.py). Two lanes, as most machines have
# two cores at least: what needs Python, and the short forms of test-kernel and the like; what needs the lab. Both take scenarios then,
# one of them on a lab apart.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export PATH="$PWD/.venv/bin:$PATH"
logs=build/test
mkdir -p "$logs"
export THOROUGH=${THOROUGH:-0} LEFT_OUT=$PWD/$logs/left_out
: >"$LEFT_OUT"
begun=$SECONDS
failed=()
progress='^(molecule: .*(passed|FAILED)|killed after|test-kernel: |test-faults: )'

say() { printf '[%4d s] %s\n' $((SECONDS - begun)) "$*"; }

lane() {  # runs the steps of a lane one after the other; fails if one of them does
    local step status=0
    for step in "$@"; do
        local start=$SECONDS
        # What takes minutes says how far it is.
        "step_$step" 2>&1 | tee "$logs/$step.log" | grep --line-buffered -E "$progress"
        if [[ ${PIPESTATUS[0]} -eq 0 ]]; then
            say "passed: $step ($((SECONDS - start)) s)"
        else
            say "FAILED: $step ($((SECONDS - start)) s); the end of $logs/$step.log:"
            tail -n 60 "$logs/$step.log"
            status=1
        fi
    done
    return $status
}

# What failed last, and why: whoever sees only the end of the output sees it, too.
reasons() { grep -hE "^(molecule: [a-z_]+: FAILED|FAILED |ERROR )" "$logs"/*.log | cut -c 1-2000; }

step_lint() { scripts/lint.sh; }
step_unit() { pytest -q tests/unit; }
step_page() { pytest -q tests/page; }
step_sanity() { scripts/sanity.sh; }
# The site without warnings, and every command and intent that the pages print.
step_docs() { scripts/docs.sh && pytest -q tests/docs; }
step_metrics() { pytest -q tests/metrics; }
step_package() { scripts/package.sh; }
# In the short form without what looks at documentation: sanity does so, too.
step_release() {
    [[ $THOROUGH == 0 ]] || { scripts/release_checks.sh; return; }
    echo 'release_checks: docs: sanity and the site read the same documentation' >>"$LEFT_OUT"
    scripts/release_checks.sh reuse python environment importer
}
step_intents() { pytest -q tests/integration tests/inventories; }
step_faults() { scripts/test-faults.sh short; }
step_kernel() { scripts/setup.sh kernel && scripts/test-kernel.sh short; }
step_attack() { scripts/test-attack.sh short; }
step_lab() { roles/lab/files/labctl down && ansible-playbook -i inventories/lab playbooks/lab_up.yml && pytest -q tests/lab; }
# Both lanes take scenarios until none is left, whichever comes to them first.
step_beside() { APART=1 roles/lab/files/labctl apart beside scripts/molecule.sh take tail; }
step_molecule() { scripts/molecule.sh take head; }
# What a newcomer tries first. The demo does less of the same.
step_lesson() {
    pytest -q tests/lesson || return
    [[ $THOROUGH == 0 ]] || { scripts/demo.sh; return; }
    echo "scripts/demo.sh: tests/lesson does the same and more" >>"$LEFT_OUT"
}
step_lab_down() { tests/lab/killed.sh; }

trap 'roles/lab/files/labctl down >/dev/null 2>&1; roles/lab/files/vmctl down >/dev/null 2>&1' EXIT
say "lint, unit, docs, page, faults, intents, metrics, package, release, sanity, kernel, attack, beside | lab, lab_down, lesson, molecule (logs in $logs)"
scripts/molecule.sh queue || exit 1
lane lint unit docs page faults intents metrics package release sanity kernel attack beside & python_lane=$!
# lab_down takes away every lab: while the other lane has none. Scenarios are last in both lanes, so that neither waits for long.
lane lab lab_down lesson molecule & lab_lane=$!
wait "$python_lane" || failed+=(python)
wait "$lab_lane" || failed+=(lab)
# What the test runners counted, for whoever reads only the end.
grep -hE '^(=+ )?[0-9]+ (passed|failed)' "$logs"/*.log | sed 's/^/  /'
left=$(wc -l <"$LEFT_OUT")
[[ $left -eq 0 ]] || say "not run: $left tests and parts of tests, which show again what others show; make test-thorough runs them (list: $logs/left_out)"
if [[ ${#failed[@]} -gt 0 ]]; then
    reasons
    say "FAILED"
    exit 1
fi
say "all passed"
