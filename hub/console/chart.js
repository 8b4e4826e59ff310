// A small chart of values by time, as inline SVG. Its text says the newest value and the largest.
import {html} from '/console/htm.js';
import {count, w} from '/console/words.js';

const WIDTH = 200;
const HEIGHT = 48;
const rounded = (value) => count(value >= 10 ? Math.round(value) : Math.round(value * 10) / 10);

// Stretches without a gap: what is not known is not drawn as nothing.
function stretches(points) {
  const found = [[]];
  for (const point of points) {
    if (point.value === null) found.push([]);
    else found[found.length - 1].push(point);
  }
  return found.filter((s) => s.length > 0);
}

export function Chart({title, points, small}) {
  const known = points.filter((p) => p.value !== null);
  const last = known.length ? known[known.length - 1].value : 0;
  const top = Math.max(0, ...known.map((p) => p.value));
  const from = points.length ? points[0].at : 0;
  const span = points.length ? Math.max(1, points[points.length - 1].at - from) : 1;
  const x = (at) => (((at - from) * WIDTH) / span).toFixed(1);
  const y = (value) => (HEIGHT - 2 - (value * (HEIGHT - 6)) / Math.max(1, top)).toFixed(1);
  const text = `${title}: ${w('o_last')} ${rounded(last)}, ${w('o_top')} ${rounded(top)} ${w('o_for')}`;
  const drawing = html`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${text}>
    <line x1="0" x2=${WIDTH} y1=${HEIGHT - 1} y2=${HEIGHT - 1} />
    ${stretches(points).map((s) => html`<polyline points=${s.map((p) => `${x(p.at)},${y(p.value)}`).join(' ')} />`)}</svg>`;
  if (small) return drawing;
  return html`<div class="card"><div class="soft">${title}</div><div class="figure">${rounded(last)}</div>${drawing}<div class="soft">${w('o_top')}: ${rounded(top)}</div></div>`;
}
