// Addresses of pages. What is or may be a person's stands in none: it is kept by this tab, with its place in the history.
import {html} from '/console/htm.js';
import {get, post, query} from '/console/api.js';
import {isOpen} from '/console/line.js';
import {mayBePerson, personIn} from '/console/person.js';

const CHANGED = 'addresschange';
const hashOf = (path, values) => { const text = query(values); return `#${path}${text ? `?${text}` : ''}`; };

// [what an address may say, what it may not]
function divide(values) {
  const open = {};
  const kept = {};
  for (const [name, value] of Object.entries(values)) {
    const text = String(value ?? '');
    if (name === 'q' ? isOpen(text) : !mayBePerson(text)) open[name] = text;
    else kept[name] = text;
  }
  return [open, kept];
}

const isEmpty = (values) => Object.keys(values).length === 0;

export function go(path, values = {}) {
  const [open, kept] = divide(values);
  history.pushState(isEmpty(kept) ? null : {kept}, '', hashOf(path, open));
  dispatchEvent(new Event(CHANGED));
}

// A link to it.
export function Go({path, values, children}) {
  const [open, kept] = divide(values);
  const follow = (e) => { e.preventDefault(); go(path, values); };
  return html`<a href=${hashOf(path, open)} onClick=${isEmpty(kept) ? undefined : follow}>${children}</a>`;
}

// {path, parameters}. What somebody else has put into the address that is not to stand there goes out of it at once.
export function readAddress() {
  const [path, rest] = (location.hash.slice(1) || '/').split('?');
  if (path.startsWith('invite=')) return {path, parameters: new URLSearchParams()};
  if (path.split('/').some((piece) => (/^\d{1,15}$/.test(piece) ? personIn(piece) : mayBePerson(decodedOr(piece))))) {
    history.replaceState(null, '', '#/');
    return {path: '/', parameters: new URLSearchParams()};
  }
  const said = Object.fromEntries(new URLSearchParams(rest || ''));
  const [open, found] = divide(said);
  if (!isEmpty(found)) history.replaceState({kept: {...history.state?.kept, ...found}}, '', hashOf(path, open));
  return {path, parameters: new URLSearchParams({...open, ...history.state?.kept})};
}

function decodedOr(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

export function onAddress(changed) {
  const events = ['hashchange', 'popstate', CHANGED];
  events.forEach((event) => addEventListener(event, changed));
  return () => events.forEach((event) => removeEventListener(event, changed));
}

// Asks the hub; with a value that no address may have, by the body. Numbers of the API are numbers there.
const NUMBERS = ['cursor', 'limit', 'record', 'from_number', 'to_number'];
export const bodyOf = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '' && value != null).map(([name, value]) => [name, NUMBERS.includes(name) ? Number(value) : value]));
export const isClean = (values) => !Object.values(values).some((value) => mayBePerson(String(value ?? '')) && !/^\d{13}$/.test(value));
export const ask = (path, postPath, values) => (isClean(values) ? get(`${path}?${query(values)}`) : post(postPath, bodyOf(values)));
