// The Merkle proof of one record, checked here: tiles are fetched, hashes are taken by WebCrypto (RFC 6962,
// c2sp.org/tlog-tiles, c2sp.org/signed-note). The hub's word is taken for the key alone, and only the first time.
import {bytes, Problem, text} from '/console/api.js';
import {agrees} from '/console/leaf.js';

const WIDTH = 256;
const HASH = 32;

const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest('SHA-256', await new Blob(parts).arrayBuffer()));
const leafHash = (leaf) => sha256(new Uint8Array([0]), leaf);
const nodeHash = (left, right) => sha256(new Uint8Array([1]), left, right);
const base64 = (s) => Uint8Array.from(atob(s), (c) => c.charCodeAt(0));
export const hex = (b) => [...b].map((x) => x.toString(16).padStart(2, '0')).join('');
const equal = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

// "x001/234", and ".p/17" behind a tile that is not full.
function tileName(index, width) {
  let name = String(index % 1000).padStart(3, '0');
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) name = `x${String(rest % 1000).padStart(3, '0')}/${name}`;
  return width === WIDTH ? name : `${name}.p/${width}`;
}

export class Tree {
  constructor(size, fetchBytes = bytes) { this.size = size; this.fetch = fetchBytes; this.tiles = new Map(); }

  tile(level, index) {
    const key = `${level}/${index}`;
    const entries = Math.floor(this.size / WIDTH ** level);
    const width = Math.min(WIDTH, entries - index * WIDTH);
    if (!this.tiles.has(key)) this.tiles.set(key, this.fetch(`/log/tile/${level}/${tileName(index, width)}`));
    return this.tiles.get(key);
  }

  // Hash of the full subtree of 2^height leaves, the index-th of its height.
  async node(height, index) {
    if (height % 8 === 0) {
      const tile = await this.tile(height / 8, Math.floor(index / WIDTH));
      const at = (index % WIDTH) * HASH;
      return tile.slice(at, at + HASH);
    }
    return nodeHash(await this.node(height - 1, 2 * index), await this.node(height - 1, 2 * index + 1));
  }

  // Root over the leaves from `first` on, `count` of them, with `hash` in the place of leaf `at`.
  async root(first, count, at, hash) {
    const inside = at >= first && at < first + count;
    if (count === 1) return inside ? hash : this.node(0, first);
    let half = 1;
    let height = 0;
    while (half * 2 < count) { half *= 2; height += 1; }
    if (!inside && half * 2 === count) return this.node(height + 1, first / count);
    return nodeHash(await this.root(first, half, at, hash), await this.root(first + half, count - half, at, hash));
  }

  // {old, now}: the root over the first `size` of these leaves and over all of them, out of the same hashes: when
  // `now` is the signed root, `old` is what the log said when it had `size` leaves. 0 < size <= count.
  async both(first, count, size) {
    if (size === count) { const root = await this.root(first, count, -1); return {old: root, now: root}; }
    let half = 1;
    while (half * 2 < count) half *= 2;
    if (size <= half) {
      const left = await this.both(first, half, size);
      return {old: left.old, now: await nodeHash(left.now, await this.root(first + half, count - half, -1))};
    }
    const left = await this.root(first, half, -1);
    const right = await this.both(first + half, count - half, size - half);
    return {old: await nodeHash(left, right.old), now: await nodeHash(left, right.now)};
  }

  async entry(index) {
    const tile = Math.floor(index / WIDTH);
    const bundle = await this.fetch(`/log/tile/entries/${tileName(tile, Math.min(WIDTH, this.size - tile * WIDTH))}`);
    let at = 0;
    for (let i = 0; i < index % WIDTH; i++) at += 2 + bundle[at] * 256 + bundle[at + 1];
    return bundle.slice(at + 2, at + 2 + bundle[at] * 256 + bundle[at + 1]);
  }
}

function readNote(note) {
  const split = note.indexOf('\n\n');
  const [origin, size, root] = note.split('\n');
  const lines = note.slice(split + 2).split('\n').filter((line) => line.startsWith('— '));
  if (split < 0 || !/^[1-9]\d{0,14}$/.test(size) || base64(root).length !== HASH) throw new Error('the checkpoint has another form');
  return {body: note.slice(0, split + 1), origin, size: Number(size), root: base64(root), signatures: lines.map((line) => line.slice(2).split(' '))};
}

// "name+id+key" taken apart; its id must be the hash of name and key. Throws when it is none.
export async function readKey(vkey) {
  const [, name, id, text64] = vkey.trim().match(/^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/) || [];
  const key = base64(text64 || '');
  if (key.length !== 1 + HASH || key[0] !== 1) throw new Error('no Ed25519 key of a log');
  const hash = await sha256(new TextEncoder().encode(`${name}\n`), key);
  if (hex(hash.slice(0, 4)) !== id) throw new Error('the key has another id');
  return {name, id, key: key.slice(1)};
}

// true, false; null: this browser cannot.
async function signatureHolds(note, key) {
  const found = note.signatures.find(([name, s]) => name === key.name && s && hex(base64(s).slice(0, 4)) === key.id);
  if (!found || note.origin !== key.name) return false;
  let imported;
  try { imported = await crypto.subtle.importKey('raw', key.key, 'Ed25519', false, ['verify']); } catch { return null; }
  return crypto.subtle.verify('Ed25519', imported, base64(found[1]).slice(4), new TextEncoder().encode(note.body));
}

// ---- the checks, one by one: {what, holds (true, false; null: not checked), ...} ----

// The key of before is used, whatever the hub says today.
async function checkKey(told, memory) {
  const kept = memory.key() ?? memory.keepKey(told, false);
  const same = kept.vkey === told;
  return {key: await readKey(kept.vkey), check: {what: kept.pinned ? 'pinned' : 'firstkey', holds: same ? kept.pinned || null : false, since: kept.since, vkey: kept.vkey, told}};
}

// An entry whose term has passed is withheld: its hash is in the tree.
async function leafOf(tree, index) {
  try {
    const leaf = await tree.entry(index);
    return {leaf, hash: await leafHash(leaf)};
  } catch (error) {
    if (error instanceof Problem && error.status === 410) return {leaf: null, hash: await tree.node(0, index)};
    throw error;
  }
}

async function checkEntry(tree, note, number, shown) {
  const {leaf, hash} = await leafOf(tree, number - 1);
  const holds = equal(await tree.root(0, note.size, number - 1, hash), note.root);
  return [{what: leaf ? 'inclusion' : 'inclusionhash', holds, size: note.size, root: hex(note.root), leaf: hex(hash)}, {what: 'shown', holds: leaf ? agrees(leaf, shown) : null}];
}

async function checkConsistency(tree, note, seen) {
  const check = {what: 'consistency', size: seen?.size, at: seen?.at};
  if (!seen) return {...check, holds: null};
  if (seen.size > note.size || seen.origin !== note.origin) return {...check, holds: false};
  const {old, now} = await tree.both(0, note.size, seen.size);
  return {...check, holds: equal(now, note.root) && hex(old) === seen.root};
}

// What is broken in form is no reason to ask again: it does not hold.
async function held(what, check) {
  try { return await check(); } catch (error) {
    if (error instanceof Problem) throw error;
    return [{what, holds: false, why: error.message}];
  }
}

async function examineTree(note, number, shown, key, memory, fetchBytes) {
  const tree = new Tree(note.size, fetchBytes);
  const signature = await signatureHolds(note, key);
  const checks = [{what: 'signature', holds: signature, origin: note.origin}];
  if (number <= note.size) checks.push(...await held('inclusion', () => checkEntry(tree, note, number, shown)));
  checks.push(...await held('consistency', async () => [await checkConsistency(tree, note, memory.seen())]));
  if (signature && checks.every((check) => check.holds !== false)) memory.keepSeen({origin: note.origin, size: note.size, root: hex(note.root)});
  return checks;
}

// What came of it: {state: "proved" | "partly" (no signature) | "failed" | "notyet", checks}. Throws a problem of the API.
export async function examine(number, shown, memory, fetchText = text, fetchBytes = bytes) {
  const [signed, told] = await Promise.all([fetchText('/log/checkpoint'), fetchText('/log/vkey')]);
  let size = 0;
  const checks = await held('form', async () => {
    const note = readNote(signed);
    const {key, check} = await checkKey(told.trim(), memory);
    size = note.size;
    return [check, ...await examineTree(note, number, shown, key, memory, fetchBytes)];
  });
  if (checks.some((check) => check.holds === false)) return {state: 'failed', checks, size};
  if (number > size) return {state: 'notyet', checks, size};
  return {state: checks.some((check) => check.what === 'signature' && check.holds) ? 'proved' : 'partly', checks, size};
}
