#!/bin/sh
# Lints the protobuf schemas and compares them with the ones last released (tests/golden/schema).
# Needs npm once, for the pinned buf; after that nothing leaves the machine.
#   tests/schema_check.sh            check
#   tests/schema_check.sh --release  check, then make the present schemas the new baseline
# Exit: 0 fine, 1 a finding, 2 the tool cannot be had.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
schema=$root/proto/schema
baseline=$root/tests/golden/schema
case $(uname -m) in
    aarch64) arch=aarch64 ;;
    *) arch=x64 ;;
esac
buf=$schema/node_modules/@bufbuild/buf-linux-$arch/bin/buf

if [ ! -x "$buf" ]; then
    command -v npm >/dev/null || { echo "schema check: npm is missing (apt-get install npm)" >&2; exit 2; }
    (cd "$schema" && npm ci --silent --no-progress) || { echo "schema check: npm ci failed in $schema" >&2; exit 2; }
    # The packages are optional ones (one a processor), so npm is content when it could not get them.
    [ -x "$buf" ] || { echo "schema check: npm could not get @bufbuild/buf-linux-$arch; is its registry reachable?" >&2; exit 2; }
fi

cd "$schema"
"$buf" lint . || { echo "schema check: FAILED, lint" >&2; exit 1; }
"$buf" breaking . --against "$baseline" || {
    echo "schema check: FAILED, not compatible with $baseline;" \
        "a change of meaning is a new type name (v2), never an edit" >&2
    exit 1
}

if [ "${1:-}" = --release ]; then
    rm -rf "$baseline"
    mkdir -p "$baseline"
    cp buf.yaml "$baseline/"
    find . -name node_modules -prune -o -name '*.proto' -print | while read -r file; do
        mkdir -p "$baseline/$(dirname "$file")"
        cp "$file" "$baseline/$file"
    done
    echo "schema check: baseline is now $(find "$baseline" -name '*.proto' | wc -l) files"
fi
echo "schema check: ok, $(find . -name node_modules -prune -o -name '*.proto' -print | wc -l) files, lint and breaking changes"
