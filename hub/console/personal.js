// Personal fields of one event: masked until who looks says why and in which case. Values stay in this page's memory
// and get into no address.
import {html, useState} from '/console/htm.js';
import {get, post} from '/console/api.js';
import {looksAtPersons} from '/console/access_words.js';
import {Trouble} from '/console/parts.js';
import {w, when} from '/console/words.js';

const look = (grant, number) => post(`/access/${grant.grant}/events/${number}`);

// With what is open already, if one of it is this person: so a case is asked about once.
async function lookWithout(grants, number) {
  for (const grant of grants.filter((one) => !one.desk)) {
    try { return {grant, ...(await look(grant, number))}; } catch (problem) { if (problem.status !== 403 && problem.status !== 404) throw problem; }
  }
  return null;
}

function Why({mine, onSubmit, busy}) {
  const last = mine.grants.filter((one) => !one.desk).at(-1) || {};
  return html`<form onSubmit=${onSubmit} aria-describedby="a-note"><p class="soft" id="a-note">${w('a_note')}</p>
    <label for="a-why">${w('a_why')}</label><select id="a-why" name="reason" required><option value="">${w('a_choose')}</option>${mine.reasons.map((reason) => html`<option value=${reason.code} selected=${reason.code === last.reason}>${reason.title}</option>`)}</select>
    <label for="a-case">${w('a_case')}</label><input id="a-case" name="case" required maxlength="64" pattern="[A-Za-z0-9\\-\\/._]+" autocomplete="off" aria-describedby="a-casehint" defaultValue=${last.case || ''} /><p class="soft" id="a-casehint">${w('a_casehint')}</p>
    <p><button disabled=${busy}>${w('a_show')}</button></p></form>`;
}

const Values = ({shown, onHide}) => html`<p class="soft" role="status">${w('a_open')} ${when(shown.grant.until)}; ${w('a_case')} ${shown.grant.case}</p>
  <pre aria-label=${w('a_shown')} tabindex="0">${JSON.stringify(shown.event, null, 2)}</pre><p><button class="plain" onClick=${onHide}>${w('a_hide')}</button></p>`;

export function Personal({number, who}) {
  const [mine, setMine] = useState(null);
  const [shown, setShown] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  if (!looksAtPersons(who)) return null;
  const attempt = async (act) => {
    setBusy(true);
    setError(null);
    try { await act(); } catch (problem) { setError(problem); }
    setBusy(false);
  };
  const begin = () => attempt(async () => {
    const now = await get('/access/mine');
    setShown(await lookWithout(now.grants, number));
    setMine(now);
  });
  const submit = (e) => {
    e.preventDefault();
    const form = new FormData(e.target);
    attempt(async () => {
      const grant = await post('/access', {number, reason: form.get('reason'), case: form.get('case')});
      setShown({grant, ...(await look(grant, number))});
    });
  };
  return html`${error && html`<${Trouble} error=${error} />`}
    ${shown ? html`<${Values} shown=${shown} onHide=${() => { setShown(null); setMine(null); }} />` : mine ? html`<${Why} mine=${mine} onSubmit=${submit} busy=${busy} />` : html`<p><button class="plain" onClick=${begin} disabled=${busy}>${w('a_show')}</button></p>`}`;
}
