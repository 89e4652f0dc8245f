#!/usr/bin/env bash
# What a node does when it is killed, its state is damaged or its disk is full: its own code, with real firewalls and routes, in
# namespaces of its own. `test-faults.sh short`: a sample, the same one every time. Then, in full form only, whole runs that are killed or
# disturbed, on a lab of their own. `test-faults.sh lab [WORDS FOR PYTEST…]`: only these; KEEP=1: on the lab that is there.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
begun=$SECONDS
form=${1:-full}

case $form in
    short) export FAULTS=short ;;
    full) ;;
    lab)
        if [[ -z ${APART:-}${KEEP:-} ]]; then
            APART=1 exec roles/lab/files/labctl apart faults "$0" "$@"
        fi
        ansible-playbook -i inventories/lab playbooks/lab_up.yml >/dev/null
        exec env MOLECULE_SCENARIO_NAME=faults pytest -v -p no:cacheprovider tests/faults/lab "${@:2}"
        ;;
    *)
        echo "usage: ${0##*/} [short|lab]" >&2
        exit 2
        ;;
esac

pytest -q -p no:cacheprovider tests/faults --ignore tests/faults/lab
if [[ $form == full ]]; then
    "$0" lab
fi
echo "test-faults: done after $((SECONDS - begun)) s"
