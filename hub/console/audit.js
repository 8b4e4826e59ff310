// «Аудит»: one search line, the whole query in the address, but for what may be a person's (address.js); what is found,
// how it is divided. A person is looked for in a form of its own, whose values get into no address.
import {html, useState} from '/console/htm.js';
import {ask, bodyOf, go, Go, isClean} from '/console/address.js';
import {get, post, Problem, query, take} from '/console/api.js';
import {say} from '/console/audit_words.js';
import {Facets} from '/console/facets.js';
import {readLine} from '/console/line.js';
import {Loading, Table, Trouble, useAsk} from '/console/parts.js';
import {count, regionZone, when} from '/console/words.js';
import {dayBegins} from '/console/zone.js';

const PAGE = 50;

const inRegion = (year, month, day) => dayBegins(year, month, day, regionZone());

// ---- what is found ----

// What has just happened is what most look for: the newest first, page by page towards the beginning.
async function search(asked, cursor) {
  if (asked.where && /^[1-9][0-9]{0,14}$/.test(asked.where)) { // a number of the log, or of a document
    const number = Number(asked.where);
    const found = await post('/events/find', {from_number: number, to_number: number, limit: 1});
    if (found.items.length) return {items: found.items, next: 0};
  }
  if (asked.where) return {items: (await post('/where', {id: asked.where})).matches, next: 0};
  return ask('/events', '/events/find', {...asked.parameters, order: 'newest', cursor, limit: PAGE});
}

const stateOf = (event) => (event.expired ? 'expired' : event.quarantined ? 'quarantined' : event.sealed ? 'sealed' : 'open');
const COLUMNS = [
  ['number', (e) => html`<a href="#/event/${e.number}">${count(e.number)}</a>`, 'number'], ['time', (e) => when(e.recorded)],
  ['type', (e) => e.type || e.damaged], ['system', (e) => e.system], ['state', (e) => (e.type ? say(`st_${stateOf(e)}`) : '')]];
export const Found = ({caption, items}) => html`<${Table} caption=${caption} rows=${items} columns=${COLUMNS.map(([word, ...rest]) => [say(word), ...rest])} />`;

function Results({line, asked, cursor}) {
  const [page, error, again] = useAsk(() => search(asked, cursor), `${line} ${cursor}`);
  if (error && error.status === 404) return html`<p role="status">${say('nothing')}</p>`;
  if (error) return html`<${Trouble} error=${error} again=${again} />`;
  if (!page) return html`<${Loading} />`;
  const caption = asked.where || Object.keys(asked.parameters).length ? say('results') : say('newest');
  return html`<section class="card">${page.items.length ? html`<${Found} caption=${caption} items=${page.items} />` : html`<p role="status">${page.next > 0 ? say('looked') : say('nothing')}</p>`}
    ${page.next > 0 && html`<p><${Go} path="/audit" values=${{q: line, cursor: page.next}}>${say('older')}</${Go}></p>`}</section>`;
}

// ---- to take away ----

// Fetched first: what cannot be had is said here, and is no broken file in a folder.
async function download(parameters, cursor) {
  const asked = {...parameters, cursor};
  const response = isClean(asked) ? await take('GET', `/events/export?${query(asked)}`) : await take('POST', '/events/export', bodyOf(asked));
  if (!response.ok) return response.status === 404 ? {nothing: true} : {error: await response.json().then((body) => new Problem(response.status, body), () => new Problem(response.status, {}))};
  const address = URL.createObjectURL(await response.blob());
  const link = Object.assign(document.createElement('a'), {href: address, download: (response.headers.get('Content-Disposition') || '').match(/filename="([^"]+)"/)?.[1] || 'events.zip'});
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  return {next: Number(response.headers.get('Marshrut-Next'))};
}

function Export({parameters}) {
  const [state, setState] = useState({});
  const take = async () => {
    const cursor = state.next || '';
    setState({busy: true});
    setState(await download(parameters, cursor).catch((error) => ({error})));
  };
  return html`<section class="card"><button class="plain" disabled=${state.busy} onClick=${take} aria-describedby="exportnote">${say(state.next ? 'exportmore' : 'export')}</button>
    <p class="soft" id="exportnote">${say('exportnote')}</p>${state.nothing && html`<p role="status">${say('noexport')}</p>`}${state.error && html`<${Trouble} error=${state.error} />`}</section>`;
}

// ---- the line ----

const HELP = ['type', 'system', 'source', 'organisation', 'correlation', 'from', 'number', 'state', 'id', 'alone'];

// Where the line is wrong, with the place marked in it.
function LineErrors({line, errors}) {
  return html`<section class="card error" role="alert" id="line-errors">${errors.map((error) => html`<p>${say('at_sign')} ${error.at + 1}: ${say(`e_${error.code}`)}${error.word ? ` «${error.word}»` : ''}</p>`)}
    <pre>${line.slice(0, errors[0].at)}<mark>${line.slice(errors[0].at, errors[0].end)}</mark>${line.slice(errors[0].end)}</pre></section>`;
}

function Line({line, onErrors}) {
  const [draft, setDraft] = useState(line);
  const send = (e) => {
    e.preventDefault();
    const {errors} = readLine(draft, inRegion);
    onErrors(errors ? {line: draft, errors} : null);
    if (!errors) go('/audit', {q: draft.trim()});
  };
  return html`<form class="line" role="search" onSubmit=${send}><input type="search" autocomplete="off" spellcheck=${false} aria-label=${say('searchline')} aria-describedby="hint" value=${draft} onInput=${(e) => setDraft(e.target.value)} />
      <button>${say('find')}</button></form>
    <details id="hint"><summary>${say('howto')}</summary><ul>${HELP.map((name) => html`<li>${say(`q_${name}`)}</li>`)}</ul></details>`;
}

// ---- a person: in the body of the question, never in the address ----

function Person() {
  const [answer, setAnswer] = useState(null);
  const [error, setError] = useState(null);
  const ask = async (e) => {
    e.preventDefault();
    const form = new FormData(e.target);
    setError(null);
    try { setAnswer(await post('/persons/events', {snils: form.get('snils'), case: form.get('case')})); e.target.reset(); } catch (problem) { setAnswer(null); setError(problem); }
  };
  return html`<details class="card person"><summary>${say('person')}</summary><p class="soft" id="why">${say('personwhy')}</p>
    <form onSubmit=${ask} aria-describedby="why"><label for="snils">${say('snils')}</label><input id="snils" name="snils" required autocomplete="off" inputmode="numeric" />
      <label for="case">${say('caseno')}</label><input id="case" name="case" required autocomplete="off" /><p><button>${say('find')}</button></p></form>
    ${error && html`<${Trouble} error=${error} />`}
    ${answer && (answer.known ? html`<${Found} caption=${say('personfound')} items=${answer.matches} />` : html`<p role="status">${say('notknown')}</p>`)}</details>`;
}

export function Audit({parameters, who}) {
  const line = parameters.get('q') || '';
  const asked = readLine(line, inRegion);
  const [wrong, setWrong] = useState(asked.errors ? {line, errors: asked.errors} : null);
  return html`<h1>${say('audit')}</h1>
    <${Line} line=${line} onErrors=${setWrong} />
    ${wrong && html`<${LineErrors} ...${wrong} />`}
    ${who.roles.some((role) => role === 'auditor' || role === 'pd-officer') && html`<${Person} />`}
    ${!asked.errors && html`<div class="beside"><${Results} line=${line} asked=${asked} cursor=${parameters.get('cursor') || ''} />
      ${asked.parameters && html`<div><${Facets} parameters=${asked.parameters} line=${line} turned=${parameters.has('cursor')} /><${Export} parameters=${asked.parameters} /></div>`}</div>`}`;
}
