// Drives the client by lines: one JSON command in, one JSON answer out, in order (tests/conformance/README.md).
'use strict';

const readline = require('node:readline');
const { Client, encode, decode } = require('./client.js');

const clients = new Map();

function closeAll() {
  for (const client of clients.values()) client.close();
  clients.clear();
}

const commands = {
  reset: closeAll,
  open({ client, endpoint, ...keys }) { clients.set(client, new Client(endpoint, keys)); },
  close({ client }) {
    clients.get(client).close();
    clients.delete(client);
  },
  send: ({ client, frame }) => clients.get(client).send(frame),
  parts: ({ client, parts }) => clients.get(client).sendParts(parts.map((hex) => Buffer.from(hex, 'hex'))),
  size: ({ client, bytes }) => clients.get(client).sendParts([Buffer.alloc(bytes)]),
  receive: async ({ client, timeoutMs }) => ({ frame: await clients.get(client).receive(timeoutMs) }),
  produce: ({ client, ...what }) => clients.get(client).produce(what),
  take: ({ client, ...what }) => clients.get(client).take(what),
  encode: ({ frame }) => ({ hex: encode(frame).toString('hex') }),
  decode: ({ hex }) => ({ frame: decode(Buffer.from(hex, 'hex')) }),
};

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      const { do: verb, ...rest } = JSON.parse(line);
      answer = (await commands[verb](rest)) || {};
    } catch (error) {
      answer = { error: String(error.stack || error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  closeAll();
}

main();
