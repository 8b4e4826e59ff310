// One cell: its value, rule and version, the events that it is made of, what is missing; and what may be said of it.
import {html, useLayoutEffect, useRef, useState} from '/console/htm.js';
import {get, query} from '/console/api.js';
import {Loading, Trouble, useAsk} from '/console/parts.js';
import {ActForm, may, wordOf} from '/console/passport_acts.js';
import {missOf, titleOf, unitOf} from '/console/passport_titles.js';
import {count, w} from '/console/words.js';

// A value as the language writes it; texts stay.
export const shown = (value) => (value === null || value === undefined || value === '' ? '—' : /^-?\d+(\.\d+)?$/.test(value) && value.length < 16 ? count(Number(value)) : value);
export const withUnit = (value, unit) => `${shown(value)}${unitOf(unit) ? ` ${unitOf(unit)}` : ''}`;
export const stateOf = (state) => w(`p_${state}`);

function Events({cell, answer, parameters}) {
  const [more, setMore] = useState([]);
  const [next, setNext] = useState(answer.next_after || 0);
  const [error, setError] = useState(null);
  const ask = async () => {
    try {
      const page = await get(`/passport/cells/${encodeURIComponent(cell)}?${query({...parameters, cursor: next})}`);
      setMore([...more, ...page.numbers]);
      setNext(page.next_after || 0);
    } catch (problem) { setError(problem); }
  };
  const numbers = [...answer.numbers, ...more];
  return html`<h3>${w('p_behind')}: ${count(answer.events)}</h3>
    ${numbers.length === 0 ? html`<p class="soft">${w('p_noevents')}</p>` : html`<ul class="numbers">${numbers.map((n) => html`<li><a href="#/event/${n}">${count(n)}</a></li>`)}</ul>`}
    ${error && html`<${Trouble} error=${error} />`}
    ${next > 0 && html`<button class="plain" onClick=${ask}>${w('p_more')}</button>`}`;
}

const Missing = ({answer}) => html`<h3>${w('p_missing')}</h3>
  ${answer.not_counted.length === 0 ? html`<p class="soft">${w('p_nomissing')}</p>` : html`<ul>${answer.not_counted.map((n) => html`<li>${missOf(n)}: ${count(n.count)}</li>`)}</ul>`}`;

function Copied({answer}) {
  const {copied} = answer;
  if (!copied) return null;
  return html`<dt>${w('p_copied')}</dt><dd>${copied.on}, ${copied.by} (<a href="#/event/${copied.number}">${count(copied.number)}</a>)
    ${copied.value !== answer.value && html` <span class="warn">${w('p_changedsince')}: ${w('p_copiedthen')} ${withUnit(copied.value, answer.unit)}</span>`}</dd>`;
}

// What this person may do with it now: the forms' steps.
function actsOf(answer, workflow, roles) {
  const entered = answer.state === 'entered';
  return [[entered ? 'set' : 'override', true], ['copied', answer.value]].filter(([step, there]) => there && may(workflow, roles, step)).map(([step]) => step);
}

function Acts({answer, workflow, roles}) {
  const [step, setStep] = useState(null);
  const steps = actsOf(answer, workflow, roles);
  if (!step) return html`<p class="buttons">${steps.map((s) => html`<button onClick=${() => setStep(s)}>${wordOf(s)}</button> `)}</p>`;
  const given = step === 'set' ? {value: answer.value || '', unit: answer.unit} : {};
  return html`<${ActForm} key=${step} step=${step} fixed=${{cell: answer.cell}} given=${given} tag=${step === 'copied' ? '' : answer.tag}
    onDone=${() => setStep(null)} onCancel=${() => setStep(null)} />`;
}

export function Cell({cell, parameters, workflow, roles, acting, closing, turn}) {
  const [answer, error, again] = useAsk(() => get(`/passport/cells/${encodeURIComponent(cell)}?${query(parameters)}`), `${cell} ${turn}`);
  const place = useRef(null);
  useLayoutEffect(() => {
    if (!answer || !place.current) return;
    place.current.scrollIntoView({block: 'center'});
    place.current.focus();
  }, [answer && answer.cell]);
  if (error) return html`<${Trouble} error=${error} again=${again} />`;
  if (!answer) return html`<${Loading} />`;
  return html`<section class="explained" ref=${place} tabindex="-1" aria-label=${titleOf(answer)}><h3>${titleOf(answer)}</h3>
    <dl><dt>${w('value')}</dt><dd><strong>${withUnit(answer.value, answer.unit)}</strong>, ${stateOf(answer.state)}</dd>
      ${answer.denominator !== undefined && html`<dt>${w('p_share')}</dt><dd>${count(answer.numerator)} / ${count(answer.denominator)}</dd>`}
      ${answer.state === 'overridden' && html`<dt>${w('p_computed')}</dt><dd>${withUnit(answer.computed, answer.unit)}</dd>`}
      ${answer.by && html`<dt>${w('p_by')}</dt><dd>${answer.by}</dd>`}
      ${answer.reason && html`<dt>${w('reason')}</dt><dd>${answer.reason}</dd>`}
      <dt>${w('rule')}</dt><dd><span lang="ru">${answer.rule_text}</span> (<code>${answer.rule}</code>, ${w('version')} ${answer.rule_version})</dd>
      <dt>${w('code')}</dt><dd><code>${answer.cell}</code></dd>
      <${Copied} answer=${answer} /></dl>
    <${Missing} answer=${answer} /><${Events} cell=${cell} answer=${answer} parameters=${parameters} />
    ${acting && html`<${Acts} answer=${answer} workflow=${workflow} roles=${roles} />`}
    <p><a href=${closing}>${w('close')}</a></p></section>`;
}
