// What is or may be a person's: it gets into no address, for those stay in histories, logs and caches. Pure.

function snilsHolds(digits) {
  let sum = 0;
  for (let i = 0; i < 9; i++) sum += Number(digits[i]) * (9 - i);
  return ((sum % 101) % 100) === Number(digits.slice(9));
}

// One character for one: places stay. Digits and dashes of other scripts are written for those of ours.
const plain = (line) => line.replace(/[\uff10-\uff19]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]/g, '-').replace(/[\u00a0\u2000-\u200a\u202f\u3000]/g, ' ');

const TELEPHONE = /(?<![0-9A-Za-z])(?:\+7|[78](?=[ ()._/-]*[3489]))(?:[ ()._/-]*\d){10}(?![0-9A-Za-z])/;
const MAIL = /[^\s:"]+(?:@|[([{]at[)\]}])[^\s"]+\.[^\s"]+/i;

// Where a person stands in it: [begin, end], or nothing.
export function personIn(text) {
  const line = plain(text);
  for (const found of line.matchAll(/(?<!\d)\d{3}([ ._/-]*)\d{3}[ ._/-]*\d{3}[ ._/-]*\d{2}(?!\d)/g)) {
    const digits = found[0].replace(/\D/g, '');
    if (found[1] === '-' || snilsHolds(digits)) return [found.index, found.index + found[0].length];
  }
  const other = line.match(TELEPHONE) ?? line.match(MAIL);
  return other ? [other.index, other.index + other[0].length] : null;
}

const DIGITS_MAX = 5; // the number of a document has more; so has an id of a person
const POINT = /^(\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?|v?[1-9]\d{0,8})$/; // a day, a moment, a number of the log

// Of something that was written freely: an id, a reference, whatever is typed where a word is awaited.
export const mayBePerson = (value) => value !== '' && !POINT.test(value) &&
  (!/^[\x21-\x3f\x41-\x7e]{1,200}$/.test(value) || (value.match(/\d/g) ?? []).length > DIGITS_MAX || personIn(value) !== null);
