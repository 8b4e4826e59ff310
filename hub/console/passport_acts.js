// The passport's way: a form for each step, for whoever has its role; each says what it saw (If-Match).
import {html, useLayoutEffect, useRef, useState} from '/console/htm.js';
import {post} from '/console/api.js';
import {Trouble} from '/console/parts.js';
import {asking, lookAgain, nothing, refused, written} from '/console/passport_said.js';
import {count, roleWord, w} from '/console/words.js';

// Fields: [name, kind, needed]. What stands in `more` of a form is sent as it is.
const forms = {
  set: {path: 'set', fields: [['cell', 'text', true], ['value', 'text', true], ['unit', 'text'], ['basis', 'area', true], ['file', 'file']]},
  override: {path: 'override', fields: [['value', 'text', true], ['reason', 'area', true], ['file', 'file']]},
  copied: {path: 'copied', fields: [], word: 'copy'},
  submit: {path: 'submit', fields: [['note', 'area']]},
  approve: {path: 'approve', fields: [['order_number', 'text'], ['order_date', 'date']]},
  handback: {path: 'handback', fields: [['reason', 'area', true]]},
  send: {path: 'send', fields: [['letter_number', 'text', true], ['letter_date', 'date', true], ['channel', 'channel']]},
  agree: {path: 'answer', fields: [['letter_number', 'text'], ['letter_date', 'date']], more: {answer: 'agreed'}},
  return: {path: 'answer', fields: [['letter_number', 'text'], ['letter_date', 'date'], ['reason', 'area', true]], more: {answer: 'returned'}},
};

export const wordOf = (step) => w(`p_${forms[step].word || step}`);

// May somebody with these roles take the step now?
export const may = (workflow, roles, step) => workflow.steps.some((s) => s.step === step && s.roles.split(',').some((role) => roles.includes(role)));

async function digestOf(file) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
  return {file_name: file.name, file_sha256: [...digest].map((b) => b.toString(16).padStart(2, '0')).join('')};
}

async function bodyOf(form, more) {
  const body = {...more};
  for (const [name, value] of form) {
    if (value instanceof File) Object.assign(body, value.name ? await digestOf(value) : {});
    else if (value !== '') body[name] = value;
  }
  return body;
}

function Field({name, kind, needed, value, options}) {
  const id = `f-${name}`;
  const common = {id, name, required: Boolean(needed)};
  const label = html`<label for=${id}>${w(`p_f_${name}`)}${needed && html` <span class="soft">(${w('p_required')})</span>`}</label>`;
  // What stands there at first; what was typed stays when the form is drawn anew.
  if (kind === 'area') return html`${label}<textarea ...${common} rows="3" maxlength="500" aria-describedby="f-names" defaultValue=${value}></textarea>`;
  if (kind === 'channel') return html`${label}<select ...${common}>${['letter', 'cabinet', 'portal'].map((c) => html`<option value=${c}>${w(`p_${c}`)}</option>`)}</select>`;
  if (options) return html`${label}<input ...${common} list=${`${id}-list`} defaultValue=${value} /><datalist id=${`${id}-list`}>${options.map(({cell, title}) => html`<option value=${cell}>${title}</option>`)}</datalist>`;
  return html`${label}<input ...${common} type=${kind} defaultValue=${kind === 'file' ? undefined : value} />`;
}

// A refusal that asks for another look: somebody else was first, or no answer came and nobody knows.
const LOOK = {changed: 'p_conflict', unanswered: 'p_unknown'};
export const Refused = ({error, onLook = lookAgain}) => (LOOK[error.code]
  ? html`<div class="card error" role="alert"><p>${w(LOOK[error.code])}</p>${error.code === 'changed' && html`<p class="soft" lang="en">${error.message}</p>`}<button type="button" onClick=${onLook}>${w('p_look')}</button></div>`
  : html`<${Trouble} error=${error} />`);

// given: what stands in the fields at first, and fixed members; options: what may stand in a field; tag: what was seen, for If-Match.
export function ActForm({step, given = {}, fixed = {}, options = {}, tag, title, onDone, onCancel}) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const form = useRef(null);
  const {path, fields, more} = forms[step];
  // Before it is seen: moved between press and release of a button, the eye and the keyboard would take the click away.
  useLayoutEffect(() => { const field = form.current.querySelector('input, textarea, select, button'); if (field) field.focus(); }, []);
  const submit = async (e) => {
    e.preventDefault();
    const given = new FormData(e.target);
    setBusy(true);
    setError(null);
    asking(step);
    try {
      const answer = await post(`/passport/${path}`, await bodyOf(given, {...more, ...fixed}), tag ? {'If-Match': `"${tag}"`} : {});
      written(answer);
      onDone();
    } catch (problem) {
      if (!form.current) return refused(problem);
      nothing();
      setError(problem);
      setBusy(false);
    }
  };
  return html`<form class="card act" ref=${form} onSubmit=${submit} aria-label=${title || wordOf(step)}><h3>${title || wordOf(step)}</h3>
    ${error && html`<${Refused} error=${error} onLook=${() => { onDone(); lookAgain(); }} />`}
    ${fields.filter(([name]) => !(name in fixed)).map(([name, kind, needed]) => html`<${Field} key=${name} name=${name} kind=${kind} needed=${needed} value=${given[name] || ''} options=${options[name]} />`)}
    ${fields.some(([, kind]) => kind === 'area') && html`<p class="soft" id="f-names">${w('p_nonames')}</p>`}
    <p class="buttons"><button disabled=${busy}>${w('p_write')}</button> <button type="button" class="plain" onClick=${onCancel}>${w('p_cancel')}</button></p></form>`;
}

const way = [['draft', ['draft', 'handed-back', 'returned']], ['submitted', ['submitted']], ['approved', ['approved']], ['sent', ['sent']], ['agreed', ['agreed']]];
const ofTheWhole = ['submit', 'approve', 'handback', 'send', 'agree', 'return'];

const whoIsNext = (workflow) => [...new Set(workflow.steps.filter((s) => ofTheWhole.includes(s.step)).flatMap((s) => s.roles.split(',')))].map(roleWord).join(', ') || w('p_nobody');

// Where it stands, whose turn it is, and what this person may do.
export function Way({workflow, tag, roles, acting}) {
  const [step, setStep] = useState(null);
  return html`<section class="card" aria-label=${w('p_way')}><h2>${w('p_way')}: ${w(`p_is_${workflow.state}`)}</h2>
    <ol class="way" aria-label=${w('p_steps')}>${way.map(([name, states]) => html`<li aria-current=${states.includes(workflow.state) ? 'step' : undefined}>${w(`p_${name}`)}</li>`)}</ol>
    <dl><dt>${w('p_turn')}</dt><dd>${whoIsNext(workflow)}</dd>
      ${workflow.version > 0 && html`<dt>${w('p_ver')}</dt><dd>${workflow.version} (${w('p_upto')} ${count(workflow.as_of)})</dd><dt>${w('p_digest')}</dt><dd><code>${workflow.digest}</code></dd>`}</dl>
    ${acting && !step && html`<p class="buttons">${ofTheWhole.filter((s) => may(workflow, roles, s)).map((s) => html`<button onClick=${() => setStep(s)}>${wordOf(s)}</button> `)}</p>`}
    ${step && html`<${ActForm} key=${step} step=${step} tag=${tag} onDone=${() => setStep(null)} onCancel=${() => setStep(null)} />`}</section>`;
}
