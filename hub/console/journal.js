// «Журнал доступа»: who looked at whom and why. The filter is in the address, but for what may be a
// person's; no person is in the journal.
import {html} from '/console/htm.js';
import {ask, go, Go} from '/console/address.js';
import {get} from '/console/api.js';
import '/console/access_words.js';
import {Loading, Table, Trouble, useAsk} from '/console/parts.js';
import {count, roleWord, w, when} from '/console/words.js';

const FILTERS = ['who', 'case', 'reason', 'record', 'from', 'to'];
const TYPES = {record: 'number', from: 'date', to: 'date'};
const LABELS = {who: 'a_who', case: 'a_case', reason: 'a_why', record: 'a_record', from: 'a_from', to: 'a_to'};
const PAGE = 50;
const EXPORT_PAGES_MAX = 200;

const told = (filter) => Object.fromEntries(FILTERS.map((name) => [name, filter.get(name) || '']));

// A cell that begins like a formula is a text all the same.
const cell = (value) => `"${String(value ?? '').replace(/^([=+\-@\t\r])/, "'$1").replaceAll('"', '""')}"`;
const COLUMNS = ['number', 'at', 'who', 'role', 'method', 'by', 'reason', 'case', 'record', 'granted', 'found', 'until'];

async function download(filter) {
  const lines = [COLUMNS.join(',')];
  for (let cursor = '', pages = 0; pages < EXPORT_PAGES_MAX; pages++) {
    const page = await ask('/access', '/access/find', {...filter, cursor, limit: 1000});
    for (const item of page.items) lines.push(COLUMNS.map((name) => cell(item[name])).join(','));
    if (!page.next) break;
    cursor = page.next;
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(['\ufeff', lines.join('\r\n'), '\r\n'], {type: 'text/csv'}));
  link.download = 'access.csv';
  link.click();
  URL.revokeObjectURL(link.href);
}

const Filter = ({filter, reasons}) => {
  const send = (e) => { e.preventDefault(); go('/journal', Object.fromEntries([...new FormData(e.target)].filter(([, value]) => value))); };
  return html`<form class="line" role="search" onSubmit=${send}>${FILTERS.map((name) => html`<div><label for=${`j-${name}`}>${w(LABELS[name])}</label>${name === 'reason'
    ? html`<select id="j-reason" name="reason"><option value=""></option>${reasons.map((r) => html`<option value=${r.code} selected=${r.code === filter.reason}>${r.title}</option>`)}</select>`
    : html`<input id=${`j-${name}`} name=${name} type=${TYPES[name] || 'text'} min=${name === 'record' ? 1 : undefined} defaultValue=${filter[name]} autocomplete="off" />`}</div>`)}<p><button>${w('a_filter')}</button></p></form>`;
};

export function Journal({parameters}) {
  const filter = told(parameters);
  const cursor = parameters.get('cursor') || '';
  const [page, error, again] = useAsk(() => ask('/access', '/access/find', {...filter, cursor, limit: PAGE}), String(parameters));
  const [mine] = useAsk(() => get('/access/mine'), 0);
  const reasons = mine ? mine.reasons : [];
  const why = (code) => (reasons.find((r) => r.code === code) || {title: code}).title;
  return html`<h1>${w('a_journal')}</h1><p class="soft">${w('a_names')}</p><${Filter} filter=${filter} reasons=${reasons} />
    ${error ? html`<${Trouble} error=${error} again=${again} />` : !page ? html`<${Loading} />` : html`<section class="card">${page.items.length ? html`<${Table} caption=${w('a_journal')} rows=${page.items} columns=${[
      [w('number'), (e) => html`<a href="#/event/${e.number}">${count(e.number)}</a>`, 'number'], [w('a_at'), (e) => when(e.at)], [w('a_who'), (e) => e.who], [w('a_role'), (e) => roleWord(e.role)],
      [w('a_what'), (e) => w(`a_${e.method}`)], [w('a_why'), (e) => why(e.reason)], [w('a_case'), (e) => e.case], [w('a_record'), (e) => (e.record ? html`<a href="#/event/${e.record}">${count(e.record)}</a>` : w(`a_by_${e.by}`)), 'number'], [w('a_found'), (e) => (e.until ? '' : count(e.found)), 'number']]} />` : html`<p role="status">${w('a_none')}</p>`}
      ${page.next > 0 && html`<p><${Go} path="/journal" values=${{...filter, cursor: page.next}}>${w('a_older')}</${Go}></p>`}
      ${page.items.length > 0 && html`<p><button class="plain" onClick=${() => download(filter)}>${w('a_export')}</button></p>`}</section>`}`;
}
