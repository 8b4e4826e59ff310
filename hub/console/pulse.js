// What the hub said of itself lately: a look every few seconds, the last ones kept in this tab (figures and names of
// systems, nothing of an event). They outlive a change of page and a reload.

export const PERIOD_MS = 3000;
const KEPT = 200;
const GAP_MS = 10 * PERIOD_MS; // looks further apart than this give no rate
const PLACE = 'pulse';

function load() {
  try { return JSON.parse(sessionStorage.getItem(PLACE)) || []; } catch { return []; }
}

const looks = load();

const lookOf = (status, at) => ({at, epoch: status.hub_epoch, head: status.head, lag: status.index.lag_events, unsigned: status.head - status.signed, commit: status.last_commit_us / 1000,
  systems: Object.fromEntries((status.systems || []).map((s) => [s.name, s.stored]))});

export function note(status, at = Date.now()) {
  if (looks.length && looks[looks.length - 1].at >= at) return;
  looks.push(lookOf(status, at));
  looks.splice(0, looks.length - KEPT);
  try { sessionStorage.setItem(PLACE, JSON.stringify(looks)); } catch { /* no room: this tab's memory is enough */ }
}

export const forget = () => { looks.length = 0; sessionStorage.removeItem(PLACE); };

// Values by time: `of` a look.
export const series = (of) => looks.map((look) => ({at: look.at, value: of(look)}));

// What grows, by the second; nothing over a gap, a start of the hub, or where it is not known.
export function rates(of) {
  const found = [];
  for (let i = 1; i < looks.length; i++) {
    const [a, b] = [looks[i - 1], looks[i]];
    const [from, to] = [of(a), of(b)];
    const known = a.epoch === b.epoch && b.at - a.at < GAP_MS && from !== undefined && to !== undefined && to >= from;
    found.push({at: b.at, value: known ? ((to - from) * 1000) / (b.at - a.at) : null});
  }
  return found;
}
