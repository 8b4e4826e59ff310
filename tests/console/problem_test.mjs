// What the hub refuses is said in Russian: every code of proto/base/err.h has a text, and every sentence that has one of
// its own is one that the hub says. node problem_test.mjs. Exit: 0, 1.
import assert from 'node:assert/strict';
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {inRussian, KINDS, SENTENCES} from '../../hub/console/problem_words.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cyrillic = /[а-яё]/i;

const codes = [...readFileSync(join(root, 'proto/base/err.h'), 'utf8').matchAll(/^ +X\([A-Z]+, \d+, "([a-z-]+)"/gm)].map(([, name]) => name);
assert.ok(codes.length >= 20, `err.h: ${codes.length} codes`);
assert.deepEqual([...codes].sort(), Object.keys(KINDS).sort());
for (const [what, cure] of Object.values(KINDS)) assert.ok(cyrillic.test(what) && cyrillic.test(cure), what);

const sourcesIn = (folder) => readdirSync(join(root, folder), {withFileTypes: true}).map((entry) => {
  const path = join(folder, entry.name);
  return entry.isDirectory() ? (entry.name === 'node_modules' ? '' : sourcesIn(path)) : entry.name.endsWith('.c') ? readFileSync(join(root, path), 'utf8') : '';
}).join('\n');
const sources = ['hub', 'proto', 'store'].map(sourcesIn).join('\n').replace(/"\s+"/g, '');
for (const [pattern, what, cure] of SENTENCES) {
  const literal = pattern.source.slice(1, -1).replace('(\\d+)', '%llu').replace('(\\S+)', '%s');
  assert.ok(sources.includes(`"${literal}"`), `the hub says no "${literal}" any more`);
  assert.ok(cyrillic.test(what) && cyrillic.test(cure), literal);
}

assert.deepEqual(inRussian({code: 'not-found', message: 'the log ends at 12', field: 'number'}), {message: 'В журнале нет такого номера: последний — 12', field: 'номер', cure: 'Возьмите номер от 1 до 12'});
assert.deepEqual(inRussian({code: 'invalid', message: 'something new', field: 'odd_field'}), {message: KINDS.invalid[0], field: 'odd_field', cure: KINDS.invalid[1], said: 'something new'});
assert.equal(inRussian({code: 'blocked', message: 'x', field: ''}).message, KINDS.blocked[0]);
assert.deepEqual(inRussian({code: undefined, message: 'нет связи', field: undefined}), {message: 'нет связи', field: undefined, cure: ''});
