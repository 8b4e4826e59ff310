#!/bin/sh
# Checks every proof of this folder with openssl alone. KEY: the log's key, from elsewhere than this folder
# (marshrut log key); without it the file "key" is taken, which whoever made the folder could have written.
# Usage: sh verify.sh [KEY]. Exit: 0 all hold, 1 something does not.
set -u
cd "$(dirname "$0")" || exit 1
vkey=${1:-$(cat key)}
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
fail() { echo "DOES NOT HOLD: $1" >&2; exit 1; }
hex() { od -An -v -tx1 | tr -d ' \n'; }
bytes() { printf %b "$(printf '\\0%03o' $(printf %s "$1" | sed 's/../0x& /g'))"; }
sha256() { openssl dgst -sha256 -r | cut -c1-64; }

# the checkpoint's signature: Ed25519 over its text
sed '/^$/,$d' checkpoint >"$work/body"
sed '1,/^$/d' checkpoint | grep -F -- "— ${vkey%%+*} " | head -1 | cut -d' ' -f3 | base64 -d >"$work/line" || fail "checkpoint: no signature of this key"
id=$(printf %s "$vkey" | cut -d+ -f2)
[ "$(head -c 4 "$work/line" | hex)" = "$id" ] || fail "checkpoint: signed by another key"
tail -c 64 "$work/line" >"$work/signature"
{ printf '\060\052\060\005\006\003\053\145\160\003\041\000'; printf %s "$vkey" | cut -d+ -f3- | base64 -d | tail -c 32; } >"$work/key.der"
openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key.der" -rawin -in "$work/body" -sigfile "$work/signature" >/dev/null || fail "checkpoint: the signature"
size=$(sed -n 2p checkpoint)
root=$(sed -n 3p checkpoint | base64 -d | hex)

# each leaf, up its path to the signed root
count=0
for proof in proofs/*.tlog-proof; do
  [ -e "$proof" ] || fail "proofs: there is none"
  number=$(basename "$proof" .tlog-proof)
  sed '1,/^$/d' "$proof" | cmp -s - checkpoint || fail "$proof: of another checkpoint"
  index=$(sed -n 's/^index //p' "$proof")
  [ "$index" = $((number - 1)) ] || fail "$proof: of another record"
  if [ -e "leaves/$number.leaf" ]; then node=$( { printf '\000'; cat "leaves/$number.leaf"; } | sha256); else node=$(cat "leaves/$number.hash"); fi
  fn=$index; sn=$((size - 1))
  for hash in $(sed '1,/^index/d;/^$/,$d' "$proof"); do
    hash=$(printf %s "$hash" | base64 -d | hex)
    if [ $((fn & 1)) = 1 ] || [ "$fn" = "$sn" ]; then
      node=$( { printf '\001'; bytes "$hash"; bytes "$node"; } | sha256)
      while [ $((fn & 1)) = 0 ] && [ "$fn" != 0 ]; do fn=$((fn >> 1)); sn=$((sn >> 1)); done
    else
      node=$( { printf '\001'; bytes "$node"; bytes "$hash"; } | sha256)
    fi
    fn=$((fn >> 1)); sn=$((sn >> 1))
  done
  [ "$node" = "$root" ] || fail "record $number: the path does not lead to the signed root"
  count=$((count + 1))
done
[ "$count" = "$(grep -c . events.ndjson)" ] || fail "events.ndjson: it has not as many events as there are proofs"
echo "$count records are in the log that this key signed, of $size records"
