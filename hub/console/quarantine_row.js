// One event that waits: why, its fields (masked until somebody who may has said for which case), a correction that is
// proposed by one and approved by another, and its ending.
import {html, useState} from '/console/htm.js';
import {get, post} from '/console/api.js';
import {pathsOf, snake} from '/console/field_words.js';
import {Loading, Table, Trouble, useAsk} from '/console/parts.js';
import {Answers, mayAct, mayLook, settle} from '/console/quarantine.js';
import {fieldOf, reasonOf, say} from '/console/quarantine_words.js';
import '/console/access_words.js';
import {count, w, when} from '/console/words.js';

// {"person.snils": "...", "areas[0].area": "..."}: one value a path.
export function leaves(value, path = '', found = {}) {
  if (Array.isArray(value)) value.forEach((one, i) => leaves(one, `${path}[${i}]`, found));
  else if (value && typeof value === 'object') for (const [name, one] of Object.entries(value)) leaves(one, path ? `${path}.${snake(name)}` : snake(name), found);
  else found[path] = String(value);
  return found;
}

const isPersonal = (path) => /(^|\.)person(\.|\[)/.test(path);
const named = (path) => html`<span title=${path}>${fieldOf(path)}</span>`;
const masked = (path, value, open) => (value !== undefined && isPersonal(path) && !open ? say('masked') : value ?? '');

// Numbers, lists and the like go as text: the hub knows the kind of each field.
async function rowOf(number) {
  const answer = await get(`/quarantine?state=all&cursor=${number - 1}&limit=1`);
  return answer.events.find((e) => e.number === number) || false; // null: not known yet
}

// A form whose buttons say what is sent; errors stand in it.
function Form({label, act, children, className = 'card'}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const send = async (e) => {
    e.preventDefault();
    const value = e.submitter ? e.submitter.value : '';
    const form = e.target;
    setBusy(true);
    setError(null);
    try { await act(new FormData(form), value, form); } catch (problem) { setError(problem); }
    setBusy(false);
  };
  return html`<form class=${className} aria-label=${label} aria-busy=${busy} onSubmit=${send}><h2>${label}</h2>${children}${error && html`<${Trouble} error=${error} />`}</form>`;
}

const Basis = ({id}) => html`<label for=${id}>${say('basis')}</label><input id=${id} name="reason" required pattern="[A-Za-z0-9\\-\\/._]{1,64}" autocomplete="off" />`;

// A reason and a case; in a case that is open already nothing is asked.
function Look({number, onShown}) {
  const [mine, error] = useAsk(() => get('/access/mine'), number);
  const [asked, setAsked] = useState(false);
  if (error) return html`<${Trouble} error=${error} />`;
  if (!mine) return html`<${Loading} />`;
  const open = mine.grants.filter((one) => one.desk).at(-1);
  const look = (said) => post(`/quarantine/${number}/show`, said).then(onShown);
  if (open && !asked) return html`<${Form} label=${say('show')} act=${() => look({case: open.case})}><p>${w('a_open')} ${when(open.until)}; ${w('a_case')} ${open.case}</p>
    <p><button>${say('show')}</button> <button type="button" class="plain" onClick=${() => setAsked(true)}>${say('othercase')}</button></p></${Form}>`;
  return html`<${Form} label=${say('show')} act=${(form) => look({reason: form.get('reason'), case: form.get('case')})}><p>${say('showwhy')}</p>
    <label for="look-reason">${w('a_why')}</label><select id="look-reason" name="reason" required><option value="">${w('a_choose')}</option>${mine.reasons.map((reason) => html`<option value=${reason.code}>${reason.title}</option>`)}</select>
    <label for="case">${say('caseno')}</label><input id="case" name="case" required pattern="[A-Za-z0-9\\-\\/._]{1,64}" autocomplete="off" />
    <p><button>${say('show')}</button></p></${Form}>`;
}

function Proposal({proposal, number, who, seen, onDone, onChanged}) {
  const mine = proposal.by === who.name;
  // What the page has shown, and no other: somebody may have put another one into its place.
  const approve = async () => {
    try { onDone(await post(`/quarantine/${number}/approve`, {proposal: proposal.event})); } catch (problem) {
      if (problem.status !== 412) throw problem;
      onChanged(problem);
    }
  };
  const reject = async (form) => onDone(await settle('reject', {number}, form.get('reason')));
  return html`<section class="card"><h2>${say('proposal')}</h2><dl><dt>${say('by')}</dt><dd>${proposal.by}, ${when(proposal.since)}</dd><dt>${say('reason')}</dt><dd>${proposal.reason}</dd>
    <dt>${say('changed')}</dt><dd>${proposal.fields.map(fieldOf).join(', ') || say('whole')}</dd><dt>${say('expires')}</dt><dd>${when(proposal.expires)}</dd></dl>
    ${mine && html`<p role="note">${say('own')}</p>`}${!mine && !seen && html`<p role="note">${say('lookfirst')}</p>`}</section>
    ${mayAct(who) && html`${!mine && html`<${Form} label=${say('approve')} act=${approve}><p><button disabled=${!seen}>${say('approve')}</button></p></${Form}>`}
      <${Form} label=${say('reject')} act=${reject}><${Basis} id="reject-reason" /><p><button class="plain">${say('reject')}</button></p></${Form}>`}`;
}

// What was typed as another field: a word of the list, or a path as the rules write it; '' for nothing, null for neither.
const pathOf = (typed, others) => others.find((path) => fieldOf(path) === typed) ?? (/^([a-z0-9_]+(\[[0-9]+\])?(\.|$))*$/.test(typed) ? typed : null);

function Correct({row, shown, open, onProposed}) {
  const now = shown ? leaves(shown.event.data) : {};
  const paths = [...new Set([...(row.field ? [row.field] : []), ...Object.keys(now)])];
  const [type] = useAsk(() => get(`/types/${encodeURIComponent(row.type)}`), row.type);
  const others = pathsOf(type?.schema).filter((path) => !paths.includes(path));
  const [none, setNone] = useState('');
  const act = async (form) => {
    const set = {};
    for (const path of paths) if (form.get(`set ${path}`)) set[path] = form.get(`set ${path}`);
    const other = pathOf(form.get('other'), others);
    if (other) set[other] = form.get('othervalue');
    const wrong = other === null ? 'nofield' : Object.keys(set).length === 0 ? 'nochange' : '';
    setNone(wrong);
    if (wrong) return;
    await post(`/quarantine/${row.number}/fix`, {set, reason: form.get('reason')});
    onProposed();
  };
  return html`<${Form} label=${say('correct')} act=${act}><p>${say('correctwhy')}</p>
    <${Table} caption=${say('newvalues')} rows=${paths} columns=${[[say('field'), named], [say('nowvalue'), (path) => masked(path, now[path], open)],
      [say('newvalue'), (path) => html`<input name="set ${path}" aria-label="${say('newvalue')}: ${fieldOf(path)}" placeholder=${say('newvalue')} autocomplete="off" spellcheck="false" />`]]} />
    <label for="other">${say('other')}</label><input id="other" name="other" list="others" autocomplete="off" /><datalist id="others">${others.map((path) => html`<option value=${fieldOf(path)} />`)}</datalist>
    <label for="othervalue">${say('othervalue')}</label><input id="othervalue" name="othervalue" autocomplete="off" />
    <${Basis} id="fix-reason" /><p><button>${say('propose')}</button></p>${none && html`<p role="alert" class="bad">${say(none)}</p>`}</${Form}>`;
}

function Fields({shown, open, onOpen}) {
  const now = leaves(shown.event.data);
  const then = shown.proposal && shown.proposal.proposed ? leaves(shown.proposal.proposed.data) : null;
  const paths = [...new Set([...Object.keys(now), ...Object.keys(then || {})])];
  return html`<section class="card"><label><input type="checkbox" class="check-box" checked=${open} onChange=${(e) => onOpen(e.target.checked)} /> ${say('unmask')}</label>
    <${Table} caption=${say('fields')} rows=${paths} columns=${[[say('field'), named], [say('nowvalue'), (path) => masked(path, now[path], open)],
      ...(then ? [[say('proposedvalue'), (path) => (then[path] !== now[path] ? html`<strong>${masked(path, then[path], open)}</strong>` : masked(path, then[path], open))]] : [])]} /></section>`;
}

function End({number, onDone}) {
  const act = async (form, value) => {
    if (value === 'discard' && !confirm(say('sure'))) return;
    onDone(await settle(value, {number}, form.get('reason')));
  };
  return html`<${Form} label=${say('end')} act=${act}><${Basis} id="end-reason" /><p><button class="plain" value="release">${say('release')}</button> <button class="plain" value="discard">${say('discard')}</button></p></${Form}>`;
}

export function Row({number, who}) {
  const [row, error, again] = useAsk(() => rowOf(number), number);
  const [shown, setShown] = useState(null);
  const [open, setOpen] = useState(false);
  const [said, setSaid] = useState(null);
  if (error) return html`<${Trouble} error=${error} again=${again} />`;
  if (row === null) return html`<${Loading} />`;
  if (!row) return html`<p role="status">${say('nowait')}</p>`;
  const [why, cure] = reasonOf(row);
  const settled = (answers) => { setSaid(html`<${Answers} answers=${answers} failed=${answers.failed > 0} />`); setShown(null); again(); };
  const proposed = () => { setSaid(html`<p role="status" class="good">${say('proposed')}</p>`); setShown(null); again(); };
  const changed = (problem) => { setSaid(html`<${Trouble} error=${problem} />`); setShown(null); again(); };
  const waits = row.state === 'waiting';
  const proposal = shown ? shown.proposal : row.proposal;
  return html`<p><a href="#/quarantine">${say('back')}</a></p><h1>${say('event')} № ${count(number)}</h1>${said}
    <section class="card"><dl><dt>${say('state')}</dt><dd>${say(`one_${row.state}`)}</dd><dt>${say('reason')}</dt><dd>${why}</dd><dt>${say('cure')}</dt><dd>${cure}</dd><dt>${say('field')}</dt><dd>${row.field ? named(row.field) : '—'}</dd>
      <dt>${say('type')}</dt><dd>${row.type}</dd><dt>${say('system')}</dt><dd>${row.system}</dd><dt>${say('since')}</dt><dd>${when(row.since)}</dd>
      ${row.behind && html`<dt>${say('behind')}</dt><dd><a href="#/quarantine?number=${row.behind}">${count(row.behind)}</a></dd>`}
      ${row.replaced_by && html`<dt>${say('newnumber')}</dt><dd><a href="#/event/${row.replaced_by}">${count(row.replaced_by)}</a></dd>`}</dl>
      <p><a href="#/event/${number}">${say('way')}</a></p></section>
    ${waits && shown && html`<${Fields} shown=${shown} open=${open} onOpen=${setOpen} />`}
    ${waits && !shown && mayLook(who) && html`<${Look} number=${number} onShown=${setShown} />`}
    ${waits && proposal && html`<${Proposal} proposal=${proposal} number=${number} who=${who} seen=${!!shown} onDone=${settled} onChanged=${changed} />`}
    ${waits && !proposal && mayAct(who) && html`<${Correct} row=${row} shown=${shown} open=${open} onProposed=${proposed} />`}
    ${waits && mayAct(who) && html`<${End} number=${number} onDone=${settled} />`}`;
}
