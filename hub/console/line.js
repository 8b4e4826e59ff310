// The search line of «Аудит»: words into parameters of the search, or what is wrong and where. Pure.
// Of a line that is understood and has nothing of a person the address has all of it; of any other nothing.
import {mayBePerson, personIn} from './person.js';

export const LINE_MAX = 500;

// Each condition: its parameter, how it is written in Russian (first: how the page writes it) and in English.
const CONDITIONS = [
  ['type', 'тип', 'type'],
  ['system', 'система', 'system'],
  ['organisation', 'организация', 'огрн', 'organisation', 'org'],
  ['correlation', 'дело', 'correlation', 'corr', 'case'],
  ['from', 'с', 'from'],
  ['to', 'по', 'to'],
  ['number', 'номер', 'number'],
  ['source', 'источник', 'source'],
  ['id', 'идентификатор', 'ид', 'id'],
  ['state', 'состояние', 'state'],
];
const STATES = {open: ['открытое', 'открыто', 'open'], sealed: ['запечатано', 'персональное', 'sealed'], quarantined: ['исправление', 'quarantined'], expired: ['истекло', 'expired']};

const conditionOf = (name) => CONDITIONS.find((names) => names.slice(1).includes(name.toLowerCase()));
export const nameOf = (parameter, russian) => CONDITIONS.find(([p]) => p === parameter)[russian ? 1 : 2] ?? parameter;
const english = (parameter) => CONDITIONS.find(([p]) => p === parameter).find((name) => /^[a-z]+$/.test(name));

// ---- values ----

const wrong = (code) => ({code});

// Days begin where the region is, as `begins` says: from midnight on, `to` with the whole of its day.
function readDay(text, after, begins) {
  const iso = text.match(/^(\d{4})-(\d{2})-(\d{2})$/);
  const russian = text.match(/^(\d{2})\.(\d{2})\.(\d{4})$/);
  const [year, month, day] = iso ? iso.slice(1) : russian ? [russian[3], russian[2], russian[1]] : [];
  if (!year) return null;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  if (date.getUTCFullYear() !== Number(year) || date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return null;
  return begins(Number(year), Number(month), Number(day) + (after ? 1 : 0));
}

function readTime(text, after, begins) {
  const moment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/.test(text) ? new Date(text) : readDay(text, after, begins);
  return moment && !Number.isNaN(moment.getTime()) ? moment.toISOString().replace('.000Z', 'Z') : null;
}

function readNumbers(text) {
  const [, from, dash, to] = text.match(/^(\d{1,15})?(?:(-|\.\.)(\d{1,15})?)?$/) || [];
  if (!from && !to) return wrong('badnumber');
  const low = from ? Number(from) : 1;
  const high = dash ? (to ? Number(to) : null) : low;
  if (low < 1 || (high !== null && high < low)) return wrong('badnumber');
  return {from_number: low, ...(high === null ? {} : {to_number: high})};
}

function readState(text) {
  const [state] = Object.entries(STATES).find(([, names]) => names.includes(text.toLowerCase())) || [];
  return state ? {state} : wrong('badstate');
}

const matching = (pattern, code, name) => (text) => (pattern.test(text) ? {[name]: text} : wrong(code));
const READERS = {
  type: matching(/^[a-z0-9]+(\.[a-z0-9-]+)*\.?$/, 'badtype', 'type'),
  system: matching(/^[a-z0-9-]{1,64}$/, 'badsystem', 'system'),
  organisation: matching(/^(\d{13}|\d{15})$/, 'badorg', 'organisation'),
  correlation: matching(/^.{1,200}$/u, 'badid', 'correlation'),
  source: matching(/^\S{1,200}$/u, 'badid', 'source'),
  id: matching(/^.{1,200}$/u, 'badid', 'id'),
  number: readNumbers,
  state: readState,
  from: (text, begins) => { const from = readTime(text, false, begins); return from ? {from} : wrong('baddate'); },
  to: (text, begins) => { const to = readTime(text, true, begins); return to ? {to} : wrong('baddate'); },
};

// ---- words ----

// [{at, end, name, value, open}] of name:value, name:"va lue" and free words.
export function words(line) {
  const list = [];
  const pattern = /([\p{L}]+):(?:"([^"]*)("?)|(\S*))|(\S+)/gu;
  for (const found of line.matchAll(pattern)) {
    const [all, name, quoted, close, plain, free] = found;
    const word = {at: found.index, end: found.index + all.length};
    if (free !== undefined || name.toLowerCase() === 'urn') list.push({...word, free: all});
    else list.push({...word, name, value: quoted ?? plain ?? '', open: quoted !== undefined && close === ''});
  }
  return list;
}

function readWord(word, parameters, given, begins) {
  const condition = conditionOf(word.name);
  if (!condition) return {code: 'unknown', word: word.name};
  const [parameter] = condition;
  if (given.has(parameter)) return {code: 'twice', word: word.name};
  given.add(parameter);
  if (word.open) return {code: 'openquote', word: word.name};
  if (word.value === '') return {code: 'empty', word: word.name};
  const read = READERS[parameter](word.value, begins);
  if (read.code) return {code: read.code, word: word.value};
  Object.assign(parameters, read);
  return null;
}

const isName = (word) => /^[А-ЯЁа-яё]+(-[А-ЯЁа-яё]+)*[.,]?$/u.test(word);

// {parameters}, {where: an id or a number} or {errors: [{at, end, code, word}]}; at counts from 0.
// begins(year, month, day): the instant of it; without it, where this browser is.
const ownDays = (year, month, day) => new Date(year, month - 1, day);

export function readLine(line, begins = ownDays) {
  if (line.length > LINE_MAX) return {errors: [{at: LINE_MAX, end: line.length, code: 'toolong', word: ''}]};
  const odd = line.search(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069\ufffd]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/);
  if (odd >= 0) return {errors: [{at: odd, end: odd + 1, code: 'odd', word: ''}]};
  const person = personIn(line);
  if (person) return {errors: [{at: person[0], end: person[1], code: 'person', word: ''}]};
  const parameters = {};
  const given = new Set();
  const errors = [];
  const free = [];
  for (const word of words(line)) {
    if (word.free) { free.push(word); continue; }
    const error = readWord(word, parameters, given, begins);
    if (error) errors.push({at: word.at, end: word.end, ...error});
  }
  const name = free.find((word) => isName(word.free));
  if (name) errors.push({at: name.at, end: name.end, code: 'person', word: ''});
  else if (free.length > 1) errors.push({at: free[1].at, end: free[1].end, code: 'oneid', word: free[1].free});
  else if (free.length && given.size) errors.push({at: free[0].at, end: free[0].end, code: 'alone', word: free[0].free});
  if (parameters.from && parameters.to && parameters.from >= parameters.to && !errors.length) {
    const to = words(line).find((word) => word.name && conditionOf(word.name)?.[0] === 'to');
    errors.push({at: to.at, end: to.end, code: 'backwards', word: to.value});
  }
  if (errors.length) return {errors: errors.sort((a, b) => a.at - b.at)};
  return free.length ? {where: free[0].free} : {parameters};
}

// Conditions whose values whoever sent the events wrote; an ОГРН of 15 digits is a person's business.
const FREELY = ['correlation', 'source', 'id'];

// May the address say it? What is one word of its own may be the number of a document.
export function isOpen(line) {
  const {errors, where, parameters} = readLine(line);
  return !errors && !where && !FREELY.some((name) => mayBePerson(parameters[name] ?? '')) && !(parameters.organisation?.length > 13);
}

// The line with this condition in the place of one that it has already; value '' takes it out.
export function withCondition(line, parameter, value, russian) {
  const kept = words(line).filter((word) => !word.name || conditionOf(word.name)?.[0] !== parameter).map((word) => line.slice(word.at, word.end));
  const name = russian ? nameOf(parameter, true) : english(parameter);
  return [...kept, ...(value === '' ? [] : [`${name}:${/\s/.test(value) ? `"${value}"` : value}`])].join(' ');
}
export const stateWord = (state, russian) => (STATES[state] ? STATES[state][russian ? 0 : STATES[state].length - 1] : state);
