// Two passports beside each other: what differs.
import {html, useState} from '/console/htm.js';
import {go} from '/console/address.js';
import {get, query} from '/console/api.js';
import {Loading, Table, Trouble, useAsk} from '/console/parts.js';
import {stateOf, withUnit} from '/console/passport_cell.js';
import {PointInput, parametersOf} from '/console/passport_point.js';
import {titleOf} from '/console/passport_titles.js';
import {count, w} from '/console/words.js';

const kinds = ['now', 'date', 'number', 'version'];
const side = (row, which) => (row[which] ? html`${withUnit(row[which].value, row.unit)}<div class="soft">${stateOf(row[which].state)}</div>` : '—');

// Decimals of at most two digits behind the point: exact as hundredths.
function difference({from, to}) {
  const [a, b] = [from, to].map((s) => (s && /^-?\d+(\.\d{1,2})?$/.test(s.value || '') ? Math.round(Number(s.value) * 100) : NaN));
  if (Number.isNaN(a) || Number.isNaN(b) || a === b) return '';
  return `${b > a ? '+' : '−'}${count(Math.abs(b - a) / 100)}`;
}

const Differences = ({diff}) => (diff.count === 0 ? html`<p role="status">${w('p_same')}</p>`
  : html`<section class="card"><${Table} caption="${w('p_differs')}: ${count(diff.count)}" rows=${diff.cells} columns=${[
    [w('cell'), (c) => html`<a href="#/passport?${query({cell: c.cell})}">${titleOf(c)}</a>`], [w('p_first'), (c) => side(c, 'from'), 'number'], [w('p_second'), (c) => side(c, 'to'), 'number'],
    [w('p_change'), (c) => (c.change === 'changed' ? difference(c) : w(`p_${c.change}`)), 'number']]} /></section>`);

function Answer({from, to, zone}) {
  const asked = query({...parametersOf(from, zone, ['from', 'from_at', 'from_version']), ...parametersOf(to, zone, ['to', 'to_at', 'to_version'])});
  const [diff, error, again] = useAsk(() => get(`/passport/diff?${asked}`), asked);
  if (error) return html`<${Trouble} error=${error} again=${again} />`;
  if (!diff) return html`<${Loading} />`;
  return html`<p class="soft">${w('p_first')}: ${w('p_number')} ${count(diff.from.as_of)}; ${w('p_second')}: ${w('p_number')} ${count(diff.to.as_of)}</p><${Differences} diff=${diff} />`;
}

export function Compare({parameters, zone}) {
  const [from, setFrom] = useState(parameters.get('from') || '');
  const [to, setTo] = useState(parameters.get('to') || '');
  const send = (e) => { e.preventDefault(); go('/passport', {compare: 1, from, to}); };
  const asked = parameters.has('from') || parameters.has('to');
  return html`<h1>${w('passport')}: ${w('p_comparison')}</h1><p><a href="#/passport">${w('p_back')}</a></p>
    <form class="line" onSubmit=${send}><${PointInput} label=${w('p_first')} point=${from} kinds=${kinds} onChange=${setFrom} />
      <${PointInput} label=${w('p_second')} point=${to} kinds=${kinds} onChange=${setTo} /><button>${w('p_compare')}</button></form>
    ${asked && html`<${Answer} from=${parameters.get('from') || ''} to=${parameters.get('to') || ''} zone=${zone} />`}`;
}
