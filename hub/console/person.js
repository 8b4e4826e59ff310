// What is or may be a person's: it gets into no address, for those stay in histories, logs and caches. Pure.

function snilsHolds(digits) {
  let sum = 0;
  for (let i = 0; i < 9; i++) sum += Number(digits[i]) * (9 - i);
  return ((sum % 101) % 100) === Number(digits.slice(9));
}

// Where a person stands in it: [begin, end], or nothing.
export function personIn(line) {
  for (const found of line.matchAll(/(?<!\d)\d{3}([- ]?)\d{3}[- ]?\d{3}[- ]?\d{2}(?!\d)/g)) {
    const digits = found[0].replace(/\D/g, '');
    if (found[1] === '-' || snilsHolds(digits)) return [found.index, found.index + found[0].length];
  }
  const mail = line.match(/[^\s:"]+@[^\s"]+\.[^\s"]+/);
  return mail ? [mail.index, mail.index + mail[0].length] : null;
}

const DIGITS_MAX = 5; // the number of a document has more; so has an id of a person
const POINT = /^(\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?|v?[1-9]\d{0,8})$/; // a day, a moment, a number of the log

// Of something that was written freely: an id, a reference, whatever is typed where a word is awaited.
export const mayBePerson = (value) => value !== '' && !POINT.test(value) &&
  (!/^[\x21-\x3f\x41-\x7e]{1,200}$/.test(value) || (value.match(/\d/g) ?? []).length > DIGITS_MAX || personIn(value) !== null);
