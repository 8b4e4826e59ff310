#!/bin/sh
# Installs the packages of the Node.js conformance client, pinned by its package-lock.json; nothing of them runs at that.
# zeromq brings its compiled part in the package. After that nothing leaves the machine.
# Exit: 0 there, 2 they cannot be had: the suite then runs with the C client only, and ctest shows the other as skipped.
set -eu

node=$(cd "$(dirname "$0")/node" && pwd)

missing() {
    echo "conformance: the Node.js client cannot be had: $1; its tests are skipped" >&2
    exit 2
}

if [ ! -e "$node/node_modules/.package-lock.json" ] || [ "$node/package-lock.json" -nt "$node/node_modules/.package-lock.json" ]; then
    command -v npm >/dev/null || missing "npm is missing (apt-get install npm)"
    (cd "$node" && npm ci --silent --no-progress --ignore-scripts) || missing "npm ci failed in $node; is its registry reachable?"
fi
sdk=$(cd "$(dirname "$0")/cloudevents" && pwd)
if [ ! -e "$sdk/node_modules/.package-lock.json" ] || [ "$sdk/package-lock.json" -nt "$sdk/node_modules/.package-lock.json" ]; then
    (cd "$sdk" && npm ci --silent --no-progress --ignore-scripts) || missing "npm ci failed in $sdk; is its registry reachable?"
fi
echo '{"do":"reset"}' | node "$node/speaker.js" >/dev/null || missing "this node cannot load the packages"
echo "conformance: the Node.js client is installed"
