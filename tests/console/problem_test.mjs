// What the hub refuses is said in Russian: every code of proto/base/err.h has a text, and every sentence that has one of
// its own is one that the hub says. node problem_test.mjs. Exit: 0, 1.
import assert from 'node:assert/strict';
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {inRussian, KINDS, SENTENCES} from '../../hub/console/problem_words.js';
import {REASONS} from '../../hub/console/reason_words.js';

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
  const literal = pattern.source.slice(1, -1).replaceAll('(\\d+)', '%llu').replaceAll('(\\S+)', '%s').replaceAll('\\.', '.');
  assert.ok(sources.includes(`"${literal}"`), `the hub says no "${literal}" any more`);
  assert.ok(cyrillic.test(what) && cyrillic.test(cure), literal);
}

assert.deepEqual(inRussian({code: 'not-found', message: 'the log ends at 12', field: 'number'}), {message: 'В журнале нет такого номера: последний — 12', field: 'номер', cure: 'Возьмите номер от 1 до 12'});
assert.deepEqual(inRussian({code: 'invalid', message: 'something new', field: 'odd_field'}), {message: KINDS.invalid[0], field: 'odd_field', cure: KINDS.invalid[1], said: 'something new'});
assert.equal(inRussian({code: 'blocked', message: 'x', field: ''}).message, KINDS.blocked[0]);
assert.deepEqual(inRussian({code: undefined, message: 'нет связи', field: undefined}), {message: 'нет связи', field: undefined, cure: ''});

// Each code of the rules has Russian words, on the screens and in what schools get back.
const rules = [...readdirSync(join(root, 'hub/intake')).filter((name) => name.endsWith('.c')).map((name) => join('hub/intake', name)), 'proto/wire/rules.c'].map((path) => readFileSync(join(root, path), 'utf8')).join('\n').replace(/"\s+"/g, '');
const places = [/MR_VERDICT_(?:REFUSED|QUARANTINED),\s*"([a-z-]+)"/g, /^ *\{\w+, (?:true|false), "([a-z-]+)",/gm, /^ *\{MR_E\w+, "([a-z-]+)",/gm, /\bviolate\([^;]*?,\s*"([a-z]+-[a-z-]+)",/g, /(?:true|false), (?:true|false), "([a-z]+-[a-z]+)"/g];
const judged = new Set(places.flatMap((place) => [...rules.matchAll(place)].map(([, code]) => code)));
const receipts = readFileSync(join(root, 'adapters/sdk/verdict_text.c'), 'utf8');
assert.ok(judged.size >= 36, `${judged.size} codes of rules`);
for (const code of judged) {
  assert.ok(REASONS[code] && REASONS[code].every((said) => cyrillic.test(said)), `reason_words.js: ${code}`);
  assert.ok(receipts.includes(`{"${code}", "`), `verdict_text.c: ${code}`);
}
assert.deepEqual(inRussian({code: 'invalid', message: 'corrected so it would not be taken (snils-checkdigit): The check digits of a СНИЛС are wrong.', field: 'person.snils'}),
  {message: 'И с этим исправлением событие не будет принято: контрольная сумма СНИЛС не сходится', field: 'СНИЛС', cure: 'Сверьте СНИЛС с документом'});
assert.deepEqual(inRussian({code: 'invalid', message: 'No. 1234 does not wait any more: it is released', field: 'number'}).message, '№ 1\u00a0234 уже не ждёт исправления');
