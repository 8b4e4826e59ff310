// «Учётные записи»: who may log in, what they are limited to, who is logged in now.
import {html, useState} from '/console/htm.js';
import {get, post} from '/console/api.js';
import '/console/access_words.js';
import {Loading, Table, Trouble, useAsk} from '/console/parts.js';
import {roleWord, w, when} from '/console/words.js';

const linkOf = (answer) => `${location.origin}/#invite=${answer.name}:${answer.secret}`;

const Secret = ({link}) => html`<section class="card" role="status"><p>${w('a_link')}</p><pre id="a-link">${link}</pre></section>`;

function Create({onLink, onError}) {
  const [role, setRole] = useState('organisation');
  const submit = async (e) => {
    e.preventDefault();
    const {name, limit} = Object.fromEntries(new FormData(e.target));
    try {
      const answer = role === 'operator' ? await post(`/accounts/${encodeURIComponent(name)}/invite`) : await post('/accounts', {name, role, [role === 'mms' ? 'oktmo' : 'ogrn']: limit});
      e.target.reset();
      onLink(linkOf(answer));
    } catch (problem) { onError(problem); }
  };
  return html`<details class="card"><summary>${w('a_new')}</summary><form onSubmit=${submit}>
    <label for="a-role">${w('a_kind')}</label><select id="a-role" value=${role} onChange=${(e) => setRole(e.target.value)}>${['organisation', 'mms', 'operator'].map((kind) => html`<option value=${kind}>${w(`a_${kind}`)}</option>`)}</select>
    <label for="a-name">${w('name')}</label><input id="a-name" name="name" required maxlength="32" pattern="[a-z][a-z0-9\\-]*" autocomplete="off" aria-describedby="a-namehint" /><p class="soft" id="a-namehint">${w('a_namehint')}</p>
    ${role !== 'operator' && html`<label for="a-limit">${w(role === 'mms' ? 'a_oktmo' : 'a_ogrn')}</label><input id="a-limit" name="limit" required inputmode="numeric" autocomplete="off" />`}
    <p><button>${w('a_create')}</button></p></form></details>`;
}

function Acts({account, act}) {
  const locked = account.state === 'locked';
  return html`<button class="plain small" aria-label=${`${w(locked ? 'a_unlock' : 'a_lock')}: ${account.name}`} onClick=${() => act(`/accounts/${account.name}/${locked ? 'unlock' : 'lock'}`)}>${w(locked ? 'a_unlock' : 'a_lock')}</button>
    ${!locked && html` <button class="plain small" aria-label=${`${w('a_reset')}: ${account.name}`} onClick=${() => act(`/accounts/${account.name}/invite`)}>${w('a_reset')}</button>`}`;
}

export function Accounts() {
  const [answer, error, again] = useAsk(() => Promise.all([get('/accounts'), get('/sessions')]), 0);
  const [link, setLink] = useState('');
  const [problem, setProblem] = useState(null);
  const act = async (path) => {
    setProblem(null);
    setLink('');
    try {
      const done = await post(path);
      if (done.secret) setLink(linkOf(done));
    } catch (failed) { setProblem(failed); }
    again();
  };
  if (error) return html`<${Trouble} error=${error} again=${again} />`;
  if (!answer) return html`<${Loading} />`;
  const [{accounts}, {items}] = answer;
  return html`<h1>${w('a_accounts')}</h1>${problem && html`<${Trouble} error=${problem} />`}${link && html`<${Secret} link=${link} />`}
    <${Create} onLink=${(made) => { setProblem(null); setLink(made); again(); }} onError=${setProblem} />
    <section class="card"><${Table} caption=${w('a_accounts')} rows=${accounts} columns=${[[w('name'), (a) => a.name], [w('a_state'), (a) => w(`a_${a.state}`)], [w('a_role'), (a) => roleWord(a.roles)],
      [w('a_limit'), (a) => (a.ogrn ? `${w('a_ogrn')} ${a.ogrn}` : a.oktmo ? `${w('a_oktmo')} ${a.oktmo}` : '')], [w('a_set'), (a) => when(a.password_set)], [w('a_acts'), (a) => html`<${Acts} account=${a} act=${act} />`]]} /></section>
    <section class="card"><${Table} caption=${w('a_sessions')} rows=${items} columns=${[[w('name'), (s) => s.name], [w('a_began'), (s) => when(s.began)], [w('a_used'), (s) => when(s.used)],
      [w('a_acts'), (s) => (s.current ? w('a_this') : html`<button class="plain small" aria-label=${`${w('a_end')}: ${s.name}`} onClick=${() => act(`/sessions/${s.id}/end`)}>${w('a_end')}</button>`)]]} /></section>`;
}
