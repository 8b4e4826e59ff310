// «Паспорт»: the form's sections in their order and the way of a version; a cell leads to its rule and its events.
import '/console/passport_words.js';
import {html, useEffect, useLayoutEffect, useRef, useState} from '/console/htm.js';
import {go} from '/console/address.js';
import {get, query} from '/console/api.js';
import {Loading, Table, Trouble, useAsk} from '/console/parts.js';
import {ActForm, Refused, Way, may, wordOf} from '/console/passport_acts.js';
import {Cell, stateOf, withUnit} from '/console/passport_cell.js';
import {Compare} from '/console/passport_diff.js';
import {PointInput, parametersOf} from '/console/passport_point.js';
import {nothing, useSaid} from '/console/passport_said.js';
import {sectionTitle, titleOf} from '/console/passport_titles.js';
import {count, day, roleWord, w, when} from '/console/words.js';

const NAMES = ['as_of', 'at', 'version'];
const link = (values) => `#/passport?${query(values)}`;

// The last passport that was seen: opening a cell does not draw it anew from the whole log. An answer that comes after
// a newer one was asked for is not kept.
const kept = {key: null, passport: null, asked: null};

async function passportOf(key, parameters) {
  kept.asked = key;
  if (kept.key === key) return kept.passport;
  const passport = await get(`/passport?${query(parameters)}`);
  if (kept.asked === key) Object.assign(kept, {passport, key});
  return passport;
}

const formats = ['xlsx', 'csv', 'json'];
const Exports = ({parameters}) => html`<p class="exports">${w('p_export')}: ${formats.map((format) => html`<a href="/api/v1/passport/export?${query({format, ...parameters})}" download="passport.${format}">${format.toUpperCase()}</a> `)}
  <button type="button" class="plain" onClick=${() => print()}>${w('printit')}</button></p>`;

function Row({cell, open, at, children}) {
  const {copied} = cell;
  return html`<tr class=${open ? 'open' : ''}><td><a href=${link({...at, cell: open ? '' : cell.cell})} aria-expanded=${open ? 'true' : 'false'}>${titleOf(cell)}</a></td>
      <td class="number">${withUnit(cell.value, cell.unit)}</td><td>${stateOf(cell.state)}${copied && html`<div class=${copied.value === cell.value ? 'good' : 'warn'}>${copied.value === cell.value ? w('p_copied') : w('p_changedsince')}</div>`}</td>
      <td class="number">${count(cell.events)}</td><td class="number">${cell.not_counted ? count(cell.not_counted) : ''}</td></tr>
    ${open && html`<tr><td colspan="5">${children}</td></tr>`}`;
}

function SectionActs({section, workflow, roles, hasValues, toEnter}) {
  const [step, setStep] = useState(null);
  const steps = [['set', toEnter.length], ['copied', hasValues]].filter(([s, there]) => there && may(workflow, roles, s)).map(([s]) => s);
  const word = (s) => (s === 'copied' ? w('p_copysection') : wordOf(s));
  if (!step) return html`<p class="buttons">${steps.map((s) => html`<button class="plain" onClick=${() => setStep(s)}>${word(s)}</button> `)}</p>`;
  return html`<${ActForm} key=${step} step=${step} title=${word(step)} given=${{cell: `${section}.`}} fixed=${step === 'copied' ? {section} : {}} options=${{cell: toEnter}} tag=${step === 'set' ? 'said-0' : ''}
    onDone=${() => setStep(null)} onCancel=${() => setStep(null)} />`;
}

function Section({section, title, cells, chosen, at, acting, children, ...acts}) {
  const id = `s-${section}`;
  return html`<section class="card section" aria-labelledby=${id}><h2 id=${id}>${section}. ${sectionTitle({section, title})}</h2>
    ${cells.length === 0 ? html`<p class="soft">${w('p_empty')}</p>` : html`<div class="scroll" tabindex="0" role="region" aria-label="${w('p_table')} ${section}"><table aria-labelledby=${id}>
      <thead><tr><th scope="col">${w('cell')}</th><th scope="col" class="number">${w('value')}</th><th scope="col">${w('p_state')}</th><th scope="col" class="number">${w('events')}</th><th scope="col" class="number">${w('notcounted')}</th></tr></thead>
      <tbody>${cells.map((cell) => html`<${Row} key=${cell.cell} cell=${cell} open=${cell.cell === chosen} at=${at}>${cell.cell === chosen && children}<//>`)}</tbody></table></div>`}
    ${acting && html`<${SectionActs} section=${section} hasValues=${cells.some((c) => c.value)} ...${acts} />`}</section>`;
}

// All of the form's sections, also those without a figure yet.
const sectionsOf = (passport) => passport.form_sections.map(({section, title, in_form}) => ({section, title, in_form, cells: (passport.sections.find((s) => s.section === section) || {cells: []}).cells}))
  .filter((s) => s.in_form || s.cells.length > 0);

const why = ({data = {}}) => [data.reason, data.basis, data.note, data.orderNumber, data.orderDate, data.letterNumber, data.letterDate].filter(Boolean).join(', ');
const cellsOf = ({data = {}}) => [...(data.cells || []), ...(data.cell ? [data.cell] : [])].map((c) => `${c.cell}: ${c.value}`).join('; ');
const actOf = (type) => w(`p_act_${{'nms.passport.filled.v1': 'submitted', 'nms.passport.campaign.opened.v1': 'opened'}[type] || type.split('.').at(-2)}`);

function History({turn, zone}) {
  const [open, setOpen] = useState(false);
  return html`<details class="card" onToggle=${(e) => setOpen(e.target.open)}><summary>${w('p_history')}</summary>${open && html`<${Done} turn=${turn} zone=${zone} />`}</details>`;
}

function Done({turn, zone}) {
  const [history, error, again] = useAsk(() => get('/passport/history?limit=1000'), turn);
  if (error) return html`<${Trouble} error=${error} again=${again} />`;
  if (!history) return html`<${Loading} />`;
  if (history.items.length === 0) return html`<p class="soft">${w('p_nothing')}</p>`;
  return html`<${Table} caption=${w('p_history')} rows=${[...history.items].reverse()} columns=${[
    [w('number'), (r) => html`<a href="#/event/${r.number}">${count(r.number)}</a>`, 'number'], [w('time'), (r) => when(r.recorded, zone)], [w('p_who'), (r) => `${r.actor || r.system}${r.actorrole ? ` (${roleWord(r.actorrole)})` : ''}`],
    [w('p_what'), (r) => html`${actOf(r.type)}<div class="soft">${cellsOf(r)}</div>`], [w('p_why'), why]]} />`;
}

const Asked = ({passport}) => html`<p>${w('p_region')} ${passport.region}. ${w('p_period')}: ${day(passport.period_from)} — ${day(passport.period_to)}. ${w('p_recorded')}: ${count(passport.as_of)}${passport.recorded ? `, ${when(passport.recorded, passport.timezone)}` : ''}.
  ${passport.erased > 0 && html` ${w('gone')}: ${count(passport.erased)}.`}</p>`;

// The figures come last: over a large log they take a while, and all else can be used before.
function Shown({passport, fresh, workflow, asked, who, at, cell, turn}) {
  const [draft, setDraft] = useState(at.point || '');
  const acting = !at.point && fresh; // what is being drawn anew is not acted on
  const shared = {workflow, roles: who.roles, acting};
  const toEnter = (section) => passport.form_cells.filter((c) => c.section === section);
  const send = (e) => { e.preventDefault(); go('/passport', draft ? {point: draft} : {}); };
  return html`<h1>${w('passport')}${passport && `: ${passport.form}`}</h1>
    ${passport && /^образец/i.test(passport.form) && html`<p><span class="badge">${w('p_sample')}</span></p>`}
    ${passport ? html`<${Asked} passport=${passport} />` : html`<p class="soft" role="status">${w('p_loading')}</p>`}
    <form class="line" onSubmit=${send}><${PointInput} label=${w('p_point')} point=${at.point || ''} kinds=${['now', 'date', 'number']} onChange=${setDraft} /><button>${w('show')}</button></form>
    <p class="buttons noprint"><a href=${link({compare: 1})}>${w('p_compare')}</a></p><${Exports} parameters=${asked} />
    <${Way} workflow=${workflow} tag=${passport && passport.tag} roles=${who.roles} acting=${acting} />
    <${History} turn=${turn} zone=${workflow.timezone} />
    ${passport && sectionsOf(passport).map((s) => html`<${Section} key=${s.section} ...${s} toEnter=${toEnter(s.section)} chosen=${cell} at=${at} ...${shared}>
      <${Cell} key=${cell} cell=${cell} parameters=${asked} closing=${link(at)} turn=${turn} ...${shared} /><//>`)}`;
}

// What came of what was asked for last: it is on its way, it is written (the eye and the keyboard go there), or it is
// refused and its form is gone.
function Said({said: {asking, done, error}}) {
  const place = useRef(null);
  useLayoutEffect(() => { if (done || error) { scrollTo(0, 0); place.current.focus(); } }, [done, error]);
  return html`<div tabindex="-1" ref=${place}><div role="status">${asking && html`<p>${w('p_asking')}</p>`}${done && html`<p class="good">${w('p_done')} <a href="#/event/${done.number}">${count(done.number)}</a></p>`}</div>
    ${error && html`<${Refused} error=${error} />`}</div>`;
}

export function Passport({parameters, who}) {
  const point = parameters.get('point') || parameters.get('as_of') || '';
  const said = useSaid();
  const {turn} = said;
  const now = useRef(said);
  now.current = said;
  useEffect(() => () => { if (!now.current.asking) nothing(); }, []); // it has been told
  const [workflow, refused, retry] = useAsk(() => get('/passport/workflow'), turn);
  const zone = workflow && workflow.timezone;
  const asked = zone ? parametersOf(point, zone, NAMES) : {};
  const key = zone && !parameters.get('compare') ? JSON.stringify([who.name, asked, turn, workflow.tag]) : '';
  const [passport, error, again] = useAsk(() => (key ? passportOf(key, asked) : null), key);
  const trouble = error || refused;
  const page = () => {
    if (trouble && trouble.status === 404 && !point) return html`<h1>${w('passport')}</h1><p>${w('nopassport')}</p>`;
    if (trouble) return html`<${Trouble} error=${trouble} again=${refused ? retry : again} />`;
    if (zone && parameters.get('compare')) return html`<${Compare} parameters=${parameters} zone=${zone} />`;
    if (!workflow) return html`<${Loading} />`;
    return html`<${Shown} passport=${passport} fresh=${Boolean(passport) && kept.key === key} workflow=${passport ? {...workflow, ...passport.workflow} : workflow} asked=${asked} who=${who} at=${point ? {point} : {}} cell=${parameters.get('cell')} turn=${turn} />`;
  };
  return html`<${Said} said=${said} />${page()}`;
}
