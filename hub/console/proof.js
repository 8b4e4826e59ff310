// The Merkle proof of one record, checked here: tiles are fetched, hashes are taken by WebCrypto (RFC 6962,
// c2sp.org/tlog-tiles, c2sp.org/signed-note). The hub's word is not taken for any of it but the key's.
import {bytes, text} from '/console/api.js';

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
  return {body: note.slice(0, split + 1), origin, size: Number(size), root: base64(root), signatures: lines.map((line) => line.slice(2).split(' '))};
}

// true, false; null: this browser cannot.
async function signatureHolds(note, vkey) {
  const [name, id, key] = [vkey.split('+')[0], vkey.split('+')[1], base64(vkey.split('+').slice(2).join('+'))];
  const found = note.signatures.find(([n, s]) => n === name && hex(base64(s).slice(0, 4)) === id);
  if (!found || key[0] !== 1) return false;
  try {
    const imported = await crypto.subtle.importKey('raw', key.slice(1), 'Ed25519', false, ['verify']);
    return await crypto.subtle.verify('Ed25519', imported, base64(found[1]).slice(4), new TextEncoder().encode(note.body));
  } catch { return null; }
}

// What came of it: {state: "proved" | "notproved" | "notyet", size, root, vkey, signature}. Throws a problem of the API.
export async function prove(number, fetchText = text, fetchBytes = bytes) {
  const note = readNote(await fetchText('/log/checkpoint'));
  const vkey = (await fetchText('/log/vkey')).trim();
  if (number > note.size) return {state: 'notyet', size: note.size};
  const tree = new Tree(note.size, fetchBytes);
  const leaf = await leafHash(await tree.entry(number - 1));
  const root = await tree.root(0, note.size, number - 1, leaf);
  const signature = await signatureHolds(note, vkey);
  return {state: equal(root, note.root) && signature !== false ? 'proved' : 'notproved', size: note.size, root: hex(note.root), vkey, signature};
}
