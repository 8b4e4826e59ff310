// «На исправлении»: what was taken and waits, by filter; one, many or all that fit are released or discarded; parked
// deliveries below. Filters stand in the address, values of events never do.
import {html, useState} from '/console/htm.js';
import {ask, go, Go} from '/console/address.js';
import {post} from '/console/api.js';
import {Parked} from '/console/parked.js';
import {Loading, Table, Trouble, saidOf, useAsk} from '/console/parts.js';
import {Row} from '/console/quarantine_row.js';
import {fieldOf, reasonOf, say} from '/console/quarantine_words.js';
import {count, when} from '/console/words.js';

const PAGE = 50;
const FILTERS = ['code', 'system', 'type', 'before'];
const ROLES = ['pd-officer', 'cnppm', 'admin'];

export const mayAct = (who) => who.roles.some((role) => ROLES.includes(role));
export const mayLook = (who) => mayAct(who) || who.roles.includes('auditor');

const filterOf = (parameters) => Object.fromEntries(FILTERS.map((name) => [name, parameters.get(name) || '']));
const narrow = (filter) => Object.fromEntries(Object.entries(filter).filter(([, value]) => value));

function Filter({filter, state}) {
  const send = (e) => { e.preventDefault(); go('/quarantine', Object.fromEntries([...new FormData(e.target)].filter(([, value]) => value))); };
  return html`<form class="line" aria-label=${say('filter')} onSubmit=${send}>
    <label>${say('state')}<select name="state">${['waiting', 'proposed', 'released', 'discarded', 'replaced', 'all'].map((one) => html`<option value=${one} selected=${one === state}>${one === 'all' ? say('all') : say(`st_${one}`)}</option>`)}</select></label>
    ${FILTERS.map((name) => html`<label>${say(name)}<input name=${name} type=${name === 'before' ? 'date' : 'text'} value=${filter[name]} /></label>`)}
    <button>${say('apply')}</button></form>`;
}

function NotDone({item}) {
  const {message, cure, said} = saidOf({code: item.code, message: item.what, field: item.where, cure: item.cure});
  return html`<p><a href="#/quarantine?number=${item.number}">№ ${count(item.number)}</a>: ${message}. ${cure}${said && html` <span class="soft" lang="en">${said}</span>`}</p>`;
}

// What became of each: those that could not be done say why.
export function Answers({answers, failed}) {
  return html`<section class="card" role="status"><h2>${say('answers')}</h2><p>${say('done')}: ${count(answers.done)}. ${say('failed')}: <span class=${failed ? 'bad' : ''}>${count(answers.failed)}</span></p>
    ${answers.items.filter((item) => !item.done).slice(0, 20).map((item) => html`<${NotDone} item=${item} />`)}
    ${answers.items.filter((item) => item.released_as).slice(0, 20).map((item) => html`<p>№ ${count(item.number)}: ${say('newnumber')} <a href="#/event/${item.released_as}">${count(item.released_as)}</a></p>`)}</section>`;
}

// The hub does so many at once; the rest is asked for until there is none.
export async function settle(act, chosen, reason) {
  const all = {done: 0, failed: 0, items: []};
  let after = 0;
  do {
    const answer = await post(`/quarantine/${act}`, {...chosen, reason, ...(after ? {after} : {})});
    all.done += answer.done;
    all.failed += answer.failed;
    all.items.push(...answer.items);
    after = answer.next;
  } while (after);
  return all;
}

function Act({chosen, filter, onDone}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const can = narrow(filter);
  const send = async (e) => {
    e.preventDefault();
    const {value: act} = e.submitter;
    const form = new FormData(e.target);
    if (act === 'discard' && !confirm(say('sure'))) return;
    setBusy(true);
    setError(null);
    try { onDone(await settle(act, form.get('byfilter') ? can : {numbers: chosen}, form.get('reason'))); } catch (problem) { setError(problem); }
    setBusy(false);
  };
  return html`<form class="card" onSubmit=${send} aria-label=${say('act')}><h2>${say('act')}</h2><p>${say('chosen')}: ${count(chosen.length)}</p>
    ${Object.keys(can).length > 0 && html`<label><input type="checkbox" name="byfilter" class="check-box" /> ${say('byfilter')}</label>`}
    <label for="reason">${say('basis')}</label><input id="reason" name="reason" required pattern="[A-Za-z0-9\\-\\/._]{1,64}" autocomplete="off" />
    <p><button class="plain" value="release" disabled=${busy}>${say('release')}</button> <button class="plain" value="discard" disabled=${busy}>${say('discard')}</button></p>
    ${error && html`<${Trouble} error=${error} />`}</form>`;
}

function List({filter, state, cursor, who}) {
  const asked = {...narrow(filter), ...(state === 'proposed' ? {proposed: 'true'} : {state}), cursor, limit: PAGE};
  const [answer, error, again] = useAsk(() => ask('/quarantine', '/quarantine/find', asked), JSON.stringify(asked), 15000);
  const [chosen, setChosen] = useState([]);
  const [done, setDone] = useState(null);
  if (error) return html`<${Trouble} error=${error} again=${again} />`;
  if (!answer) return html`<${Loading} />`;
  const acts = mayAct(who) && (state === 'waiting' || state === 'proposed');
  const toggle = (number) => setChosen((old) => (old.includes(number) ? old.filter((n) => n !== number) : [...old, number]));
  const columns = [
    ...(acts ? [[say('choose'), (e) => html`<input type="checkbox" class="check-box" aria-label="${say('choose')} ${e.number}" checked=${chosen.includes(e.number)} onChange=${() => toggle(e.number)} />`]] : []),
    [say('number'), (e) => html`<a href="#/quarantine?number=${e.number}">${count(e.number)}</a>`, 'number'], [say('since'), (e) => when(e.since)], [say('system'), (e) => e.system], [say('type'), (e) => e.type],
    [say('field'), (e) => fieldOf(e.field)], [say('reason'), (e) => reasonOf(e)[0]], [say('cure'), (e) => reasonOf(e)[1]], [say('proposal'), (e) => (e.proposal ? `${say('by')}: ${e.proposal.by}` : '')]];
  const settled = (answers) => { setDone(answers); setChosen([]); again(); };
  return html`${done && html`<${Answers} answers=${done} failed=${done.failed > 0} />`}
    ${answer.count === 0 ? html`<p role="status">${say('nonewaits')}</p>` : html`<section class="card"><${Table} caption=${say('waits')} rows=${answer.events} columns=${columns} />
      ${acts && html`<p><button class="plain" onClick=${() => setChosen(answer.events.map((e) => e.number))}>${say('choose_all')}</button></p>`}
      ${answer.next > 0 && html`<p><${Go} path="/quarantine" values=${{...narrow(filter), state, cursor: answer.next}}>${say('more')}</${Go}></p>`}</section>`}
    ${acts && answer.count > 0 && html`<${Act} chosen=${chosen} filter=${filter} onDone=${settled} />`}`;
}

export function Quarantine({parameters, who}) {
  const number = parameters.get('number');
  if (number && /^[0-9]{1,15}$/.test(number)) return html`<${Row} number=${Number(number)} who=${who} />`;
  const filter = filterOf(parameters);
  const state = parameters.get('state') || 'waiting';
  return html`<h1>${say('quarantine')}</h1><${Filter} filter=${filter} state=${state} />
    <${List} filter=${filter} state=${state} cursor=${parameters.get('cursor') || ''} who=${who} /><${Parked} acts=${mayAct(who)} cursor=${parameters.get('parked') || ''} beside=${{...narrow(filter), state, cursor: parameters.get('cursor') || ''}} />`;
}
