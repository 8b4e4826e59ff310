// «Обзор»: is everything alive, does it get on, what waits and why.
import {html, useRef} from '/console/htm.js';
import {get} from '/console/api.js';
import {Figure, Loading, Spark, Table, Trouble, useAsk} from '/console/parts.js';
import {count, w} from '/console/words.js';

const PERIOD_MS = 3000;
const KEPT = 60;

// Events a second between two looks, newest last.
function useRates(status) {
  const kept = useRef({at: 0, head: 0, rates: []});
  const k = kept.current;
  if (status && status.head !== undefined && status !== k.last) {
    const now = Date.now();
    if (k.at) k.rates = [...k.rates, Math.max(0, ((status.head - k.head) * 1000) / (now - k.at))].slice(-KEPT);
    Object.assign(k, {at: now, head: status.head, last: status});
  }
  return k.rates;
}

const Connected = ({on}) => html`<span class=${on ? 'good' : 'warn'}>${w(on ? 'connected' : 'away')}</span>`;

// The balance is drawn over the whole log: when the page is opened, and when it is asked for.
function Balance({balance, error, again, status}) {
  const known = Object.fromEntries(status.subscriptions.map((s) => [s.name, s]));
  if (!balance) return html`<section class="card"><h2>${w('balance')}</h2>${error ? html`<${Trouble} error=${error} again=${again} />` : html`<${Loading} />`}</section>`;
  return html`<section class="card"><h2>${w('balance')}: <span class=${balance.ok ? 'good' : 'bad'}>${w(balance.ok ? 'balanced' : 'unbalanced')}</span></h2>
    ${error && html`<${Trouble} error=${error} again=${again} />`}
    ${!balance.ok && html`<${Table} caption=${w('differences')} rows=${balance.differences} columns=${[
      [w('field'), (d) => d.where], ['', (d) => d.what], [w('expected'), (d) => count(d.expected), 'number'], [w('found'), (d) => count(d.found), 'number']]} />`}
    <button class="plain" onClick=${again}>${w('compare')}</button></section>
    <section class="card"><${Table} caption=${w('received')} rows=${balance.in} columns=${[
      [w('system'), (s) => s.system], [w('stored'), (s) => count(s.stored), 'number'], [w('duplicate'), (s) => count(s.duplicate), 'number'],
      [w('waits'), (s) => count(s.quarantined), 'number'], [w('refused'), (s) => count(s.refused), 'number']]} /></section>
    <section class="card"><${Table} caption=${w('delivery')} rows=${balance.out} columns=${[
      [w('subscription'), (s) => s.subscription], [w('state'), (s) => (known[s.subscription] ? html`<${Connected} on=${known[s.subscription].connected} />` : '')],
      [w('delivered'), (s) => count(s.delivered), 'number'], [w('waiting'), (s) => count(s.waiting), 'number'],
      [w('parked'), (s) => count(s.parked), 'number']]} /></section>`;
}

function Systems({status}) {
  const online = new Set(status.sessions.map((s) => s.system));
  const names = [...new Set([...status.subscriptions.map((s) => s.system), ...online])].sort();
  return html`<section class="card"><${Table} caption=${w('systems')} rows=${names} columns=${[
    [w('system'), (n) => n], [w('state'), (n) => html`<${Connected} on=${online.has(n)} />`]]} /></section>`;
}

export function Overview() {
  const [status, error, again] = useAsk(() => get('/status'), 0, PERIOD_MS);
  const [waiting] = useAsk(() => get('/quarantine'), 0, 10 * PERIOD_MS);
  const [balance, balanceError, drawBalance] = useAsk(() => get('/balance'), 0);
  const rates = useRates(status);
  if (!status) return error ? html`<${Trouble} error=${error} again=${again} />` : html`<${Loading} />`;
  const rate = rates.length ? rates[rates.length - 1] : 0;
  const unsigned = status.head - status.signed;
  return html`<h1>${w('overview')}</h1>
    ${error && html`<${Trouble} error=${error} again=${again} />`}
    ${status.read_only && html`<section class="card error" role="alert">${w('readonly')}</section>`}
    <div class="cards">
      <div class="card"><div class="soft">${w('head')}</div><div class="figure">${count(status.head)}</div>
        <${Spark} values=${rates} label="${count(Math.round(rate))} ${w('rate')}" /><div class="soft">${count(Math.round(rate))} ${w('rate')}</div></div>
      <${Figure} label=${w('signed')} value=${unsigned > 0 ? `${count(status.signed)} ${w('of')} ${count(status.head)}` : w('all')} />
      <${Figure} label=${w('behind')} value=${count(status.index.lag_events)} kind=${status.index.lag_events > status.index.lag_events_max / 2 ? 'warn' : ''} />
      <${Figure} label=${w('waits')} value=${waiting ? count(waiting.count) : '…'} kind=${waiting && waiting.count ? 'warn' : ''} note=${html`<a href="#/quarantine">${w('show')}</a>`} />
      <${Figure} label=${w('disk')} value=${count(status.space.free_mb)} kind=${status.space.low ? 'bad' : ''} />
      <${Figure} label=${w('commit')} value=${count(Math.round(status.last_commit_us / 100) / 10)} />
      <${Figure} label=${w('scrub')} value=${count(status.scrub.damaged + status.scrub.damaged_last)} kind=${status.scrub.damaged + status.scrub.damaged_last ? 'bad' : ''} />
      <${Figure} label=${w('erasures')} value=${count(status.erasure.requested + status.erasure.running)} kind=${status.erasure.overdue ? 'bad' : ''} note=${status.erasure.overdue ? `${w('overdue')}: ${count(status.erasure.overdue)}` : ''} />
    </div>
    <${Systems} status=${status} />
    <${Balance} balance=${balance} error=${balanceError} again=${drawBalance} status=${status} />`;
}
