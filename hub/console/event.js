// One event: what it says openly, what is sealed, its way, its case, the cells that rest on it, its proof. Each part
// asks for itself, so what is quick does not wait for what is not.
import {html} from '/console/htm.js';
import {get, query} from '/console/api.js';
import {say} from '/console/audit_words.js';
import {Loading, Table, Trouble, useAsk} from '/console/parts.js';
import {Personal} from '/console/personal.js';
import {Proof} from '/console/proof_view.js';
import {count, when} from '/console/words.js';

// Of an erased one: what was done to it, and the event that says so; several may be it, and which is not kept.
function Gone({event}) {
  const by = event.erased.by;
  const one = by.length === 1;
  return html`<section class="card"><h2>${say('masked')}</h2><p>${one ? html`${say('erased_one')} ${when(by[0].destroyed)}, ${say('erased_event')} ${link(by[0].event)}` : html`${say('erased_many')} ${by.map((e) => html`${link(e.event)} `)}`}</p></section>`;
}

const stateOf = (event) => (event.expired ? 'st_expired' : event.erased ? 'st_erased' : event.quarantined ? 'st_quarantined' : event.sealed ? 'st_sealed' : 'st_open');

const link = (number, text) => html`<a href="#/event/${number}">${text ?? count(number)}</a>`;

// A part of the page: its heading stands while it loads, and when it fails.
function Part({title, ask, asked, children, kind}) {
  const [answer, error, again] = useAsk(ask, asked);
  return html`<section class="card ${kind || ''}"><h2>${say(title)}</h2>${error ? html`<${Trouble} error=${error} again=${again} />` : answer ? children(answer) : html`<${Loading} />`}</section>`;
}

// ---- what it says ----

function Envelope({event}) {
  const lines = [['number', String(event.number)], ['time', when(event.recorded)], ['eventtime', event.time && when(event.time)], ['type', event.type], ['system', event.system],
    ['source', event.source], ['event', event.id], ['hub_id', event.hub_id], ['state', say(stateOf(event))]];
  return html`<section class="card"><h2>${say('envelope')}</h2><dl>${lines.filter(([, v]) => v).map(([k, v]) => html`<dt>${say(k)}</dt><dd>${v}</dd>`)}</dl></section>`;
}

// The fields of its type that do not stand openly: sealed, or not filled in; which of the two is sealed too.
function Masked({event, who}) {
  const [type] = useAsk(() => get(`/types/${encodeURIComponent(event.type)}`), event.type);
  const properties = Object.keys(type?.schema?.properties ?? type?.properties ?? {}).filter((name) => !(name in (event.data || {})));
  return html`<section class="card"><h2>${say('masked')}</h2><p class="soft">${say('sealed')}</p>
    ${properties.length > 0 && html`<dl>${properties.map((name) => html`<dt>${name}</dt><dd class="soft">${say('maskedrow')}</dd>`)}</dl>`}<${Personal} number=${event.number} who=${who} /></section>`;
}

const Open = ({event}) => html`<section class="card"><h2>${say('data')}</h2><pre>${JSON.stringify(event.data, null, 2)}</pre></section>`;

// ---- its way ----

const Tries = ({delivery}) => (delivery.tries.length ? html`<details><summary>${say('tries')}: ${count(delivery.tries.length)}</summary><ol>${delivery.tries.map((t) => html`<li>${count(t.attempt)}: ${when(t.at)}, ${t.reason}</li>`)}</ol></details>` : delivery.reason || delivery.waits_for || '');

const Quarantine = ({quarantine}) => html`<dt>${say('quarantine_state')}</dt><dd>${say(quarantine.state)}: ${quarantine.reason || quarantine.code} (${quarantine.field}). ${quarantine.cure}
  ${quarantine.replaced_by && html` ${say('replaced_by')} ${link(quarantine.replaced_by)}`}</dd>`;

const Way = ({way}) => html`<dl>${way.intake ? html`<dt>${say('came')}</dt><dd>${when(way.intake.received)}${way.intake.events > 1 && html` (${say('together')}: ${count(way.intake.events)})`}</dd>` : html`<dt>${say('admitted')}</dt><dd>${when(way.admitted)}</dd>`}<dt>${say('recorded')} ${count(way.number)}</dt><dd>${when(way.recorded)} (${say('config_version')} ${way.config})</dd>
    ${way.intake && html`<dt>${say('committed')}</dt><dd>${when(way.intake.committed)}</dd>`}
    <dt>${say('checkpoint')}</dt><dd>${way.signed ? `${say('treesize')}: ${count(way.checkpoint)}` : say('signed_no')}</dd>${way.quarantine && html`<${Quarantine} quarantine=${way.quarantine} />`}</dl>
  ${!way.intake && html`<p class="soft">${say('noway')}</p>`}
  ${way.deliveries.length ? html`<${Table} caption=${say('delivery')} rows=${way.deliveries} columns=${[
    [say('subscription'), (d) => d.subscription], [say('state'), (d) => say(d.state === 'expired' ? 'expired_delivery' : d.state)], [say('sent'), (d) => when(d.sent || d.since)], [say('acked'), (d) => when(d.acked)],
    [say('attempts'), (d) => d.attempt || '', 'number'], [say('tries'), (d) => html`<${Tries} delivery=${d} />`]]} />` : html`<p>${say('nosubs')}</p>`}`;

// ---- its case ----

function Causes({items, number}) {
  const self = items.find((item) => item.number === number);
  const effects = items.filter((item) => item.cause === number);
  return html`<dl><dt>${say('cause')}</dt><dd>${self.cause ? link(self.cause) : say(self.cause_elsewhere ? 'elsewhere' : 'none')}</dd>
    <dt>${say('effects')}</dt><dd>${effects.length ? effects.map((item) => html`${link(item.number)} `) : say('none')}</dd></dl>`;
}

function Moment({item, number}) {
  const here = item.number === number;
  return html`<li aria-current=${here ? 'true' : undefined} class=${here ? 'here' : ''}><time datetime=${item.recorded}>${when(item.recorded)}</time> ${link(item.number)} ${item.type}, ${item.system}
    ${item.state !== 'open' && html`<span class="soft"> (${say(`st_${item.state}`)})</span>`}${item.cause && html` <span class="soft">← ${say('cause')} ${link(item.cause)}</span>`}
    ${item.outside && html` <span class="soft">${say('outside')}</span>`}${here && html` <strong>${say('here')}</strong>`}</li>`;
}

const Case = ({told}) => {
  if (told.closed) return html`<p>${say('caseclosed')}</p>`;
  return html`<p class="soft">${say(told.correlated ? 'casenote' : 'nocase')}</p><${Causes} items=${told.items} number=${told.number} />
    ${told.items.length > 1 && html`<ol class="timeline">${[...told.items].sort((a, b) => a.number - b.number).map((item) => html`<${Moment} key=${item.number} item=${item} number=${told.number} />`)}</ol>`}
    ${told.more && html`<p class="soft">${say('casemore')}</p>`}`;
};

// ---- the page ----

const Cells = ({rests}) => html`${rests.annulled && html`<p class="warn">${say('annulled')}</p>`}
  ${rests.cells.length ? html`<p>${rests.cells.map((cell) => html`<a href="#/passport?${query({cell})}">${cell}</a> `)}</p>` : html`<p>${say('nocells')}</p>`}`;

export function Event({number, who}) {
  const [event, error, again] = useAsk(() => get(`/events/${number}`), number);
  if (error) return html`<h1>${say('event')} ${number}</h1><${Trouble} error=${error} again=${again} />`;
  if (!event) return html`<${Loading} />`;
  const at = `/events/${number}`;
  return html`<h1>${say('event')} ${event.number}</h1><${Envelope} event=${event} />
    ${event.data && Object.keys(event.data).length > 0 && html`<${Open} event=${event} />`}
    ${event.erased && html`<${Gone} event=${event} />`}
    ${event.sealed && event.type && !event.erased && !event.expired && html`<${Masked} event=${event} who=${who} />`}
    <${Part} title="way" asked=${number} ask=${() => get(`${at}/way`)}>${(way) => html`<${Way} way=${way} />`}</${Part}>
    <${Part} title="case" asked=${number} ask=${() => get(`${at}/case`)}>${(told) => html`<${Case} told=${told} />`}</${Part}>
    ${who.scopes.includes('passport') && html`<${Part} title="cells" asked=${number} ask=${() => get(`${at}/cells`).catch((problem) => { if (problem.status === 404) return {cells: []}; throw problem; })}>${(rests) => html`<${Cells} rests=${rests} />`}</${Part}>`}
    ${who.scopes.includes('log') && html`<section class="card"><h2>${say('proof')}</h2><${Proof} event=${event} /></section>`}`;
}
