#!/usr/bin/env bash
# ansible-test on a copy: it insists on a tree ansible_collections/intercloud/vpn that is not a symbolic link.
#   ansible_test.sh sanity|units [ARGUMENT ...]
# VENV is the virtual environment whose ansible-core tests (default .venv), WORK where the copy and ansible-test's own home are.
set -euo pipefail
cd "$(dirname "$0")/.."
command=$1
shift
venv=$(realpath -s "${VENV:-.venv}")
work=$PWD/${WORK:-build/sanity}
tree=$work/ansible_collections/intercloud/vpn
mkdir -p "$tree"
# Not the links by which a checkout finds itself: they are in no package.
git ls-files -z --cached --others --exclude-standard -- ':!collections' ':!playbooks/collections' | rsync -a --delete --delete-missing-args --from0 --files-from=- ./ "$tree/"
# What git no longer knows goes from the copy too.
(cd "$tree" && find . \( -type f -o -type l \) -not -path './tests/output/*' -not -path './.git/*' -print0) | while IFS= read -r -d '' file; do
    [[ -e $file || -L $file ]] || rm -f "$tree/$file"
done
export PATH="$venv/bin:$PATH"
# A home of its own, so that nobody's ~/.ansible is touched; pip's cache is shared.
export PIP_CACHE_DIR="${PIP_CACHE_DIR:-$HOME/.cache/pip}" HOME="$work/home"
sed -n "s/.*\bpip='\([0-9.]*\)'.*/\1/p" "$venv"/lib/python3*/site-packages/ansible_test/_internal/python_requirements.py | while read -r name; do
    install -D scripts/get_pip.py "$HOME/.ansible/test/cache/get_pip_${name//./_}.py"
done
rm -rf "$tree/tests/output"
cd "$tree"
# A repository of its own: without one, ansible-test would ask the checkout around it, which ignores build/.
[[ -d .git ]] || git init -q
git add -A
exec ansible-test "$command" --python "$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" "$@"
