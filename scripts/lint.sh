#!/usr/bin/env bash
# Every static check but ansible-test sanity (scripts/sanity.sh). All of them run, whatever one finds.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export PATH="$PWD/.venv/bin:$PATH"
failed=()

check() {
    echo "lint: $*"
    "$@" || failed+=("$1 $2")
}

check ruff check --quiet .
check ruff format --quiet --check .
check mypy -p ansible_collections.intercloud.vpn.plugins.module_utils
check yamllint --strict .
check antsibull-changelog lint
check antsibull-changelog lint-changelog-yaml --strict changelogs/changelog.yaml
check ansible-lint --profile production --strict --offline
if [[ ${#failed[@]} -gt 0 ]]; then
    echo "lint: not clean: ${failed[*]}" >&2
    exit 1
fi
