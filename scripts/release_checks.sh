#!/usr/bin/env bash
# What the ecosystem asks of a release: `release_checks.sh reuse python` runs these checks, without names all of them.
# The tests of links are tests/unit/test_links.py.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export PATH="$PWD/.venv/bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=()

# The package, unpacked where collections are.
installed=$work/ansible_collections/intercloud/vpn
package() {
    [[ ! -d $installed ]] || return 0
    ansible-galaxy collection build --output-path "$work" . >/dev/null && mkdir -p "$installed" \
        && tar -xzf "$work"/intercloud-vpn-*.tar.gz -C "$installed"
}

# Each file says whose it is, and under which licence.
check_reuse() { reuse lint --quiet || reuse lint --lines; }

# What runs on nodes needs Python 3.9 or later. Neither ruff nor mypy knows what came into the standard library since.
check_python() { vermin --quiet --no-tips --violations --target=3.9- plugins/module_utils plugins/modules; }

# Documentation of plugins and of roles' options, as docs.ansible.com reads it.
check_docs() { package && antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck "$installed"; }

# What Galaxy does with a package before it takes it; but ansible-lint, which `make lint` runs.
check_importer() {
    package || return 1
    printf '%s\n' '[galaxy-importer]' 'RUN_ANSIBLE_LINT = False' 'CHECK_REQUIRED_TAGS = True' >"$work/importer.cfg"
    (cd "$work" && GALAXY_IMPORTER_CONFIG=$work/importer.cfg python -m galaxy_importer.main intercloud-vpn-*.tar.gz >importer.log 2>&1) \
        || { tail -n 20 "$work/importer.log"; return 1; }
    ! grep -E '^(WARNING|ERROR)' "$work/importer.log"
}

# Execution environments: of a checkout, and what the collection adds to others. No image is built.
check_environment() {
    ansible-builder create --context "$work/context" >/dev/null || return 1
    package && ansible-builder introspect --sanitize "$work" >"$work/found" || return 1
    if ! grep -q netaddr "$work/found" || ! grep -q 'openssh-clients' "$work/found" || grep -qiE 'ansible-core|systemd' "$work/found"; then
        cat "$work/found"
        return 1
    fi
}

[[ $# -gt 0 ]] || set -- reuse python docs importer environment
for check in "$@"; do
    [[ $check =~ ^(reuse|python|docs|importer|environment)$ ]] \
        || { echo "release_checks: $check is none of reuse, python, docs, importer, environment" >&2; exit 2; }
done
for check in "$@"; do
    echo "release_checks: $check"
    "check_$check" || failed+=("$check")
done
if [[ ${#failed[@]} -gt 0 ]]; then
    echo "release_checks: failed: ${failed[*]}" >&2
    exit 1
fi
echo "$# passed, 0 failed"
