// A client of the bus, written from docs/protocol.md alone: nothing of the hub's own code is in it. One Client is one
// connection; after a break a new one is made. It answers Ping while it receives, keeps to the limits that Welcome
// tells, publishes with resume, and takes deliveries with cumulative acknowledgements.
'use strict';

const path = require('node:path');
const protobuf = require('protobufjs');
const zmq = require('zeromq');

const SCHEMA = path.join(__dirname, '..', '..', '..', 'proto', 'schema');
const PLAIN = { longs: String, enums: String, bytes: String };
const SEND_MS = 30000;

function loadSchema() {
  const root = new protobuf.Root();
  const common = root.resolvePath.bind(root);
  root.resolvePath = (origin, target) =>
    target.startsWith('google/protobuf/') ? common('', target) : path.join(SCHEMA, path.relative(SCHEMA, path.resolve(SCHEMA, target)));
  return root.loadSync(['bus.proto', 'io/cloudevents/v1/cloudevents.proto', 'event/course.proto']);
}

const schema = loadSchema();
const Frame = schema.lookupType('marshrut.bus.v1.Frame');
const CloudEvent = schema.lookupType('io.cloudevents.v1.CloudEvent');
const ProgrammeListed = schema.lookupType('nms.event.v1.ProgrammeListed');

class Refused extends Error {
  constructor(refusal) {
    super(`refused ${refusal.code}: ${refusal.reason}; ${refusal.cure}`);
    this.refusal = refusal;
  }
}

const encode = (frame) => Buffer.from(Frame.encode(Frame.fromObject(frame)).finish());
const decode = (bytes) => Frame.toObject(Frame.decode(bytes), PLAIN);

// An event without a person, as docs/events.md has it. The same id gives the same bytes.
function programme(id) {
  const text = (ceString) => ({ ceString });
  const payload = ProgrammeListed.encode(ProgrammeListed.fromObject({
    programmeId: 'p-1', title: 'Цифровые инструменты учителя', kind: 'PK', hours: 36, providerOgrn: '1022402127461',
    registry: 'own', listedOn: '2026-01-15',
  })).finish();

  return Buffer.from(CloudEvent.encode(CloudEvent.fromObject({
    id, source: 'urn:marshrut:24:portal', specVersion: '1.0', type: 'nms.programme.listed.v1',
    attributes: {
      time: { ceTimestamp: { seconds: Date.UTC(2026, 10, 1, 10) / 1000 } }, regioncode: text('24'),
      basis: text('152-fz-6-1'), actor: text('op-17'), actorrole: text('methodist'),
    },
    protoData: { type_url: 'type.googleapis.com/nms.event.v1.ProgrammeListed', value: payload },
  })).finish());
}

class Client {
  // keys: { serverKey, publicKey, secretKey }, or nothing for the admin endpoint.
  constructor(endpoint, keys) {
    const curve = keys && keys.publicKey
      ? { curveServerKey: keys.serverKey, curvePublicKey: keys.publicKey, curveSecretKey: keys.secretKey } : {};
    this.socket = new zmq.Dealer({ linger: 0, immediate: true, sendTimeout: SEND_MS, ...curve });
    this.socket.connect(endpoint);
    this.progress = 0;
  }

  close() { this.socket.close(); }

  async sendParts(parts) { await this.socket.send(parts); }

  async send(frame) { await this.sendParts([encode(frame)]); }

  // The next frame that is no Ping, nor says that a question is being worked on; null after timeoutMs, also when only Pings came meanwhile.
  async receive(timeoutMs) {
    const until = Date.now() + timeoutMs;

    for (;;) {
      this.socket.receiveTimeout = Math.max(0, until - Date.now());
      let parts;
      try {
        parts = await this.socket.receive();
      } catch (error) {
        if (error.code === 'EAGAIN') return null;
        throw error;
      }
      if (parts.length !== 1) throw new Error(`a message of ${parts.length} parts`);
      const frame = decode(parts[0]);
      const { result } = frame;
      if (result && result.more && !result.json && !result.error) continue; // the hub is at work
      if (!frame.ping) return frame;
      await this.send({ pong: { id: frame.ping.id, progress: String(this.progress) } });
    }
  }

  // The next frame of this kind. A Refusal is thrown, save where the caller waits for one.
  async expect(kind, timeoutMs = SEND_MS) {
    const frame = await this.receive(timeoutMs);

    if (!frame) throw new Error(`no ${kind} came`);
    if (frame.refusal && kind !== 'refusal') throw new Refused(frame.refusal);
    if (!frame[kind]) throw new Error(`${Object.keys(frame)[0]} came instead of ${kind}`);
    return frame[kind];
  }

  async hello(epoch, acknowledged) {
    await this.send({ hello: { version: 1, versionMin: 1, software: 'node-client/1', producerEpoch: String(epoch),
      acknowledged: String(acknowledged) } });
    const welcome = await this.expect('welcome');
    if (welcome.version !== 1) throw new Error(`version ${welcome.version}`);
    this.limits = welcome.limits;
    return welcome;
  }

  // Sequence -> log number of every event that an acknowledgement covers (protocol.md, "Numbers").
  static numbersOf(ack) {
    const numbers = new Map();
    const results = new Map((ack.results || []).map((r) => [BigInt(r.sequence), r]));
    let next = BigInt(ack.firstNumber || 0);

    if (!ack.firstSequence || ack.firstSequence === '0') return numbers; // verdicts again
    for (let s = BigInt(ack.firstSequence); s <= BigInt(ack.through); s++) {
      const result = results.get(s);
      const number = result ? BigInt(result.number || 0) : next;
      if (!result || result.verdict === 'VERDICT_STORED') next = number + 1n;
      numbers.set(s, number);
    }
    return numbers;
  }

  // Publishes events 1 to `count` of an epoch, from where the hub has them, and waits for all verdicts.
  // Returns how many were sent here, how many sessions found stored, and the numbers that were told.
  async produce({ epoch, events, prefix, batch }) {
    const welcome = await this.hello(epoch, 0);
    const resumed = BigInt(welcome.storedSequence || 0);
    const window = BigInt(this.limits.publishWindow);
    const size = BigInt(Math.min(batch, this.limits.batchEventsMax));
    const count = BigInt(events);
    const numbers = [];
    let acknowledged = resumed;
    let sent = resumed;

    while (acknowledged < count) {
      while (sent < count && sent + size <= acknowledged + window) {
        const items = [];
        for (let s = sent + 1n; s <= count && items.length < size; s++) items.push(programme(`${prefix}-${s}`));
        await this.send({ publish: { firstSequence: String(sent + 1n), events: items } });
        sent += BigInt(items.length);
      }
      try {
        const ack = await this.expect('publishAck');
        for (const number of Client.numbersOf(ack).values()) numbers.push(String(number));
        if (BigInt(ack.through) > acknowledged) acknowledged = BigInt(ack.through);
      } catch (error) {
        if (!(error instanceof Refused) || error.refusal.fatal) throw error;
        await new Promise((done) => setTimeout(done, error.refusal.retryAfterMs || 1));
        sent = acknowledged; // from the last acknowledged one on
      }
    }
    return { resumed: String(resumed), numbers };
  }

  // Takes `events` deliveries of a subscription, each once, with the credit given back as they are taken.
  async take({ subscription, events, credit }) {
    const numbers = [];
    const ids = [];
    let repeated = 0;
    let last = 0n;

    await this.hello(0, 0);
    await this.send({ subscribe: { subscription, creditEvents: credit } });
    while (numbers.length < events) {
      const { items } = await this.expect('deliver');
      for (const item of items) {
        if (BigInt(item.number) <= last) {
          repeated++;
          continue;
        }
        last = BigInt(item.number);
        numbers.push(item.number);
        ids.push(CloudEvent.decode(Buffer.from(item.event, 'base64')).id);
        this.progress++;
      }
      await this.send({ ack: { subscription, through: String(last) } });
      await this.send({ credit: { subscription, events: items.length } });
    }
    return { numbers, ids, repeated };
  }
}

module.exports = { Client, Refused, encode, decode, programme };
