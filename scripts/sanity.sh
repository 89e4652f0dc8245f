#!/usr/bin/env bash
# ansible-test sanity, on a copy: it insists on a tree ansible_collections/intercloud/vpn that is no symbolic link.
set -euo pipefail
cd "$(dirname "$0")/.."
tree=build/sanity/ansible_collections/intercloud/vpn
mkdir -p "$tree"
# Not the links by which a checkout finds itself: they are in no package.
git ls-files -z --cached --others --exclude-standard -- ':!collections' ':!playbooks/collections' | rsync -a --delete --delete-missing-args --from0 --files-from=- ./ "$tree/"
# What git no longer knows goes from the copy too.
(cd "$tree" && find . \( -type f -o -type l \) -not -path './tests/output/*' -print0) | while IFS= read -r -d '' file; do
    [[ -e $file || -L $file ]] || rm -f "$tree/$file"
done
export PATH="$PWD/.venv/bin:$PATH"
# A home of its own, so that nobody's ~/.ansible is touched; pip's cache is shared.
export PIP_CACHE_DIR="${PIP_CACHE_DIR:-$HOME/.cache/pip}" HOME="$PWD/build/sanity/home"
for name in $(sed -n "s/.*\bpip='\([0-9.]*\)'.*/\1/p" .venv/lib/python3*/site-packages/ansible_test/_internal/python_requirements.py); do
    install -D scripts/get_pip.py "$HOME/.ansible/test/cache/get_pip_${name//./_}.py"
done
# In `make test` not of the tests themselves, which are half of the code: ruff looks at them, and no user loads them. And
# without what lint and the documentation site say as well.
[[ ${THOROUGH:-} != 0 ]] || set -- --exclude tests/ --skip-test pep8 --skip-test yamllint --skip-test ansible-doc "$@"
rm -rf "$tree/tests/output"
cd "$tree"
# A repository of its own: without one, ansible-test would ask the checkout around it, which ignores build/.
[[ -d .git ]] || git init -q
git add -A
exec ansible-test sanity --python "$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" "$@"
