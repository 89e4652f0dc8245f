#!/usr/bin/env bash
# ansible-test sanity (scripts/ansible_test.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
# In `make test` not of the tests themselves, which are half of the code: ruff looks at them, and no user loads them. And
# without what lint and the documentation site say as well.
[[ ${THOROUGH:-} != 0 ]] || set -- --exclude tests/ --skip-test pep8 --skip-test yamllint --skip-test ansible-doc --skip-test changelog "$@"
exec scripts/ansible_test.sh sanity "$@"
