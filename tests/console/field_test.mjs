// Every field of docs/events.md that people meet at the desk has words of its own; paths are said with them.
// node field_test.mjs. Exit: 0, 1.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {FIELDS, fieldIn, pathsOf, snake} from '../../hub/console/field_words.js';

const OTHERS = /^## (nms\.passport\.|nms\.erasure\.|Passport)/; // these are not corrected at the desk

const document = readFileSync(fileURLToPath(new URL('../../docs/events.md', import.meta.url)), 'utf8');
const names = new Set();
for (const section of document.split(/^(?=## )/m).filter((text) => text.startsWith('## ') && !OTHERS.test(text)))
  for (const [, name] of section.matchAll(/^\| `(\w+)` \|/gm)) names.add(snake(name));
assert.ok(names.size > 90, `docs/events.md: ${names.size} fields`);
assert.deepEqual([...names].filter((name) => !FIELDS[name]), []);
assert.deepEqual(Object.keys(FIELDS).filter((name) => !names.has(name) && name !== 'time'), [], 'words of fields that are none');
for (const [russian, english] of Object.values(FIELDS)) assert.ok(/[а-яё]/i.test(russian) || russian === 'СНИЛС', `${russian}, ${english}`);

assert.equal(fieldIn('person.snils', false), 'СНИЛС');
assert.equal(fieldIn('tutor.family_name', false), 'Тьютор: Фамилия');
assert.equal(fieldIn('areas[1].area', false), 'Области 2: Область');
assert.equal(fieldIn('areas[1].area', true), 'areas 2: area');
assert.equal(fieldIn('person', false), 'Человек');
assert.equal(fieldIn('something.else', false), 'something.else');
assert.equal(fieldIn('constructor', false), 'constructor');

const schema = {type: 'object', properties: {person: {type: 'object', properties: {familyName: {type: 'string'}}}, areas: {type: 'array', items: {type: 'object', properties: {area: {type: 'string'}}}}, deficitIds: {type: 'array', items: {type: 'string'}}}};
assert.deepEqual(pathsOf(schema), ['person.family_name', 'areas[0].area', 'deficit_ids[0]']);
assert.deepEqual(pathsOf(undefined), []);
