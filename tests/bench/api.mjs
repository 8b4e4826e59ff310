// The HTTP API over a large log while events come in: a hub of its own with --events events (a fifth of them about persons), 10,000 events/s
// published by `marshrut bench --rate`, and 200 requests/s of a mix, each sent when it is due whatever the others do. Latency counts from when
// it was due. Prints a table, with --json a document. Exit code 1: a figure is not reached. docs/bench-api.md tells how to read it.
//   node api.mjs BIN-FOLDER WORK-FOLDER [--events N] [--seconds N] [--rate N] [--requests N] [--quick] [--json] [--only ROUTE,...]
// The log is built once in WORK-FOLDER and kept there; a run works on a copy.
import {execFileSync, spawn} from 'node:child_process';
import {existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {Agent, request} from 'node:http';
import {createServer} from 'node:net';
import {join, resolve} from 'node:path';

const [binFolder, workFolder, ...options] = process.argv.slice(2);
const given = (name, fallback) => (options.includes(name) ? Number(options[options.indexOf(name) + 1]) : fallback);
const quick = options.includes('--quick');
const bin = resolve(binFolder), work = resolve(workFolder);
const EVENTS = given('--events', quick ? 50_000 : 1_000_000);
const SECONDS = given('--seconds', quick ? 10 : 60);
const RATE = given('--rate', 10_000);
const REQUESTS = given('--requests', 200);
const P99_MS = 20, LOSS = 0.05;
const WAIT_MS = 1_200_000;
const PASSWORD = 'four words are enough';
const only = options.includes('--only') ? options[options.indexOf('--only') + 1].split(',') : null;

const say = (text) => process.stderr.write(`${text}\n`);
const later = (ms) => new Promise((done) => setTimeout(done, ms));
const freePort = () => new Promise((done) => {
  const server = createServer().listen(0, '127.0.0.1', () => { const {port} = server.address(); server.close(() => done(port)); });
});

// ---- a hub ----

class Hub {
  constructor(dir) { this.dir = dir; }

  run(...args) { return execFileSync(join(bin, 'marshrut'), args, {cwd: this.dir, encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'pipe']}); }
  tool(...args) { return this.run('-c', 'm.yaml', ...args); }
  json(...args) { return JSON.parse(this.tool('--json', ...args)); }

  async configure() {
    if (!existsSync(join(this.dir, 'hub.key'))) {
      this.run('keys', 'new', 'hub.key');
      this.write('', '');
      const [, systems, subscriptions] = this.tool('bench', 'keys', 'keys').split(/^#.*\n/m);
      writeFileSync(join(this.dir, 'systems.yaml'), systems);
      writeFileSync(join(this.dir, 'subscriptions.yaml'), subscriptions);
    }
    [this.bus, this.http] = [await freePort(), await freePort()];
    this.write(`systems:\n${this.read('systems.yaml')}`, `subscriptions:\n${this.read('subscriptions.yaml')}`);
  }

  read(name) { return readFileSync(join(this.dir, name), 'utf8'); }

  write(systems, subscriptions) {
    writeFileSync(join(this.dir, 'm.yaml'), `version: 1
region: '24'
hub:
  source: 'urn:marshrut:24:hub'
  listen: ['tcp://127.0.0.1:${this.bus ?? 1}']
  admin: hub.sock
  store: store
  root_key: root
  secret_key_file: hub.key
  public_key: '${this.read('hub.key.pub').trim()}'
  http_listen: 127.0.0.1:${this.http ?? 2}
  ballast_mb: 1
  space_watermark_mb: 1
${systems}${subscriptions}operators:
  - {name: boss, roles: [admin, cnppm, auditor]}
passport:
  form: образец-2021
  period_from: '2020-01-01'
  period_to: '2030-12-31'
codelists:
  - name: area
    values:
      - {code: ict, title: ИКТ}
`);
  }

  async start() {
    await this.configure();
    this.process = spawn(join(bin, 'marshrutd'), ['-c', 'm.yaml'], {cwd: this.dir, stdio: ['ignore', 'ignore', openSync(join(this.dir, 'hub.log'), 'a')]});
    this.ended = new Promise((done) => this.process.once('exit', done));
    await this.until('the hub starts', () => this.tool('status'));
  }

  async until(what, is) {
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      try { if (is()) return; } catch { /* not yet */ }
      if (Date.now() > deadline || this.process.exitCode !== null) throw new Error(`it does not come to it: ${what}`);
      await later(500);
    }
  }

  indexed() {
    return this.until('the index', () => { const s = this.json('status'); return s.indexed >= s.head && s.index.views_lag_events === 0; });
  }

  async stop() {
    if (this.process.exitCode === null) this.process.kill('SIGTERM');
    await this.ended;
  }

  cpuSeconds() { // user and system, of the kernel's hundredths
    const fields = readFileSync(`/proc/${this.process.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }
}

// ---- the log ----

async function build(dir) {
  if (existsSync(dir)) return;
  const made = `${dir}.part`;
  rmSync(made, {recursive: true, force: true});
  mkdirSync(made, {recursive: true, mode: 0o700}); // the admin socket is in it
  const hub = new Hub(made);
  await hub.start();
  try {
    say(`building a log of ${EVENTS} events in ${dir}; it is kept`);
    hub.json('bench', '--keys', 'keys', '--events', String(EVENTS / 5), '--person', '--window', '16000');
    hub.json('bench', '--keys', 'keys', '--events', String(EVENTS - EVENTS / 5), '--window', '16000');
    await hub.indexed();
  } finally { await hub.stop(); }
  renameSync(made, dir);
}

// ---- requests ----

const agent = new Agent({keepAlive: true, maxSockets: 48});

function ask(hub, {method = 'GET', path, headers = {}, body}) {
  return new Promise((done, fail) => {
    const sent = request({host: '127.0.0.1', port: hub.http, agent, method, path,
      headers: body ? {'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), ...headers} : headers}, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => done({status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts)}));
      answer.on('error', fail);
    });
    sent.on('error', fail);
    sent.end(body);
  });
}

async function login(hub) {
  const {secret} = hub.json('--as', 'boss', 'account', 'invite', 'boss');
  const answer = await ask(hub, {method: 'POST', path: '/api/v1/session/password', body: JSON.stringify({name: 'boss', secret, password: PASSWORD})});
  if (answer.status !== 200) throw new Error(`no login: ${answer.body}`);
  return {Cookie: answer.headers['set-cookie'][0].split(';')[0], 'X-CSRF-Token': JSON.parse(answer.body).csrf};
}

// As hub/tool/bench_event.c makes them: made up, with check digits that fit.
const pad = (value, digits) => String(value).padStart(digits, '0');
function ogrn(org) {
  const base = 102240000000 + org * 7;
  return pad(base, 12) + (base % 11 % 10);
}
function snils(person) {
  const digits = pad(100000000 + person, 9);
  const sum = [...digits].reduce((all, digit, i) => all + Number(digit) * (9 - i), 0);
  return digits + pad(sum % 101 % 100, 2);
}

const pick = (below) => Math.floor(Math.random() * below);

// [route, how many of a round, whose cost is another's, one request]
function mixOf(head, token, person) {
  const auth = {Authorization: `Bearer ${token}`};
  const open = EVENTS - EVENTS / 5;
  const get = (path) => ({path, headers: auth});
  const tile = (level, width) => { const n = pick(Math.floor(head / 256 ** (level + 1))); return `/log/tile/${level}/${n < 1000 ? '' : `x${pad(Math.floor(n / 1000), 3)}/`}${pad(n % 1000, 3)}${width}`; };
  return [
    ['events, a page', 25, () => get(`/api/v1/events?limit=50&cursor=${1 + pick(head)}`)],
    ['events by type', 20, () => get(`/api/v1/events?limit=50&type=nms.deficit.&cursor=${1 + pick(EVENTS / 5)}`)],
    ['events by system', 20, () => get(`/api/v1/events?limit=50&system=bench-p1&cursor=${1 + pick(head)}`)],
    ['events by organisation', 20, () => get(`/api/v1/events?limit=50&organisation=${ogrn(pick(997))}`)],
    ['events by correlation', 10, () => get(`/api/v1/events?correlation=c-${pad(pick(open / 10), 10)}`)],
    ['events of a person', 5, () => ({method: 'POST', path: '/api/v1/persons/events', headers: person,
      body: JSON.stringify({snils: snils(pick(EVENTS / 500)), case: 'bench-1'})})],
    ['one event', 30, () => get(`/api/v1/events/${1 + pick(head)}`)],
    ['its way', 20, () => get(`/api/v1/events/${1 + pick(head)}/way`)],
    ['status', 19, () => get('/api/v1/status')],
    ['checkpoint', 10, () => get('/log/checkpoint')],
    ['tile', 10, () => get(tile(0, ''))],
    ['bundle of entries', 10, () => get(tile(0, '').replace('/tile/0/', '/tile/entries/'))],
    ['passport', 1, () => get('/api/v1/passport')],
  ].filter(([route]) => !only || only.includes(route));
}

function shuffled(mix) {
  const round = mix.flatMap(([route, count, make]) => Array.from({length: count}, () => [route, make]));
  for (let i = round.length - 1; i > 0; i--) {
    const j = pick(i + 1);
    [round[i], round[j]] = [round[j], round[i]];
  }
  return round;
}

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
function told(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.length ? {count: sorted.length, p50: at(sorted, 0.5), p99: at(sorted, 0.99), max: sorted.at(-1)} : null;
}

async function load(hub, mix) {
  const took = new Map(mix.map(([route]) => [route, []]));
  const late = [];
  const wrong = new Map();
  const under = [];
  let round = [];
  const from = performance.now();
  for (let n = 0; n < SECONDS * REQUESTS; n++) {
    const due = from + n * 1000 / REQUESTS;
    while (performance.now() < due) await later(Math.max(0, due - performance.now()));
    if (!round.length) round = shuffled(mix);
    const [route, make] = round.pop();
    late.push(performance.now() - due);
    under.push(ask(hub, make()).then(({status}) => {
      if (status !== 200) wrong.set(`${route}: ${status}`, (wrong.get(`${route}: ${status}`) ?? 0) + 1);
      else took.get(route).push(performance.now() - due);
    }, (error) => wrong.set(`${route}: ${error.code}`, (wrong.get(`${route}: ${error.code}`) ?? 0) + 1)));
  }
  await Promise.all(under);
  const seconds = (performance.now() - from) / 1000;
  return {routes: Object.fromEntries([...took].map(([route, values]) => [route, told(values)])), generator_late_ms: told(late),
    requests_per_s: SECONDS * REQUESTS / seconds, wrong: Object.fromEntries(wrong)};
}

// ---- both ----

function intake(hub) {
  return new Promise((done, fail) => {
    const bench = spawn(join(bin, 'marshrut'), ['-c', 'm.yaml', '--json', 'bench', '--keys', 'keys', '--events', String(RATE * SECONDS), '--rate', String(RATE)],
      {cwd: hub.dir, stdio: ['ignore', 'pipe', 'inherit']});
    let text = '';
    bench.stdout.on('data', (part) => { text += part; });
    bench.on('exit', (code) => (code === 0 ? done(JSON.parse(text)) : fail(new Error(`marshrut bench: ${code}`))));
  });
}

async function measure(dir) {
  const base = join(work, `log-${EVENTS}`);
  await build(base);
  rmSync(dir, {recursive: true, force: true});
  execFileSync('cp', ['-a', '--reflink=auto', base, dir]);
  const hub = new Hub(dir);
  await hub.start();
  try {
    const {token} = hub.json('--as', 'boss', 'token', 'new', '--name', 'bench', '--scope', 'read,log,passport');
    const person = await login(hub);
    const {head} = hub.json('status');
    const mix = mixOf(Math.min(head, EVENTS), token, person);
    say(`${SECONDS} s: the API alone`);
    const quiet = await load(hub, mix);
    say(`${SECONDS} s: intake alone`);
    const alone = await intake(hub);
    await hub.indexed();
    say(`${SECONDS} s: both`);
    const cpu = hub.cpuSeconds();
    const [busy, beside] = await Promise.all([load(hub, mix), intake(hub)]);
    return {events: head, seconds: SECONDS, quiet, busy, alone, beside, hub_cpu_s: hub.cpuSeconds() - cpu};
  } finally {
    await hub.stop();
    rmSync(dir, {recursive: true, force: true});
  }
}

const ms = (value) => value.toFixed(1);
const row = (name, a, b) => `| ${name} | ${[a, b].map((f) => (f ? `${f.count} | ${ms(f.p50)} | ${ms(f.p99)} | ${ms(f.max)}` : '0 | – | – | –')).join(' | ')} |`;

function print(f) {
  console.log(`A log of ${f.events} events; ${REQUESTS} requests/s for ${f.seconds} s: alone, and beside ${RATE} events/s. ms from when each was due.\n`);
  console.log('| route | n | p50 | p99 | max | beside intake: n | p50 | p99 | max |\n|---|---|---|---|---|---|---|---|---|');
  for (const route of Object.keys(f.busy.routes)) console.log(row(route, f.quiet.routes[route], f.busy.routes[route]));
  console.log(row('the bench itself was late', f.quiet.generator_late_ms, f.busy.generator_late_ms));
  console.log(`\nanswers that were none: ${JSON.stringify({...f.quiet.wrong, ...f.busy.wrong})}; processor of the hub beside intake: ${f.hub_cpu_s.toFixed(1)} s`);
  for (const [name, i] of [['intake alone', f.alone], ['beside the API', f.beside]])
    console.log(`${name}: ${i.published_per_s.toFixed(0)} events/s, acknowledged p50 ${ms(i.ack_us.p50 / 1000)} ms, p99 ${ms(i.ack_us.p99 / 1000)} ms`);
}

// The passport is computed from facts: its time is told, and is no part of the limit (docs/passport.md).
function verdicts(f) {
  const slow = Object.entries(f.busy.routes).filter(([route, figures]) => route !== 'passport' && (!figures || figures.p99 > P99_MS)).map(([route]) => route);
  const loss = 1 - f.beside.published_per_s / f.alone.published_per_s;
  return [
    [`p99 of each route beside intake ≤ ${P99_MS} ms`, slow.length ? `over it: ${slow.join(', ')}` : 'all', slow.length === 0],
    [`intake loses < ${LOSS * 100} %`, `${(loss * 100).toFixed(1)} %`, loss < LOSS],
    ['every request is answered (passports wait for each other: 429)', '', [...Object.keys(f.quiet.wrong), ...Object.keys(f.busy.wrong)].every((what) => what === 'passport: 429')],
  ];
}

mkdirSync(work, {recursive: true});
const figures = await measure(join(work, 'run'));
if (options.includes('--json')) console.log(JSON.stringify(figures));
else print(figures);
const judged = verdicts(figures);
for (const [what, is, good] of judged) say(`${good ? 'reached' : 'NOT REACHED'}: ${what}${is ? ` (${is})` : ''}`);
process.exit(judged.every(([, , good]) => good) ? 0 : 1);
