// What this browser keeps between two visits: of the log the key that it was told first or was given by hand, and the
// newest checkpoint that it has checked; and that somebody has logged in here. Nothing of an event, nothing of a person.

const KEY = 'log.key';
const SEEN = 'log.seen';

function read(name) {
  try { return JSON.parse(localStorage.getItem(name)); } catch { return null; }
}

function write(name, value) {
  try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* full or forbidden: then it is not remembered */ }
  return value;
}

// {vkey, since, pinned}; null: none yet.
export const key = () => read(KEY);
export const keepKey = (vkey, pinned) => write(KEY, {vkey, since: new Date().toISOString(), pinned});
// {origin, size, root (hex), at}
export const seen = () => read(SEEN);
export const keepSeen = (checkpoint) => write(SEEN, {...checkpoint, at: new Date().toISOString()});
// Another log begins: what was seen of the old one says nothing of it.
export const forgetSeen = () => { try { localStorage.removeItem(SEEN); } catch { /* nothing was kept */ } };

// Whether it is worth asking whose login this is: where nobody has logged in the hub would only refuse.
const LOGIN = 'login';
export const mayBeLoggedIn = () => { try { return localStorage.getItem(LOGIN) !== null; } catch { return true; } };
export const keepLogin = () => { write(LOGIN, true); };
export const forgetLogin = () => { try { localStorage.removeItem(LOGIN); } catch { /* nothing was kept */ } };
