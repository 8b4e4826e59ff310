// What several pages are built of.
import {html, useEffect, useState, useCallback} from '/console/htm.js';
import {inRussian} from '/console/problem_words.js';
import {language, w} from '/console/words.js';

// An error as the screens' language has it.
export const saidOf = (error) => (language() === 'ru' ? inRussian(error) : error);

export function Trouble({error, again}) {
  const {message, field, cure, said} = saidOf(error);
  return html`<section class="card error" role="alert"><h2>${w('failed')}</h2>
    <p>${error.status === 403 && error.method === 'GET' ? w('denied') : message}</p>
    ${field && html`<p class="soft">${w('field')}: ${field}</p>`}
    ${cure && html`<p>${w('cure')}: ${cure}</p>`}
    ${said && html`<p class="soft">${w('saidhub')}: <span lang="en">${said}${error.cure && `; ${error.cure}`}</span></p>`}
    ${again && html`<button class="plain" onClick=${again}>${w('retry')}</button>`}</section>`;
}

// Asks when it is shown and when `key` changes; every period_ms again if given. [value, error, ask again]
export function useAsk(ask, key, period_ms) {
  const [state, setState] = useState([null, null]);
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn((n) => n + 1), []);
  useEffect(() => {
    let here = true;
    let timer;
    const run = async () => {
      try {
        const value = await ask();
        if (here) setState([value, null]);
      } catch (error) {
        if (here) setState(([value]) => [value, error]);
      }
      if (here && period_ms) timer = setTimeout(run, period_ms);
    };
    run();
    return () => { here = false; clearTimeout(timer); };
  }, [key, turn]);
  return [state[0], state[1], again];
}

export const Loading = () => html`<p class="soft" role="status">${w('loading')}</p>`;

export const Figure = ({label, value, note, kind}) => html`<div class="card"><div class="soft">${label}</div>
  <div class="figure ${kind || ''}">${value}</div>${note && html`<div class="soft">${note}</div>`}</div>`;

// A line of the last values; its text says the newest one.
export function Spark({values, label}) {
  const top = Math.max(1, ...values);
  const points = values.map((v, i) => `${values.length > 1 ? (i * 100) / (values.length - 1) : 0},${24 - (v * 22) / top}`).join(' ');
  return html`<svg class="spark" viewBox="0 0 100 25" preserveAspectRatio="none" role="img" aria-label=${label}><polyline points=${points} /></svg>`;
}

// Columns: [title, row => cell, "number" or nothing].
export const Table = ({caption, columns, rows}) => html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}><table><caption>${caption}</caption>
  <thead><tr>${columns.map(([title, , kind]) => html`<th scope="col" class=${kind || ''}>${title}</th>`)}</tr></thead>
  <tbody>${rows.map((row) => html`<tr>${columns.map(([, cell, kind]) => html`<td class=${kind || ''}>${cell(row)}</td>`)}</tr>`)}</tbody></table></div>`;
