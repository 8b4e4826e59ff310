// «Паспорт»: the form's sections in their order; a cell leads to its rule and its events.
import {html, useState} from '/console/htm.js';
import {get, query} from '/console/api.js';
import {Loading, Table, Trouble, useAsk} from '/console/parts.js';
import {count, w} from '/console/words.js';

const link = (values) => `#/passport?${query(values)}`;

function Explained({cell, asOf}) {
  const [answer, error, again] = useAsk(() => get(`/passport/cells/${encodeURIComponent(cell)}?${query({as_of: asOf})}`), `${cell} ${asOf}`);
  if (error) return html`<${Trouble} error=${error} again=${again} />`;
  if (!answer) return html`<section class="card"><${Loading} /></section>`;
  return html`<section class="card" aria-label=${w('from')}><h2>${answer.title || answer.cell}</h2>
    <dl><dt>${w('value')}</dt><dd>${answer.value ?? '—'} ${answer.unit || ''}</dd>
      <dt>${w('rule')}</dt><dd>${answer.rule_text || answer.rule} (${answer.rule}, ${w('version')} ${answer.rule_version})</dd>
      ${answer.reason && html`<dt>${w('reason')}</dt><dd>${answer.reason}</dd>`}
      ${(answer.not_counted || []).map((n) => html`<dt>${w('notcounted')}</dt><dd>${n.title || n.code}: ${count(n.count)}</dd>`)}
      <dt>${w('events')}</dt><dd>${(answer.numbers || []).map((n) => html`<a href="#/event/${n}">${count(n)}</a> `)}${answer.next_after ? '…' : ''}</dd></dl>
    <p><a href=${link({as_of: asOf})}>${w('close')}</a></p></section>`;
}

const Section = ({section, asOf}) => html`<section class="card"><${Table} caption="${section.section}. ${section.title}" rows=${section.cells} columns=${[
  [w('cell'), (c) => html`<a href=${link({cell: c.cell, as_of: asOf})}>${c.title || c.cell}</a>`],
  [w('value'), (c) => `${c.value ?? '—'} ${c.unit || ''}`, 'number'], [w('events'), (c) => count(c.events), 'number'],
  [w('notcounted'), (c) => (c.not_counted ? count(c.not_counted) : ''), 'number']]} /></section>`;

export function Passport({parameters}) {
  const asOf = parameters.get('as_of') || '';
  const cell = parameters.get('cell');
  const [draft, setDraft] = useState(asOf);
  const [passport, error, again] = useAsk(() => get(`/passport?${query({as_of: asOf})}`), asOf);
  const go = (e) => { e.preventDefault(); location.hash = link({as_of: draft}); };
  if (error && error.status === 404) return html`<h1>${w('passport')}</h1><p>${w('nopassport')}</p>`;
  if (error) return html`<${Trouble} error=${error} again=${again} />`;
  if (!passport) return html`<${Loading} />`;
  return html`<h1>${w('passport')}: ${passport.region}, ${passport.form}</h1>
    <form class="line" onSubmit=${go}><input inputmode="numeric" pattern="[0-9]*" aria-label=${w('asof')} placeholder=${w('asof')} value=${draft} onInput=${(e) => setDraft(e.target.value)} />
      <button>${w('show')}</button><button type="button" class="plain" onClick=${() => print()}>${w('printit')}</button></form>
    <section class="card"><dl><dt>${w('workflow')}</dt><dd>${passport.workflow ? passport.workflow.title : '—'}</dd><dt>${w('asof')}</dt><dd>${count(passport.as_of)}</dd>
      ${passport.erased > 0 && html`<dt>${w('gone')}</dt><dd>${count(passport.erased)}</dd>`}</dl></section>
    ${cell && html`<${Explained} cell=${cell} asOf=${asOf} />`}
    ${passport.sections.map((s) => html`<${Section} section=${s} asOf=${asOf} />`)}`;
}
