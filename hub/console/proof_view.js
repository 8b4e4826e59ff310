// What came of the proof, check by check, in words that say what was checked and what was not.
import {html, useState} from '/console/htm.js';
import {say} from '/console/audit_words.js';
import * as memory from '/console/memory.js';
import {Trouble, useAsk} from '/console/parts.js';
import {examine, readKey} from '/console/proof.js';
import {count, when} from '/console/words.js';

const STATES = {proved: ['proved_all', 'good'], partly: ['proved_part', 'warn'], failed: ['proved_no', 'bad'], notyet: ['notyet', 'soft']};
const MARKS = [[true, '✓', 'good', 'holds'], [false, '✗', 'bad', 'fails'], [null, '–', 'warn', 'notchecked']];

function wordOf(check) {
  const open = `c_${check.what}_null`;
  return check.holds === null && say(open) !== open ? say(open) : say(`c_${check.what}`);
}

// What a check was made of: sizes, hashes, keys, for whoever compares them elsewhere.
function Of({check}) {
  const lines = [['treesize', check.what.startsWith('inclusion') && count(check.size)], ['root', check.root], ['leafhash', check.leaf], ['key', check.vkey],
    ['keynow', check.holds === false && check.told], ['since', check.since && when(check.since)], ['sameas', check.what === 'consistency' && check.size && `${count(check.size)}, ${when(check.at)}`], ['reason', check.why]];
  const shown = lines.filter(([, value]) => value);
  return shown.length ? html`<dl>${shown.map(([word, value]) => html`<dt>${say(word)}</dt><dd>${value}</dd>`)}</dl>` : null;
}

function Check({check}) {
  const [, mark, kind, word] = MARKS.find(([holds]) => holds === check.holds);
  return html`<li class="check"><span class=${kind}><span aria-hidden="true">${mark}</span> ${say(word)}:</span> ${wordOf(check)}<${Of} check=${check} /></li>`;
}

// The key from elsewhere: what is checked is then not the hub's word alone.
function Pin({again}) {
  const [bad, setBad] = useState(false);
  const pin = async (e) => {
    e.preventDefault();
    const vkey = new FormData(e.target).get('vkey').trim();
    try { await readKey(vkey); } catch { setBad(true); return; }
    setBad(false);
    if (memory.key()?.vkey !== vkey) memory.forgetSeen();
    memory.keepKey(vkey, true);
    again();
  };
  return html`<details><summary>${say('enterkey')}</summary><form class="line" onSubmit=${pin}><input name="vkey" required autocomplete="off" spellcheck=${false} aria-label=${say('enterkey')} />
    <button class="plain">${say('pin')}</button></form>${bad && html`<p class="bad" role="alert">${say('badkey')}</p>`}</details>`;
}

export function Proof({event}) {
  const [result, error, again] = useAsk(() => examine(event.number, event, memory), event.number);
  if (error) return html`<${Trouble} error=${error} again=${again} />`;
  if (!result) return html`<p role="status">${say('checking')}</p>`;
  const [word, kind] = STATES[result.state];
  return html`<p class="verdict ${kind}" role=${result.state === 'failed' ? 'alert' : 'status'} data-state=${result.state}>${say(word)}</p>
    ${result.state === 'failed' && html`<p>${say('whatto')}</p>`}
    <ul class="checks">${result.checks.map((check) => html`<${Check} key=${check.what} check=${check} />`)}</ul>
    <p class="soft">${say('notchecked_list')}</p><${Pin} again=${again} />
    <button class="plain" onClick=${again}>${say('retry')}</button>`;
}
