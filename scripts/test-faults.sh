#!/usr/bin/env bash
# What a node does when it is killed, its state is damaged or its disk is full: its own code, with real firewalls and routes, in
# namespaces of its own. `test-faults.sh short`: a sample, the same one every time.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
begun=$SECONDS
form=${1:-full}

case $form in
    short) export FAULTS=short ;;
    full) ;;
    *)
        echo "usage: ${0##*/} [short]" >&2
        exit 2
        ;;
esac

pytest -q -p no:cacheprovider tests/faults
echo "test-faults: done after $((SECONDS - begun)) s"
