// Deliveries that a receiver did not take: tried once more, sent again, or given up, by whoever acts at the desk.
import {html, useState} from '/console/htm.js';
import {Go} from '/console/address.js';
import {get, post, query} from '/console/api.js';
import {Loading, Table, Trouble, useAsk} from '/console/parts.js';
import {say} from '/console/quarantine_words.js';
import {count, when} from '/console/words.js';

const PAGE = 200;
const stateOf = (row) => say(row.state === 'released' ? 'st_released_delivery' : `st_${row.state}`);
const keyOf = (row) => `${row.subscription} ${row.number}`;

function Settle({chosen, onDone}) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const send = async (e) => {
    e.preventDefault();
    const act = e.submitter.value;
    const reference = new FormData(e.target).get('case');
    if (act === 'discard' && !confirm(say('surely'))) return;
    setBusy(true);
    setError(null);
    let done = 0;
    try {
      for (const subscription of [...new Set(chosen.map((row) => row.subscription))]) {
        const numbers = chosen.filter((row) => row.subscription === subscription).map((row) => row.number);
        const answer = await post(`/parked/${act}`, {subscription, numbers, case: reference});
        done += answer.released ?? answer.discarded;
      }
      onDone(done);
    } catch (problem) { setError(problem); }
    setBusy(false);
  };
  return html`<form aria-label=${say('parked')} onSubmit=${send}><p>${say('chosen')}: ${count(chosen.length)}</p><label for="parked-case">${say('basis')}</label><input id="parked-case" name="case" required pattern="[A-Za-z0-9\\-\\/._]{1,64}" autocomplete="off" />
    <p><button value="retry" disabled=${busy || !chosen.length}>${say('retry')}</button> <button class="plain" value="release" disabled=${busy || !chosen.length}>${say('release_delivery')}</button> <button class="plain" value="discard" disabled=${busy || !chosen.length}>${say('discard_delivery')}</button></p>
    ${error && html`<${Trouble} error=${error} />`}</form>`;
}

// `beside`: what the address says of the list above, and says on.
export function Parked({acts, cursor, beside}) {
  const [answer, error, again] = useAsk(() => get(`/parked?${query({cursor, limit: PAGE})}`), cursor, 15000);
  const [keys, setKeys] = useState([]);
  const [done, setDone] = useState(null);
  if (error) return html`<${Trouble} error=${error} again=${again} />`;
  if (!answer) return html`<${Loading} />`;
  const toggle = (key) => setKeys((old) => (old.includes(key) ? old.filter((one) => one !== key) : [...old, key]));
  const settled = (n) => { setDone(n); setKeys([]); again(); };
  const columns = [
    ...(acts ? [[say('choose'), (row) => row.state === 'failed' && html`<input type="checkbox" class="check-box" aria-label="${say('choose')} ${keyOf(row)}" checked=${keys.includes(keyOf(row))} onChange=${() => toggle(keyOf(row))} />`]] : []),
    [say('subscription'), (row) => row.subscription], [say('number'), (row) => html`<a href="#/event/${row.number}">${count(row.number)}</a>`, 'number'], [say('type'), (row) => row.type], [say('state'), stateOf],
    [say('since'), (row) => when(row.since)], [say('attempts'), (row) => count(row.attempts), 'number'], [say('reason'), (row) => row.reason]];
  return html`<section class="card"><h2>${say('parked')}</h2>${done !== null && html`<p role="status">${say('done')}: ${count(done)}</p>`}
    ${answer.parked.length === 0 ? html`<p>${say('noparked')}</p>` : html`<${Table} caption=${say('parked')} rows=${answer.parked} columns=${columns} />`}
    ${answer.more && html`<p><${Go} path="/quarantine" values=${{...beside, parked: answer.next}}>${say('more')}</${Go}></p>`}
    ${answer.parked.length > 0 && (acts ? html`<${Settle} chosen=${answer.parked.filter((row) => keys.includes(keyOf(row)))} onDone=${settled} />` : html`<p class="soft">${say('onlydesk')}</p>`)}</section>`;
}
