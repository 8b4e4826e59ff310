// Days where the region is (decision 9), not where the browser is.
// How far the zone is ahead of UTC at an instant, in ms.
function offsetAt(instant, zone) {
  const parts = Object.fromEntries(new Intl.DateTimeFormat('en-US', {timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric'})
    .formatToParts(instant).map(({type, value}) => [type, Number(value)]));
  return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - Math.floor(instant / 1000) * 1000;
}

// The instant at which a day begins there; the month counts from 1.
export function dayBegins(year, month, day, zone) {
  const midnight = Date.UTC(year, month - 1, day);
  const guess = midnight - offsetAt(midnight, zone);
  return new Date(midnight - offsetAt(guess, zone));
}

// "+07:00", now.
export function offsetText(zone) {
  const minutes = Math.round(offsetAt(Date.now(), zone) / 60_000);
  const text = (n) => String(Math.floor(Math.abs(n))).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${text(minutes / 60)}:${text(minutes % 60)}`;
}
