// A leaf of the log (proto/schema/leaf.proto) as far as it says what an event is: a small reader of protobuf.

const decoder = new TextDecoder('utf-8', {fatal: true});

function varint(bytes, at) {
  let value = 0;
  for (let i = 0; i < 8; i++) {
    if (at + i >= bytes.length) throw new Error('the leaf ends early');
    value += (bytes[at + i] & 127) * 2 ** (7 * i);
    if (bytes[at + i] < 128) return [value, at + i + 1];
  }
  throw new Error('a number of the leaf is too large');
}

// Field number → its last value: a number, or bytes.
export function fields(bytes) {
  const found = new Map();
  let at = 0;
  while (at < bytes.length) {
    let tag;
    let value;
    [tag, at] = varint(bytes, at);
    const kind = tag % 8;
    if (kind === 0) [value, at] = varint(bytes, at);
    else {
      let size = kind === 1 ? 8 : kind === 5 ? 4 : -1;
      if (kind === 2) [size, at] = varint(bytes, at);
      if (size < 0 || at + size > bytes.length) throw new Error('the leaf ends early');
      value = bytes.slice(at, at + size);
      at += size;
    }
    found.set(Math.floor(tag / 8), value);
  }
  return found;
}

const text = (value) => (value ? decoder.decode(value) : '');

function uuid(bytes) {
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function microseconds(bytes) {
  let value = 0n;
  for (let i = 7; i >= 0; i--) value = value * 256n + BigInt(bytes[i]);
  return value;
}

// {hub_id, recorded (microseconds), system, type, source} as the leaf has them.
export function readLeaf(bytes) {
  const leaf = fields(bytes);
  const event = leaf.has(6) ? fields(leaf.get(6)) : new Map();
  return {hub_id: leaf.has(2) ? uuid(leaf.get(2)) : '', recorded: leaf.has(3) ? microseconds(leaf.get(3)) : 0n,
    system: text(leaf.get(5)), type: text(leaf.get(7) ?? event.get(4)), source: text(leaf.get(8) ?? event.get(2))};
}

// "2026-11-22T10:00:00.000001Z" in microseconds.
export function microsecondsOf(time) {
  const [, seconds, fraction] = time.match(/^(.*?)(?:\.(\d{1,6}))?Z$/) || [];
  return BigInt(Date.parse(`${seconds}Z`)) * 1000n + BigInt((fraction || '').padEnd(6, '0') || 0);
}

// Is what is shown of the record what its leaf says?
export function agrees(bytes, shown) {
  const leaf = readLeaf(bytes);
  return ['hub_id', 'system', 'type', 'source'].every((name) => (shown[name] || '') === leaf[name]) && microsecondsOf(shown.recorded) === leaf.recorded;
}
