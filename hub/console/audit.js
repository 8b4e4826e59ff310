// «Аудит»: one search line, the whole query in the address; one event with its way and its proof.
import {html, useState} from '/console/htm.js';
import {get, query} from '/console/api.js';
import {Loading, Table, Trouble, useAsk} from '/console/parts.js';
import {prove} from '/console/proof.js';
import {count, w, when} from '/console/words.js';

// Conditions of the line and the parameters of the search that they are.
const CONDITIONS = {type: 'type', system: 'system', org: 'organisation', corr: 'correlation', id: 'id', from: 'from', to: 'to'};

// {parameters}, {where: text} or {unknown: word}.
export function readLine(line) {
  const parameters = {};
  const free = [];
  for (const word of line.trim().split(/\s+/).filter(Boolean)) {
    const [, key, value] = word.match(/^([a-z]+):(.+)$/) || [];
    if (!key || key === 'urn') free.push(word);
    else if (CONDITIONS[key]) parameters[CONDITIONS[key]] = value;
    else return {unknown: key};
  }
  if (free.length && Object.keys(parameters).length === 0) return {where: free.join(' ')};
  return free.length ? {unknown: free[0]} : {parameters};
}

async function search(line, cursor) {
  const asked = readLine(line);
  if (asked.unknown) return {unknown: asked.unknown};
  if (asked.where && /^[0-9]+$/.test(asked.where)) return {items: [await get(`/events/${asked.where}`)], next: 0};
  if (asked.where) return {items: (await get(`/where/${encodeURIComponent(asked.where)}`)).matches, next: 0};
  return get(`/events?${query({...asked.parameters, cursor, limit: 50})}`);
}

const Row = (event) => html`<a href="#/event/${event.number}">${count(event.number)}</a>`;

function Results({line, cursor}) {
  const [page, error, again] = useAsk(() => search(line, cursor), `${line} ${cursor}`);
  if (error && error.status === 404) return html`<p role="status">${w('nothing')}</p>`;
  if (error) return html`<${Trouble} error=${error} again=${again} />`;
  if (!page) return html`<${Loading} />`;
  if (page.unknown) return html`<p class="warn" role="alert">${w('unknown')}: ${page.unknown}</p>`;
  if (!page.items.length) return html`<p role="status">${w('nothing')}</p>`;
  return html`<section class="card"><${Table} caption=${w('results')} rows=${page.items} columns=${[
    [w('number'), Row, 'number'], [w('time'), (e) => when(e.recorded)], [w('type'), (e) => e.type || e.damaged], [w('system'), (e) => e.system]]} />
    ${page.next > 0 && html`<p><a href="#/audit?${query({q: line, cursor: page.next})}">${w('more')}</a></p>`}</section>`;
}

export function Audit({parameters}) {
  const line = parameters.get('q') || '';
  const [draft, setDraft] = useState(line);
  const go = (e) => { e.preventDefault(); location.hash = `#/audit?${query({q: draft})}`; };
  return html`<h1>${w('audit')}</h1>
    <form class="line" role="search" onSubmit=${go}><input type="search" aria-label=${w('search')} aria-describedby="hint" value=${draft} onInput=${(e) => setDraft(e.target.value)} />
      <button>${w('find')}</button></form><p class="soft" id="hint">${w('hint')}</p>
    <${Results} line=${line} cursor=${parameters.get('cursor') || ''} />`;
}

// ---- one event ----

function Proof({number}) {
  const [result, error, again] = useAsk(() => prove(number), number);
  if (error && error.status === 410) return html`<p class="warn">${w('expired')}</p>`;
  if (error) return html`<${Trouble} error=${error} again=${again} />`;
  if (!result) return html`<p role="status">${w('checking')}</p>`;
  return html`<p class=${result.state === 'proved' ? 'good' : result.state === 'notyet' ? 'soft' : 'bad'} role="status">${w(result.state)}${
      result.state === 'proved' ? `; ${w(result.signature ? 'signatureright' : 'signatureunknown')}` : ''}</p>
    ${result.vkey && html`<dl><dt>${w('treesize')}</dt><dd>${count(result.size)}</dd><dt>${w('root')}</dt><dd>${result.root}</dd>
      <dt>${w('key')}</dt><dd>${result.vkey}</dd></dl><p class="soft">${w('keyfrom')}</p>`}
    ${result.state === 'notyet' && html`<button class="plain" onClick=${again}>${w('retry')}</button>`}`;
}

const Way = ({deliveries}) => html`<${Table} caption=${w('way')} rows=${deliveries} columns=${[
  [w('subscription'), (d) => d.subscription], [w('state'), (d) => w(d.state === 'expired' ? 'expired_delivery' : d.state)], [w('acked'), (d) => when(d.acked)], [w('attempts'), (d) => d.attempt || ''], [w('reason'), (d) => d.reason || '']]} />`;

function Known({event}) {
  const lines = [['number', String(event.number)], ['time', when(event.recorded)], ['type', event.type], ['system', event.system], ['source', event.source], ['event', event.id || event.hub_id]];
  return html`<dl>${lines.filter(([, v]) => v).map(([k, v]) => html`<dt>${w(k)}</dt><dd>${v}</dd>`)}</dl>`;
}

async function whole(number) {
  const event = await get(`/events/${number}`);
  const found = event.hub_id ? await get(`/where/${event.hub_id}`).catch(() => ({matches: []})) : {matches: []};
  return {event, match: found.matches.find((m) => m.number === event.number) || {}};
}

export function Event({number}) {
  const [answer, error, again] = useAsk(() => whole(number), number);
  if (error) return html`<${Trouble} error=${error} again=${again} />`;
  if (!answer) return html`<${Loading} />`;
  const {event, match} = answer;
  return html`<h1>${w('event')} ${event.number}</h1>
    <section class="card"><${Known} event=${event} />${event.sealed && html`<p class="soft">${w('sealed')}</p>`}</section>
    ${event.data && Object.keys(event.data).length > 0 && html`<section class="card"><h2>${w('data')}</h2><pre>${JSON.stringify(event.data, null, 2)}</pre></section>`}
    ${match.deliveries && html`<section class="card"><${Way} deliveries=${match.deliveries} /></section>`}
    ${match.cells && match.cells.length > 0 && html`<section class="card"><h2>${w('cells')}</h2><p>${match.cells.map((c) => html`<a href="#/passport?${query({cell: c.cell || c})}">${c.cell || c}</a> `)}</p></section>`}
    <section class="card"><h2>${w('proof')}</h2><${Proof} number=${event.number} /></section>`;
}
