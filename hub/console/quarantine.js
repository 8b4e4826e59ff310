// «На исправлении»: what was taken and waits, with the reason and the cure.
import {html} from '/console/htm.js';
import {get} from '/console/api.js';
import {Loading, Table, Trouble, useAsk} from '/console/parts.js';
import {count, w, when} from '/console/words.js';

export function Quarantine() {
  const [answer, error, again] = useAsk(() => get('/quarantine'), 0, 15000);
  if (error) return html`<${Trouble} error=${error} again=${again} />`;
  if (!answer) return html`<${Loading} />`;
  return html`<h1>${w('quarantine')}</h1>${answer.count === 0 ? html`<p role="status">${w('nonewaits')}</p>` : html`<section class="card"><${Table} caption=${w('waits')} rows=${answer.events} columns=${[
    [w('number'), (e) => html`<a href="#/event/${e.number}">${count(e.number)}</a>`, 'number'], [w('since'), (e) => when(e.since)], [w('system'), (e) => e.system],
    [w('field'), (e) => e.field], [w('reason'), (e) => e.reason || e.code], [w('cure'), (e) => e.cure]]} /></section>`}`;
}
