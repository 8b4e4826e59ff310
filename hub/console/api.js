// The hub's API as the console uses it: JSON in, JSON out, a problem (RFC 9457) thrown as it is. No address that is
// asked has a person in it.
import {forgetLogin, keepLogin} from '/console/memory.js';
import {personIn} from '/console/person.js';
import {setRegionZone, w} from '/console/words.js';

let csrf = '';

export class Problem extends Error {
  constructor(status, body, method = '') {
    super(body.detail || body.title || String(status));
    this.status = status;
    this.method = method; // that was refused
    this.code = (body.type || '').replace('urn:marshrut:problem:', '');
    this.field = body.field || '';
    this.cure = body.cure || '';
  }
}

async function problemOf(response, method = 'GET') {
  let body = {};
  try { body = await response.json(); } catch { /* a proxy's page: the status says enough */ }
  return new Problem(response.status, body, method);
}

const decoded = (path) => { try { return decodeURIComponent(path.replaceAll('+', ' ')); } catch { return path; } };

// No answer came, or not all of it: what was asked for may have been done.
function unanswered() {
  throw new Problem(0, {type: 'urn:marshrut:problem:unanswered', detail: w('unanswered')});
}

async function send(method, path, body, more = {}) {
  if (personIn(decoded(path))) throw new Problem(400, {detail: w('inaddress')});
  const headers = {...more};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET') headers['X-CSRF-Token'] = csrf;
  return fetch(path, {method, headers, body: body === undefined ? undefined : JSON.stringify(body), credentials: 'same-origin'}).catch(unanswered);
}

// The answer as it is: of a file, whose headers say more.
export const take = (method, path, body) => send(method, '/api/v1' + path, body);

async function ask(method, path, body, more) {
  const response = await send(method, path, body, more);
  if (!response.ok) throw await problemOf(response, method);
  return response.json().catch(unanswered);
}

export const get = (path) => ask('GET', '/api/v1' + path);
export const post = (path, body = {}, headers = {}) => ask('POST', '/api/v1' + path, body, headers);

const keep = (session) => { keepLogin(); csrf = session.csrf; setRegionZone(session.timezone); return session; };
export const session = async () => keep(await get('/session'));
export const login = async (name, password) => keep(await post('/session', {name, password}));
export const setPassword = async (name, secret, password) => keep(await post('/session/password', {name, secret, password}));
export const logout = () => { forgetLogin(); return ask('DELETE', '/api/v1/session'); };

// The log's own files: bytes and text.
export async function bytes(path) {
  const response = await fetch(path, {credentials: 'same-origin'}).catch(unanswered);
  if (!response.ok) throw await problemOf(response);
  return new Uint8Array(await response.arrayBuffer());
}
export const text = async (path) => new TextDecoder().decode(await bytes(path));

// "a=1&b=2" of what has a value.
export const query = (values) => new URLSearchParams(Object.entries(values).filter(([, v]) => v !== '' && v != null)).toString();
