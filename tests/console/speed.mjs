// How soon the console's pages are there over a large log: a hub of its own with --events events about persons (sealed,
// deficits: what the passport counts), then each page of the console in a headless Chromium, three times. Prints a line of
// JSON. node speed.mjs BIN-FOLDER [--events N] [--dir DIR: what is there already is measured, and stays]. docs/bench.md.
import {execFileSync, spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';

const [given, ...options] = process.argv.slice(2);
const bin = resolve(given);
const events = options.includes('--events') ? Number(options[options.indexOf('--events') + 1]) : 1_000_000;
const WAIT_MS = 600_000;
const PASSWORD = 'four words are enough';

const kept = options.includes('--dir') && options[options.indexOf('--dir') + 1];
const dir = kept || mkdtempSync(join(tmpdir(), 'mr-speed-'));
const run = (...args) => execFileSync(join(bin, 'marshrut'), args, {cwd: dir, encoding: 'utf8', maxBuffer: 1 << 26});
const tool = (...args) => run('-c', join(dir, 'm.yaml'), ...args);

const freePort = () => new Promise((done) => {
  const server = createServer().listen(0, '127.0.0.1', () => { const {port} = server.address(); server.close(() => done(port)); });
});

async function configure() {
  if (kept) return `http://${readFileSync(join(dir, 'm.yaml'), 'utf8').match(/http_listen: (\S+)/)[1]}`;
  const [bus, http] = [await freePort(), await freePort()];
  run('keys', 'new', 'hub.key');
  const text = (systems, subscriptions) => `version: 1
region: '24'
hub:
  source: 'urn:marshrut:24:hub'
  listen: ['tcp://127.0.0.1:${bus}']
  admin: hub.sock
  store: store
  root_key: root
  secret_key_file: hub.key
  public_key: '${readFileSync(join(dir, 'hub.key.pub'), 'utf8').trim()}'
  http_listen: 127.0.0.1:${http}
  ballast_mb: 1
  space_watermark_mb: 1
${systems}${subscriptions}operators:
  - {name: boss, roles: [admin, cnppm]}
passport:
  form: образец-2021
  period_from: '2020-01-01'
  period_to: '2030-12-31'
codelists:
  - name: area
    values:
      - {code: ict, title: ИКТ}
`;
  writeFileSync(join(dir, 'm.yaml'), text('', ''));
  const [, systems, subscriptions] = tool('bench', 'keys', 'keys').split(/^#.*\n/m);
  writeFileSync(join(dir, 'm.yaml'), text(`systems:\n${systems}`, `subscriptions:\n${subscriptions}`));
  return `http://127.0.0.1:${http}`;
}

const later = (ms) => new Promise((done) => setTimeout(done, ms));

async function until(what, is) {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    try { if (is()) return; } catch { /* not yet */ }
    if (Date.now() > deadline) throw new Error(`it takes too long: ${what}`);
    await later(200);
  }
}

async function login(browser, origin) {
  const {secret} = JSON.parse(tool('--json', '--as', 'boss', 'account', 'invite', 'boss'));
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(WAIT_MS);
  await page.goto(`${origin}/#invite=boss:${secret}`);
  await page.fill('#password', PASSWORD);
  await page.fill('#again', PASSWORD);
  await page.click('main button');
  await page.waitForSelector('nav');
  return page;
}

// [name, address, what can be used then, what is filled in when all of it is there]
const pages = [
  ['overview', '#/', 'main .buttons button', 'h2:has-text("сходится")'],
  ['passport', '#/passport', 'main fieldset select', 'section.section tbody td.number'],
  ['audit', '#/audit', 'main input[type=search]', 'main tbody a'],
  ['quarantine', '#/quarantine', 'main h1', 'main h1'],
];

async function measure(page, origin) {
  const figures = {};
  for (const [name, address, usable, filled] of pages) {
    figures[name] = {usable_ms: [], filled_ms: []};
    for (let i = 0; i < 3; i++) {
      await page.goto('about:blank');
      const from = performance.now();
      await page.goto(`${origin}/${address}`);
      await page.waitForSelector(usable);
      figures[name].usable_ms.push(Math.round(performance.now() - from));
      await page.waitForSelector(filled);
      figures[name].filled_ms.push(Math.round(performance.now() - from));
    }
  }
  return figures;
}

const origin = await configure();
const hub = spawn(join(bin, 'marshrutd'), ['-c', join(dir, 'm.yaml')], {cwd: dir, stdio: ['ignore', 'ignore', 'ignore']});
const ended = new Promise((done) => hub.once('exit', done));
let failed = false;
let browser;
try {
  const {chromium} = await import('playwright-core');
  browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage']});
  await until('the hub starts', () => tool('status'));
  if (!kept) tool('--json', 'bench', '--keys', 'keys', '--events', String(events), '--person', '--window', '16000');
  await until('the index', () => { const s = JSON.parse(tool('--json', 'status')); return s.indexed >= s.head && s.index.views_lag_events === 0; });
  console.log(JSON.stringify({events: JSON.parse(tool('--json', 'status')).head, ...await measure(await login(browser, origin), origin)}));
} catch (error) {
  console.error(error);
  failed = true;
}
hub.kill('SIGTERM');
await Promise.all([browser && browser.close(), hub.exitCode === null ? ended : null]);
if (!kept) rmSync(dir, {recursive: true, force: true});
process.exit(failed ? 1 : 0);
