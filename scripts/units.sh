#!/usr/bin/env bash
# tests/unit as ansible-test runs them: with Ansible's own loader of collections, and modules without the controller's code.
#   units.sh [ARGUMENT ...], for example: units.sh tests/unit/plugins/module_utils/_plan/test_golden.py
set -euo pipefail
cd "$(dirname "$0")/.."
exec scripts/ansible_test.sh units --num-workers "${WORKERS:-$(nproc)}" "$@"
