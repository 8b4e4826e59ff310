// «Обзор»: is everything alive, does it get on, what waits and why.
import {html, useEffect, useState} from '/console/htm.js';
import {get} from '/console/api.js';
import {Chart} from '/console/chart.js';
import {Loading, Table, Trouble, useAsk} from '/console/parts.js';
import {verdictOf} from '/console/overview_words.js';
import {PERIOD_MS, note, rates, series} from '/console/pulse.js';
import {reasonOf} from '/console/quarantine_words.js';
import {count, w, when} from '/console/words.js';

const RARELY_MS = 10 * PERIOD_MS;

// The hub's state, every few seconds while somebody looks. [status, error]
function useStatus(going) {
  const [state, setState] = useState([null, null]);
  useEffect(() => {
    let here = true;
    let timer;
    const look = async () => {
      try {
        const status = document.hidden ? null : await get('/status');
        if (status) note(status);
        if (here && status) setState([status, null]);
      } catch (error) {
        if (here) setState(([status]) => [status, error]);
      }
      if (here && going) timer = setTimeout(look, PERIOD_MS);
    };
    look();
    return () => { here = false; clearTimeout(timer); };
  }, [going]);
  return state;
}

const Connected = ({on}) => html`<span class=${on ? 'good' : 'warn'}>${w(on ? 'connected' : 'away')}</span>`;

const Charts = () => html`<div class="cards"><${Chart} title=${w('o_rate')} points=${rates((l) => l.head)} /><${Chart} title=${w('o_lag')} points=${series((l) => l.lag)} />
  <${Chart} title=${w('o_unsigned')} points=${series((l) => l.unsigned)} /><${Chart} title=${w('o_commit')} points=${series((l) => l.commit)} /></div>`;

// ---- what waits, and why: [what, how many, why, where it is seen to] ----

// Codes that the people know by the same words are one row: [words, how many, since when].
function byReason(waiting) {
  const found = new Map();
  for (const code of (waiting && waiting.codes) || []) {
    const [why] = reasonOf(code);
    const [many, oldest] = found.get(why) || [0, code.oldest];
    found.set(why, [many + code.count, oldest < code.oldest ? oldest : code.oldest]);
  }
  return [...found].sort((a, b) => b[1][0] - a[1][0])
    .map(([why, [many, oldest]]) => [w('o_quarantine'), many, `${why}; ${w('o_oldest')} ${when(oldest)}`, '#/quarantine']);
}

function whyOf(subscription) {
  if (subscription.waiting_since && !subscription.connected) return w('o_away');
  if (subscription.retrying) return w('o_retrying');
  if (subscription.parked) return w('o_parkedhere');
  return w(subscription.waiting_since || subscription.unacknowledged ? 'o_going' : 'o_none');
}

function waits(status, waiting) {
  const {subscriptions, erasure, index, scrub} = status;
  const parked = subscriptions.filter((s) => s.parked);
  const damaged = scrub.damaged + scrub.damaged_last;
  return [
    ...byReason(waiting),
    ...parked.map((s) => [w('o_parked'), s.parked, s.name, '#/quarantine']),
    ...subscriptions.filter((s) => s.waiting_since && !s.connected).map((s) => [w('o_waitingsubs'), s.name, `${w('o_away')}, ${w('since')} ${when(s.waiting_since)}`, '']),
    ...(erasure.requested + erasure.running ? [[w('o_erasures'), erasure.requested + erasure.running, [erasure.waits_for, erasure.overdue ? `${w('overdue')}: ${count(erasure.overdue)}` : ''].filter(Boolean).join('; '), '']] : []),
    ...(index.lag_events > index.lag_events_max / 2 ? [[w('o_indexlag'), index.lag_events, '', '']] : []),
    ...(damaged ? [[w('o_damaged'), damaged, w('o_damagedcure'), '']] : []),
    ...(status.root_key.backup_needed ? [[w('o_backup'), '', w('o_backupcure'), '']] : []),
    ...(status.alerts || []).map((a) => [w('o_alert'), a.condition, `${a.subject ? `${a.subject}, ` : ''}${w('since')} ${when(a.since)}`, '']),
  ];
}

function Waits({status, waiting}) {
  const rows = waits(status, waiting);
  if (rows.length === 0) return html`<section class="card" aria-label=${w('o_what')}><h2>${w('o_what')}: <span class="good">${w('o_calm')}</span></h2></section>`;
  return html`<section class="card"><${Table} caption=${w('o_what')} rows=${rows} columns=${[[w('o_thing'), ([what]) => what], [w('o_many'), ([, many]) => (typeof many === 'number' ? count(many) : many), 'number'], [w('o_why'), ([, , why]) => why],
    [w('field'), ([what, , , to]) => to && html`<a href=${to} aria-label="${w('o_goto')}: ${what}">${w('o_goto')}</a>`]]} /></section>`;
}

// ---- disk and checkpoint ----

function Disk({space}) {
  const share = Math.min(100, (space.free_mb * 100) / Math.max(1, 10 * space.watermark_mb));
  return html`<div class="card"><div class="soft">${w('o_disk')}: ${w('o_free')}</div><div class="figure ${space.low ? 'bad' : ''}">${count(space.free_mb)}</div>
    <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="all" width="100" height="6" /><rect class=${space.low ? 'low' : 'part'} width=${share} height="6" /><rect class="mark" x="10" width=".8" height="6" /></svg>
    <div class="soft">${space.low ? html`<span class="bad">${w('o_low')}</span>` : `${w('o_mark')}: ${count(space.watermark_mb)}`}</div></div>`;
}

function Checkpoint({status}) {
  const [record] = useAsk(() => (status.signed ? get(`/events/${status.signed}`) : null), Math.floor(Date.now() / RARELY_MS));
  return html`<div class="card"><div class="soft">${w('o_checkpoint')}: ${w('o_upto')}</div><div class="figure">${count(status.signed)}</div>
    <div class="soft">${w('of')} ${count(status.head)}${record && record.recorded ? `; ${count(record.number)} ${w('o_recorded')} ${when(record.recorded)}` : ''}</div></div>`;
}

// ---- systems and subscriptions ----

function Systems({status}) {
  const online = new Set(status.sessions.map((s) => s.system));
  return html`<section class="card"><${Table} caption=${w('systems')} rows=${status.systems} columns=${[
    [w('system'), (s) => s.name], [w('state'), (s) => html`<${Connected} on=${online.has(s.name)} />`], [w('o_lastevent'), (s) => (s.last_event ? when(s.last_event) : s.stored ? '…' : w('o_never'))] /* the store is looked at now and then only */,
    [w('o_since'), (s) => count(s.stored), 'number'], [w('duplicate'), (s) => count(s.duplicate), 'number'], [w('refused'), (s) => count(s.refused), 'number'], [w('waits'), (s) => count(s.quarantine_waiting), 'number'],
    [w('o_flow'), (s) => html`<${Chart} small title="${s.name}, ${w('rate')}" points=${rates((l) => l.systems[s.name])} />`]]} /></section>`;
}

const Subscriptions = ({status}) => html`<section class="card"><${Table} caption=${w('delivery')} rows=${status.subscriptions} columns=${[
  [w('subscription'), (s) => s.name], [w('system'), (s) => s.system], [w('state'), (s) => html`<${Connected} on=${s.connected} />`], [w('o_sent'), (s) => count(s.unacknowledged), 'number'],
  [w('parked'), (s) => count(s.parked), 'number'], [w('o_waits'), (s) => (s.waiting_since ? when(s.waiting_since) : '')], [w('o_why'), whyOf]]} /></section>`;

// ---- the balance is drawn over the whole log: when the page is opened, and when it is asked for ----

// What was put aside, and what has become of it: of systems, and of subscriptions.
const Desk = ({balance: {quarantine, parked}}) => html`${quarantine.length > 0 && html`<section class="card"><${Table} caption="${w('balance')}: ${w('o_quarantine')}" rows=${quarantine} columns=${[
    [w('system'), (s) => s.system], [w('o_putaside'), (s) => count(s.quarantined), 'number'], [w('o_still'), (s) => count(s.waiting), 'number'], [w('o_asis'), (s) => count(s.released), 'number'], [w('o_corrected'), (s) => count(s.corrected), 'number'],
    [w('o_replaced'), (s) => count(s.replaced), 'number'], [w('discarded'), (s) => count(s.discarded), 'number']]} /></section>`}
  ${parked.length > 0 && html`<section class="card"><${Table} caption="${w('balance')}: ${w('o_parked')}" rows=${parked} columns=${[
    [w('subscription'), (s) => s.subscription], [w('o_ever'), (s) => count(s.parked), 'number'], [w('o_still'), (s) => count(s.still), 'number'], [w('delivered'), (s) => count(s.delivered), 'number'],
    [w('discarded'), (s) => count(s.discarded), 'number'], [w('expired_delivery'), (s) => count(s.expired), 'number'], [w('suppressed'), (s) => count(s.suppressed), 'number']]} /></section>`}`;

function Balance() {
  const [balance, error, again] = useAsk(() => get('/balance'), 0);
  if (!balance) return html`<section class="card"><h2>${w('balance')}</h2>${error ? html`<${Trouble} error=${error} again=${again} />` : html`<${Loading} />`}</section>`;
  return html`<section class="card"><h2>${w('balance')}: <span class=${balance.ok ? 'good' : 'bad'}>${w(balance.ok ? 'balanced' : 'unbalanced')}</span></h2>
    ${error && html`<${Trouble} error=${error} again=${again} />`}
    ${!balance.ok && html`<${Table} caption=${w('differences')} rows=${balance.differences} columns=${[
      [w('field'), (d) => d.where], [w('o_thing'), (d) => verdictOf(d.what)], [w('expected'), (d) => count(d.expected), 'number'], [w('found'), (d) => count(d.found), 'number']]} />`}
    <button class="plain" onClick=${again}>${w('compare')}</button></section>
    <section class="card"><${Table} caption="${w('balance')}: ${w('received')}" rows=${balance.in} columns=${[
      [w('system'), (s) => s.system], [w('stored'), (s) => count(s.stored), 'number'], [w('duplicate'), (s) => count(s.duplicate), 'number'],
      [w('waits'), (s) => count(s.quarantined), 'number'], [w('refused'), (s) => count(s.refused), 'number']]} /></section>
    <section class="card"><${Table} caption="${w('balance')}: ${w('delivery')}" rows=${balance.out} columns=${[
      [w('subscription'), (s) => s.subscription], [w('delivered'), (s) => count(s.delivered), 'number'], [w('waiting'), (s) => count(s.waiting), 'number'], [w('parked'), (s) => count(s.parked), 'number'],
      [w('discarded'), (s) => count(s.discarded), 'number'], [w('expired_delivery'), (s) => count(s.expired), 'number'], [w('suppressed'), (s) => count(s.suppressed), 'number']]} /></section>
    <${Desk} balance=${balance} />`;
}

export function Overview() {
  const [going, setGoing] = useState(true);
  const [status, error] = useStatus(going);
  const [waiting] = useAsk(() => get('/quarantine?summary=true'), 0, RARELY_MS);
  if (!status) return error ? html`<${Trouble} error=${error} />` : html`<${Loading} />`;
  return html`<h1>${w('overview')}</h1>
    <p class="buttons"><button class="plain" aria-pressed=${going ? 'false' : 'true'} onClick=${() => setGoing(!going)}>${w(going ? 'o_pause' : 'o_go')}</button><span class="soft">${going ? w('o_live') : ''}</span></p>
    ${error && html`<section class="card error" role="alert">${w('o_lost')}</section>`}
    ${status.read_only && html`<section class="card error" role="alert">${w('readonly')}</section>`}
    <div class="cards"><div class="card"><div class="soft">${w('head')}</div><div class="figure">${count(status.head)}</div></div><${Checkpoint} status=${status} /><${Disk} space=${status.space} /></div>
    <${Charts} /><${Waits} status=${status} waiting=${waiting} /><${Systems} status=${status} /><${Subscriptions} status=${status} /><${Balance} />`;
}
