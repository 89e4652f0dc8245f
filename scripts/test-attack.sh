#!/usr/bin/env bash
# Attacks on the lab's VPNs, each of which has to fail, on a lab of their own beside others. `test-attack.sh short`: two clouds, without
# edges in the wrong hands, and one of each kind of gateway. KEEP=1: on the lab that is there.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
form=${1:-full}
options=()
case $form in
    short)
        tests=(certified senders internet ipv6)
        options=(-k "not unknown_sa and not edge-east-org and not (routes and east)")
        ;;
    full) tests=(certified senders internet ipv6 compromised) ;;
    *)
        echo "usage: ${0##*/} [short]" >&2
        exit 2
        ;;
esac
if [[ -z ${APART:-}${KEEP:-} ]]; then
    APART=1 exec roles/lab/files/labctl apart attack "$0" "$form"
fi
ansible-playbook -i inventories/lab playbooks/lab_up.yml >/dev/null
files=("${tests[@]/#/tests/attack/test_}")
pytest -v -p no:cacheprovider --durations=8 --durations-min=5 "${files[@]/%/.py}" "${options[@]}" "${@:2}"
