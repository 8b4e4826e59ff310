// The CloudEvents SDK publishes in the three modes of the HTTP binding, and reads what the inbox gives: what the
// hub takes and says is what others call CloudEvents, too.
// node client.mjs ADDRESS PUBLISHER-TOKEN PULLER-TOKEN. Exit: 0, 1, 77 (the SDK is not installed: skipped).
import assert from 'node:assert/strict';

const [, , address, publisher, puller] = process.argv;
const sdk = await import('cloudevents').catch(() => process.exit(77));
const {CloudEvent, HTTP} = sdk;

function programme(id) {
  return new CloudEvent({
    id,
    source: 'urn:marshrut:24:portal',
    type: 'nms.programme.listed.v1',
    time: '2026-09-01T09:00:00.000Z',
    regioncode: '24',
    datacontenttype: 'application/json',
    data: {programmeId: id, title: 'x', kind: 'PK', hours: 72, providerOgrn: '1022400001007', registry: 'own'},
  });
}

async function ask(method, path, token, message = {}) {
  const answer = await fetch(`${address}${path}`, {
    method,
    headers: {...message.headers, authorization: `Bearer ${token}`},
    body: message.body,
  });
  const body = await answer.text();
  assert.equal(answer.status, 200, `${method} ${path}: ${body}`);
  return {headers: Object.fromEntries(answer.headers), body};
}

async function publish(message) {
  const {results} = JSON.parse((await ask('POST', '/api/v1/events', publisher, message)).body);
  return results.map((result) => result.verdict);
}

assert.deepEqual(await publish(HTTP.structured(programme('sdk-structured'))), ['stored']);
assert.deepEqual(await publish(HTTP.binary(programme('sdk-binary'))), ['stored']);
const batch = {
  headers: {'content-type': 'application/cloudevents-batch+json; charset=utf-8'},
  body: JSON.stringify([programme('sdk-batch-1'), programme('sdk-batch-2'), programme('sdk-structured')]),
};
assert.deepEqual(await publish(batch), ['stored', 'stored', 'duplicate']);

// In the order of the log, whatever the answers are cut into; each is acknowledged before the next is asked for.
const taken = [];
while (taken.length < 4) {
  const inbox = await ask('GET', '/api/v1/inbox?subscription=cnppm-programmes&wait=30&limit=3', puller);
  const events = HTTP.toEvent(inbox);
  assert.ok(Array.isArray(events) && events.length > 0);
  for (const event of events) {
    assert.ok(event instanceof CloudEvent && event.validate());
    assert.equal(event.type, 'nms.programme.listed.v1');
    assert.equal(event.hubattempt, 1);
    taken.push(event.data.programmeId);
  }
  const items = events.map((event) => ({number: event.hubnumber, outcome: 'done'}));
  const acknowledged = await ask('POST', '/api/v1/inbox/ack', puller, {
    headers: {'content-type': 'application/json'},
    body: JSON.stringify({subscription: 'cnppm-programmes', items}),
  });
  assert.ok(JSON.parse(acknowledged.body).results.every((result) => result.outcome === 'done'));
}
assert.deepEqual(taken, ['sdk-structured', 'sdk-binary', 'sdk-batch-1', 'sdk-batch-2']);
