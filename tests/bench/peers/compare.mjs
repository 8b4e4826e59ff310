// node compare.mjs BIN DIR [--quick] [--events N] [--rounds N] [--only NAME,...]: the load of `marshrut bench` on a hub and on
// other brokers by turns, each on an empty store of its own and on loopback, and a table of medians. Starts and stops them itself.
import { spawn, execFileSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';

const START_MS = 60000, RUN_MS = 300000, STOP_MS = 20000, TURN_MS = 50;
const [bin, above, ...rest] = process.argv.slice(2);
const value = (name, otherwise) => (rest.includes(name) ? rest[rest.indexOf(name) + 1] : otherwise);
const quick = rest.includes('--quick');
const events = Number(value('--events', quick ? 100000 : 600000));
const rounds = Number(value('--rounds', quick ? 3 : 5));
const only = value('--only', 'jetstream,jetstream-pull,redis,rabbitmq,ceiling').split(',');
const windows = value('--windows', '1000,16000').split(',').map(Number);

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

function answers(port) {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => { socket.destroy(); done(true); });
    socket.on('error', () => done(false));
  });
}

// ---- the brokers: how each is started in a folder, or `alone`, the program that is server and load; share: of the events,
// so that a slow one does not take all day, and a fast one longer than an instant; note: what the table says of it besides ----

const nats = {
  share: 1,
  version: () => execFileSync('nats-server', ['--version']).toString().replace(/^nats-server: v/, 'NATS ').trim(),
  command: (dir, port) => ['nats-server', ['-a', '127.0.0.1', '-p', port, '-js', '-sd', dir]],
};

const brokers = {
  jetstream: nats,
  'jetstream-pull': {
    ...nats,
    version: () => `${nats.version()}, pull, each acknowledged`,
    note: '; for information: the required ratios are judged by the row of the push consumer',
  },
  redis: {
    share: 0.5,
    version: () => 'Redis ' + /v=(\S+)/.exec(execFileSync('redis-server', ['--version']).toString())[1],
    command: (dir, port) => ['redis-server', ['--bind', '127.0.0.1', '--port', port, '--appendonly', 'yes', '--appendfsync',
      'always', '--save', '', '--dir', dir]],
  },
  rabbitmq: {
    share: 0.25,
    version: () => 'RabbitMQ ' + execFileSync('dpkg-query', ['-W', '-f=${Version}', 'rabbitmq-server']).toString().split('-')[0],
    command: (dir, port, more) => {
      writeFileSync(join(dir, 'rabbitmq.conf'), `listeners.tcp.1 = 127.0.0.1:${port}\n`);
      return ['/usr/lib/rabbitmq/bin/rabbitmq-server', [], {
        HOME: dir, RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq'), RABBITMQ_CONF_ENV_FILE: '/dev/null',
        RABBITMQ_NODENAME: `mr-bench-${port}@localhost`, RABBITMQ_MNESIA_BASE: join(dir, 'store'),
        RABBITMQ_LOG_BASE: join(dir, 'log'), RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'plugins'),
        RABBITMQ_DIST_PORT: String(more[0]), ERL_EPMD_PORT: String(more[1]), ERL_EPMD_ADDRESS: '127.0.0.1',
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
      }];
    },
    after: (more) => { try { execFileSync('epmd', ['-port', String(more[1]), '-kill'], { stdio: 'ignore' }); } catch { /* gone */ } },
  },
  ceiling: { share: 2, version: () => 'ZeroMQ and LMDB, nothing else', alone: 'mr-bench-ceiling' },
};

// Runs a program to its end; its JSON.
function run(program, args) {
  const text = execFileSync(program, args.map(String), { timeout: RUN_MS, stdio: ['ignore', 'pipe', 'inherit'] }).toString();
  return JSON.parse(text);
}

async function stop(child) {
  const ended = new Promise((done) => child.once('exit', done));
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(timer);
}

function measureAlone(broker, dir, window) {
  try {
    return run(join(bin, broker.alone), [dir, Math.round(events * broker.share), window]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measurePeer(name, window) {
  const broker = brokers[name];
  const dir = mkdtempSync(join(resolve(above), `${name}-`));
  if (broker.alone) return measureAlone(broker, dir, window);
  const [port, ...more] = [await freePort(), await freePort(), await freePort()];
  const [program, args, environment] = broker.command(dir, port, more);
  const log = openSync(`${dir}.log`, 'w');
  const child = spawn(program, args.map(String), { cwd: dir, stdio: ['ignore', log, log], env: { ...process.env, ...environment } });
  try {
    const until = Date.now() + START_MS;
    while (!(await answers(port))) {
      if (child.exitCode !== null || Date.now() > until)
        throw new Error(`${name} does not start: ${readFileSync(`${dir}.log`).toString().slice(-500)}`);
      await pause(TURN_MS);
    }
    return run(join(bin, 'mr-bench-peer'), [name, port, Math.round(events * broker.share), window]);
  } finally {
    await stop(child);
    broker.after?.(more);
    rmSync(dir, { recursive: true, force: true });
    rmSync(`${dir}.log`, { force: true });
  }
}

const measureHub = (window, more = []) =>
  run(join(bin, 'marshrut'), ['--json', 'bench', '--spawn', '--dir', above, '--events', events, '--window', window, ...more]);

// ---- figures ----

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) / 2)];
const round = (n) => Math.round(n).toLocaleString('en');
const of = (runs, figure) => median(runs.map(figure));
const ratio = (ours, theirs, figure) => median(ours.map((run, i) => figure(run) / figure(theirs[i])));
const published = (r) => r.published_per_s;
const delivered = (r) => r.delivered_per_s;
const ms = (us) => (us / 1000).toFixed(1);

// What is asked of the bus, and what this run says of it. Printed at the end.
const required = [];
const demand = (what, is, bound, most = false) => required.push({ what, is, bound, most });
const demands = {
  1000: [['jetstream', published, 1.2], ['jetstream', delivered, 1.8], ['redis', published, 3], ['rabbitmq', published, 5]],
  16000: [['jetstream', published, 1.4], ['jetstream', delivered, 2.5]],
};

function demandAt(window, runs) {
  for (const [name, figure, bound] of demands[window] ?? [])
    if (runs[name]) demand(`window ${window}, ${figure.name} : ${name}'s`, ratio(runs.hub, runs[name], figure), bound);
  if (window === 1000 && runs.jetstream)
    demand(`window ${window}, a person in each event, delivered : jetstream's`, ratio(runs.persons, runs.jetstream, delivered), 0.75);
}

function printDemands() {
  console.log('\n| required | is | |\n|---|---|---|');
  for (const { what, is, bound, most } of required)
    console.log(`| ${what} ${most ? '≤' : '≥'} ${bound.toFixed(2)} | ${is.toFixed(2)} | ${(most ? is <= bound : is >= bound) ? 'reached' : 'not reached'} |`);
}

function row(name, runs, ours, durability) {
  const rates = `${round(of(runs, published))} | ${round(of(runs, delivered))}`;
  const ratios = ours === runs ? '1 | 1' : `${ratio(ours, runs, published).toFixed(2)} | ${ratio(ours, runs, delivered).toFixed(2)}`;
  console.log(`| ${name} | ${rates} | ${ratios} | ${ms(of(runs, (r) => r.ack_us.p50))} / ${ms(of(runs, (r) => r.ack_us.p99))} | ` +
    `${ms(of(runs, (r) => r.e2e_us.p50))} / ${ms(of(runs, (r) => r.e2e_us.p99))} | ${durability} |`);
}

// The index gives way while it is less than half of what it may be behind: in the judged rows all of a run's events.
// By default it is 50,000, and part of the index's work is within the run.
const index = ['--index-lag', 2 * events + 1000];
const hubs = { hub: index, default: [], persons: ['--person', ...index] };

async function compareAt(window) {
  const runs = { hub: [], default: [], persons: [], ...Object.fromEntries(only.map((name) => [name, []])) };
  for (let i = 0; i < rounds; i++) {
    const turn = Object.keys(runs);
    for (const name of [...turn.slice(i % turn.length), ...turn.slice(0, i % turn.length)]) {
      process.stderr.write(`bench: window ${window}, round ${i + 1} of ${rounds}, ${name}\n`);
      runs[name].push(hubs[name] ? measureHub(window, hubs[name]) : await measurePeer(name, window));
    }
  }
  console.log(`\nWindow ${window.toLocaleString('en')}, ${events.toLocaleString('en')} events of 400 bytes, median of ${rounds} rounds by turns:\n`);
  console.log('| | published/s | delivered/s | hub : it, published | hub : it, delivered | ack p50 / p99, ms | to the receiver p50 / p99, ms | an acknowledged event is |');
  console.log('|---|---|---|---|---|---|---|---|');
  row('the hub', runs.hub, runs.hub, 'on disk (fsync), checked, deduplicated, in the Merkle tree; CURVE');
  row('the hub with its default index_lag_max', runs.default, runs.hub, `the same; for information (index ${round(of(runs.default, (r) => r.index_lag_events))} behind at the end)`);
  row('the hub, a sealed person in each', runs.persons, runs.hub, 'the same, and sealed');
  for (const name of only) row(brokers[name].version(), runs[name], runs.hub, runs[name][0].durability + (brokers[name].note ?? ''));
  console.log(`\nThe hub: ${of(runs.hub, (r) => r.cpu_s_per_million).toFixed(1)} s of processor a million events (the bench's client ` +
    `${of(runs.hub, (r) => r.client_cpu_s_per_million).toFixed(1)}), ${Math.round(of(runs.hub, (r) => r.commits))} commits, ` +
    `${round(of(runs.hub, (r) => r.rss_anon_bytes / 1048576))} MiB anonymous; its index was ` +
    `${round(of(runs.hub, (r) => r.index_lag_events))} events behind at the end.`);
  if (runs.jetstream)
    console.log(`With a person in each event, delivered : JetStream's delivered ${ratio(runs.persons, runs.jetstream, delivered).toFixed(2)}.`);
  if (runs.ceiling) {
    const part = (figure) => `${Math.round(ratio(runs.hub, runs.ceiling, figure) * 100)} %`;
    console.log(`Of what ZeroMQ and LMDB carry alone in the same rounds the hub reaches ${part(published)} published and ` +
      `${part(delivered)} delivered; ${of(runs.ceiling, (r) => r.cpu_s_per_million).toFixed(1)} s of processor a million events there.`);
  }
  demandAt(window, runs);
}

function compareAtRate(rate) {
  const runs = [];
  for (let i = 0; i < rounds; i++) {
    process.stderr.write(`bench: ${rate} events/s, round ${i + 1} of ${rounds}\n`);
    runs.push(run(join(bin, 'marshrut'), ['--json', 'bench', '--spawn', '--dir', above, '--events', rate * (quick ? 2 : 5), '--rate', rate]));
  }
  console.log(`\nThe hub at ${rate.toLocaleString('en')} events/s: ack p50 ${ms(of(runs, (r) => r.ack_us.p50))} ms, p99 ` +
    `${ms(of(runs, (r) => r.ack_us.p99))} ms; to the receiver p50 ${ms(of(runs, (r) => r.e2e_us.p50))} ms, p99 ` +
    `${ms(of(runs, (r) => r.e2e_us.p99))} ms; ${(of(runs, (r) => r.events / r.commits)).toFixed(0)} events a commit; a raw LMDB commit of as ` +
    `many: p50 ${ms(of(runs, (r) => r.raw_commit_us))} ms.`);
  demand(`${rate} events/s, ack p50 in ms, twice a raw commit and 0.3`, of(runs, (r) => r.ack_us.p50 / 1000),
    of(runs, (r) => (2 * r.raw_commit_us + 300) / 1000), true);
  demand(`${rate} events/s, to the receiver p99 in ms`, of(runs, (r) => r.e2e_us.p99 / 1000), 10, true);
}

if (!existsSync(above)) mkdirSync(above, { recursive: true });
console.log(`${cpus().length} processors: ${cpus()[0].model}. By turns, everything on this machine.`);
for (const window of windows) await compareAt(window);
compareAtRate(10000);
printDemands();
