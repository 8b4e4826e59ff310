// A point that a passport is asked for: "" (now), "4711" (a log number), "2026-09-01" (the end of that day in the
// region's zone), "v2" (a submitted version).
import {html, useState} from '/console/htm.js';
import {w} from '/console/words.js';
import {dayBegins} from '/console/zone.js';

const kindOf = (point) => (!point ? 'now' : /^v\d+$/.test(point) ? 'version' : /^\d{4}-\d\d-\d\d$/.test(point) ? 'date' : 'number');

// The instant at which the day after `date` begins there.
function endOfDay(date, zone) {
  const [year, month, day] = date.split('-').map(Number);
  return dayBegins(year, month, day + 1, zone).toISOString();
}

// The parameters of the API for it; names: of a number, a moment, a version.
export function parametersOf(point, zone, [number, moment, version]) {
  const kind = kindOf(point);
  if (kind === 'number') return {[number]: point};
  if (kind === 'date') return {[moment]: endOfDay(point, zone)};
  return kind === 'version' ? {[version]: point.slice(1)} : {};
}

const inputs = {
  number: {inputmode: 'numeric', pattern: '[1-9][0-9]*'},
  date: {type: 'date'},
  version: {inputmode: 'numeric', pattern: '[1-9][0-9]*'},
};

// A choice of kinds and its value; tells the point as a text.
export function PointInput({label, point, kinds, onChange}) {
  const [kind, setKind] = useState(kindOf(point));
  const [value, setValue] = useState(point.replace(/^v/, ''));
  const tell = (newKind, newValue) => {
    setKind(newKind);
    setValue(newValue);
    onChange(newKind === 'now' ? '' : (newKind === 'version' && newValue ? 'v' : '') + newValue);
  };
  return html`<fieldset class="point"><legend>${label}</legend>
    <select aria-label=${label} value=${kind} onChange=${(e) => tell(e.target.value, '')}>${kinds.map((k) => html`<option value=${k}>${w(`p_${k}`)}</option>`)}</select>
    ${kind !== 'now' && html`<input key=${kind} ...${inputs[kind]} required aria-label="${label}: ${w(`p_${kind}`)}" value=${value} onInput=${(e) => tell(kind, e.target.value)} />`}</fieldset>`;
}
