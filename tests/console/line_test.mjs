// The search line of «Аудит»: what it reads, what it refuses and where, and that no line makes it slow or throws.
// node line_test.mjs. Exit: 0, 1.
import assert from 'node:assert/strict';
import {LINE_MAX, isOpen, readLine, stateWord, withCondition, words} from '../../hub/console/line.js';
import {mayBePerson} from '../../hub/console/person.js';
import {dayBegins, offsetText} from '../../hub/console/zone.js';

process.env.TZ = 'Asia/Krasnoyarsk';
const SNILS = '11223344595';

const read = [
  ['', {}],
  ['   ', {}],
  ['тип:nms.course. система:portal', {type: 'nms.course.', system: 'portal'}],
  ['type:nms.course.finished.v1 system:portal', {type: 'nms.course.finished.v1', system: 'portal'}],
  ['ТИП:nms. Org:1022402127461', {type: 'nms.', organisation: '1022402127461'}],
  ['огрн:1022402127461', {organisation: '1022402127461'}],
  ['дело:"a b c"', {correlation: 'a b c'}],
  ['дело:urn:uuid:1', {correlation: 'urn:uuid:1'}],
  ['номер:17', {from_number: 17, to_number: 17}],
  ['номер:10-20', {from_number: 10, to_number: 20}],
  ['number:10..', {from_number: 10}],
  ['номер:-20', {from_number: 1, to_number: 20}],
  ['источник:urn:marshrut:24:', {source: 'urn:marshrut:24:'}],
  ['состояние:Запечатано', {state: 'sealed'}],
  ['state:quarantined', {state: 'quarantined'}],
  ['id:e-1', {id: 'e-1'}],
  ['с:2026-09-01 по:30.09.2026', {from: '2026-08-31T17:00:00Z', to: '2026-09-30T17:00:00Z'}],
  ['from:2026-09-01T09:00:00+07:00', {from: '2026-09-01T02:00:00Z'}],
];
for (const [line, parameters] of read) assert.deepEqual(readLine(line), {parameters}, line);
// Days of another zone than this process's: they begin there, also where clocks are changed.
assert.deepEqual(readLine('с:2026-09-01 по:30.09.2026', (...day) => dayBegins(...day, 'Europe/Kaliningrad')).parameters, {from: '2026-08-31T22:00:00Z', to: '2026-09-30T22:00:00Z'});
assert.deepEqual(readLine('с:2026-12-31 по:31.12.2026', (...day) => dayBegins(...day, 'Asia/Kamchatka')).parameters, {from: '2026-12-30T12:00:00Z', to: '2026-12-31T12:00:00Z'});
assert.deepEqual(readLine('с:2026-03-29 по:2026-03-29', (...day) => dayBegins(...day, 'Europe/Berlin')).parameters, {from: '2026-03-28T23:00:00Z', to: '2026-03-29T22:00:00Z'});
assert.deepEqual(readLine('с:2026-02-30', (...day) => dayBegins(...day, 'UTC')).errors.map((e) => e.code), ['baddate']);
assert.equal(offsetText('Asia/Krasnoyarsk'), '+07:00');
assert.equal(offsetText('America/Caracas'), '-04:00');
assert.deepEqual(readLine('e-17'), {where: 'e-17'});
assert.deepEqual(readLine('urn:uuid:x'), {where: 'urn:uuid:x'});
assert.deepEqual(readLine('1022402127461'), {where: '1022402127461'});

// [line, what is wrong, from, up to]
const refused = [
  ['тип:nms. цвет:красный', 'unknown', 9, 21],
  ['тип:a. тип:b.', 'twice', 7, 13],
  ['type:a. тип:b.', 'twice', 8, 14],
  ['тип:', 'empty', 0, 4],
  ['дело:""', 'empty', 0, 7],
  ['система:portal дело:"a b', 'openquote', 15, 24],
  ['номер:20-10', 'badnumber', 0, 11],
  ['номер:0', 'badnumber', 0, 7],
  ['номер:1e5', 'badnumber', 0, 9],
  ['номер:-', 'badnumber', 0, 7],
  ['номер:99999999999999999999', 'badnumber', 0, 26],
  ['с:2026-02-30', 'baddate', 0, 12],
  ['с:вчера', 'baddate', 0, 7],
  ['с:2026-10-01 по:2026-09-01', 'backwards', 13, 26],
  ['состояние:хорошее', 'badstate', 0, 17],
  ['тип:Nms', 'badtype', 0, 7],
  ['тип:<script>', 'badtype', 0, 12],
  ['система:портал', 'badsystem', 0, 14],
  ['организация:123', 'badorg', 0, 15],
  ['e-1 тип:nms.', 'alone', 0, 3],
  ['e-1 e-2', 'oneid', 4, 7],
  ['тип:a\u202e', 'odd', 5, 6],
  ['a\u0000b', 'odd', 1, 2],
  ['a\ud800b', 'odd', 1, 2],
  ['дело:\ufffd', 'odd', 5, 6],
  ['a'.repeat(LINE_MAX + 7), 'toolong', LINE_MAX, LINE_MAX + 7],
];
for (const [line, code, at, end] of refused) {
  const {errors, parameters} = readLine(line);
  assert.ok(errors, line);
  assert.equal(parameters, undefined, line);
  assert.deepEqual([errors[0].code, errors[0].at, errors[0].end], [code, at, end], line);
}
assert.deepEqual(readLine('a:1 номер:x').errors.map((e) => e.code), ['unknown', 'badnumber']);

// Whatever looks like somebody is refused before anything of it can get into an address.
for (const line of [SNILS, '112-233-445 95', '112 233 445 95', `дело:${SNILS}`, `id:"112-233-445-95"`, '123-456-789 00', 'Петрова', 'Петрова Мария', 'тип:nms. Мамин-Сибиряк', 'a@b.ru', 'id:a@b.ru',
  '112.233.445.95', '112_233_445_95', '112/233/445/95', '112–233–445–95', '１１２２３３４４５９５', '89131234567', '8(913)123-45-67', '8 913 123-45-67', '+7 391 000-00-00', 'ivanov(at)mail.ru', 'id:ivanov[at]mail.ru'])
  assert.equal(readLine(line).errors?.[0].code, 'person', line);
for (const line of ['1022402127461', 'ПК-123/2026', '11223344596', 'номер:11223344596'])
  assert.notEqual(readLine(line).errors?.[0].code, 'person', line);

// What the address may say, and what this tab keeps: ids of persons and numbers of documents look like other ids.
for (const line of ['', 'тип:nms. система:portal', 'огрн:1022402127461', 'дело:the-case', 'id:told-1', 'источник:urn:marshrut:24:', 'с:2026-09-01 по:30.09.2026', 'номер:10-20', 'номер:17'])
  assert.ok(isOpen(line), line);
for (const line of ['e-17', 'Д-2026/17', '180000012345', 'ПК-123/2026', '0190f8a2-7c1e-7cc0-98c5-9f1a3c1b2d4e', 'дело:ПК-123', 'дело:180000012345', 'id:0190f8a2-7c1e-7cc0-98c5-9f1a3c1b2d4e', 'источник:a-123456', 'огрн:304246312345678', 'дело:"a b"', SNILS, 'Петрова', 'тип:'])
  assert.ok(!isOpen(line), line);
for (const value of ['', '17', '2026-09-01', '2026-09-01T09:00:00Z', 'v12', 'school-7', '17-03']) assert.ok(!mayBePerson(value), value);
for (const value of [SNILS, '112-233-445 95', 'Петрова', 'a b', 'a@b', '0412 123456', '1234567890', '180000-12', '0405-123456', '0405123456', '89131234567', 'ivanov(at)mail.ru', '１１２']) assert.ok(mayBePerson(value), value);

// What is clicked stands in the line once.
assert.equal(withCondition('тип:a. с:2026-01-01', 'type', 'b.', true), 'с:2026-01-01 тип:b.');
assert.equal(withCondition('type:a.', 'type', 'b.', true), 'тип:b.');
assert.equal(withCondition('дело:"a b" тип:a.', 'system', 'x', false), 'дело:"a b" тип:a. system:x');
assert.equal(withCondition('тип:a.', 'type', '', true), '');
for (const state of ['open', 'sealed', 'quarantined', 'expired'])
  for (const russian of [true, false])
    assert.deepEqual(readLine(withCondition('', 'state', stateWord(state, russian), russian)), {parameters: {state}});

// Deep, odd and long: read or refused, never thrown, and what is refused lies within the line.
const pieces = ['тип:', 'a', ':', '"', ' ', '\\', '<', '@', '.', '-', '0', '\u0301', '😀', '\ud83d', 'с:', 'по:', '::', '""', '\n', '\t', 'urn:'];
let seed = 7;
for (let round = 0; round < 3000; round++) {
  let line = '';
  for (let i = 0; i < 40; i++) { seed = (seed * 1103515245 + 12345) % 2147483648; line += pieces[seed % pieces.length]; }
  const answer = readLine(line);
  assert.equal(Object.keys(answer).length, 1, line);
  for (const error of answer.errors || []) assert.ok(error.at >= 0 && error.at <= error.end && error.end <= line.length, JSON.stringify([line, error]));
  assert.ok(words(line).every((word) => word.at < word.end));
}
for (const piece of ['@', 'a@', '"', 'a:"', '1', '1-', 'a.', ':', '. ']) readLine(piece.repeat(LINE_MAX).slice(0, LINE_MAX));
readLine('x'.repeat(10_000_000));
console.log('line: done');
