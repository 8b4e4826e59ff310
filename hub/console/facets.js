// How what a search finds is divided. The hub counts a part at a time; the parts are added up here and shown as
// they come, so there is something to see before all of it is counted.
import {html, useEffect, useState} from '/console/htm.js';
import {ask, Go} from '/console/address.js';
import {say} from '/console/audit_words.js';
import {stateWord, withCondition} from '/console/line.js';
import {Trouble} from '/console/parts.js';
import {count, day, language, regionZone} from '/console/words.js';
import {offsetText} from '/console/zone.js';

const PARTS_MAX = 40; // of up to 200,000 records each: beyond it the counts are "more than"
const SHOWN = 8;
const FACETS = ['types', 'systems', 'states', 'days'];

export function add(sum, part) {
  const all = {counted: sum.counted + part.counted, next: part.next};
  for (const facet of FACETS) {
    all[facet] = new Map(sum[facet]);
    for (const {name, count: n} of part[facet]) all[facet].set(name, (all[facet].get(name) || 0) + n);
  }
  return all;
}
const nothing = () => ({counted: 0, next: 0, ...Object.fromEntries(FACETS.map((facet) => [facet, new Map()]))});

// The last one that was counted to its end: turning a page does not count again.
let kept = {key: null, sum: null};

// [sum, error, ended]: as far as it has come. turned: a page of the same search.
export function useFacets(parameters, key, turned) {
  const [state, setState] = useState(turned && kept.key === key ? [kept.sum, null, true] : [nothing(), null, false]);
  useEffect(() => {
    let here = true;
    const run = async () => {
      let sum = nothing();
      if (turned && kept.key === key) return;
      try {
        for (let i = 0, cursor = ''; here && i < PARTS_MAX; i++, cursor = sum.next) {
          sum = add(sum, await ask('/events/facets', '/events/facets', {...parameters, zone: offsetText(regionZone()), cursor}));
          if (here) setState([sum, null, sum.next === 0]);
          if (sum.next === 0) { kept = {key, sum}; return; }
        }
        if (here) setState([sum, null, true]);
      } catch (error) { if (here) setState([sum, error, true]); }
    };
    run();
    return () => { here = false; };
  }, [key]);
  return state;
}

// The line with what was clicked in it.
function lineWith(line, facet, name) {
  const russian = language() === 'ru';
  if (facet === 'types') return withCondition(line, 'type', name, russian);
  if (facet === 'systems') return withCondition(line, 'system', name, russian);
  if (facet === 'states') return withCondition(line, 'state', stateWord(name, russian), russian);
  return withCondition(withCondition(line, 'from', name, russian), 'to', name, russian);
}

const shown = (facet, name) => (facet === 'states' ? say(`st_${name}`) : facet === 'days' ? day(name) : name);

function Facet({facet, counts, line, total}) {
  const [whole, setWhole] = useState(false);
  const sorted = [...counts].sort(([a, x], [b, y]) => (facet === 'days' ? b.localeCompare(a) : y - x || a.localeCompare(b)));
  const rows = whole ? sorted : sorted.slice(0, SHOWN);
  if (!rows.length) return null;
  return html`<section class="facet"><h2>${say(`by_${facet}`)}</h2><ul>${rows.map(([name, n]) => html`<li key=${name}>
      <${Go} path="/audit" values=${{q: lineWith(line, facet, name)}}>${shown(facet, name)}</${Go}> <span class="soft">${count(n)}</span>
      <span class="bar" aria-hidden="true"><svg viewBox="0 0 100 1" preserveAspectRatio="none"><rect width=${Math.max(1, (100 * n) / Math.max(1, total))} height="1" /></svg></span></li>`)}</ul>
    ${sorted.length > SHOWN && html`<button class="plain small" onClick=${() => setWhole(!whole)}>${whole ? say('less') : `${say('all_of')}: ${count(sorted.length)}`}</button>`}</section>`;
}

export function Facets({parameters, line, turned}) {
  const [sum, error, ended] = useFacets(parameters, line, turned);
  const cut = sum.next !== 0;
  return html`<aside class="card facets" aria-label=${say('facets')} aria-busy=${ended ? 'false' : 'true'}>
    <p role="status"><strong>${say('count_is')}: ${cut ? `${say('morethan')} ` : ''}${count(sum.counted)}</strong> ${ended ? '' : say('counting')}</p>
    ${error && html`<${Trouble} error=${error} />`}
    ${FACETS.map((facet) => html`<${Facet} key=${facet} facet=${facet} counts=${sum[facet]} line=${line} total=${sum.counted} />`)}</aside>`;
}
