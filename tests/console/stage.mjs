// What the console's tests share: a small region with its hub, a headless Chromium, people who are logged in.
// A test is `await play('name', async (stage) => { ... })`. Exit: 0, 1, 77 (no browser here: skipped).
import assert from 'node:assert/strict';
import {execFileSync, spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

export const PASSWORD = 'four words are enough';
export const WAIT_MS = 60_000;
const [ASKED_MAX, SHOWN_MAX] = [15, 1500];

function skip(why) {
  console.error(`skipped: ${why}`);
  process.exit(77);
}

async function browserOf() {
  try {
    const {chromium} = await import('playwright-core');
    return await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage']});
  } catch (error) {
    return skip(error.message.split('\n')[0]);
  }
}

// A small region that stays up; the console's link is in what the demo says.
function regionOf(bin, dir, more) {
  const demo = spawn(join(bin, 'mr-demo'), ['--dir', dir, '--schools', '4', '--teachers', '60', ...more], {stdio: ['ignore', 'pipe', 'inherit']});
  let said = '';
  const link = new Promise((resolve, reject) => {
    demo.stdout.on('data', (chunk) => {
      said += chunk;
      const found = said.match(/http:\/\/127\.0\.0\.1:\d+\/#invite=\S+/);
      if (found && said.includes('stays up')) resolve(found[0]);
    });
    demo.on('exit', (code) => reject(new Error(`the demo ended: ${code}\n${said}`)));
  });
  return {demo, link};
}

export async function withoutViolations(page, where) {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(axe); // in the page's own world: its policy lets no script in by a tag
  const {violations} = await page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(' ')}`), [], where);
}

// No sideways scrolling of the page as a whole.
export async function fitsAPhone(page, where) {
  await page.setViewportSize({width: 360, height: 740});
  const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(inner <= outer, `${where}: ${inner} pixels of ${outer} on a phone`);
}

class Stage {
  constructor(bin, dir, browser, link) {
    Object.assign(this, {bin, dir, browser, link, origin: new URL(link).origin, strangers: [], pages: []});
  }

  // What each page showed and asked for last: for whoever reads why a test failed.
  async tellPages() {
    if (this.strangers.length) console.error(`-- errors of pages, and requests to others:\n${this.strangers.join('\n')}`);
    for (const {page, asked} of this.pages) {
      const shown = await page.locator('main').innerText({timeout: 5000}).catch((error) => error.message);
      console.error(`-- ${page.url()}\n${asked.join('\n')}\n${shown.slice(0, SHOWN_MAX)}`);
    }
  }

  note(page) {
    const asked = [];
    const say = (request, what) => { asked.push(`${new Date().toISOString()} ${request.method()} ${request.url()} ${what}`); asked.splice(0, asked.length - ASKED_MAX); };
    page.on('request', (request) => say(request, 'asked'));
    page.on('response', (response) => say(response.request(), response.status()));
    page.on('requestfailed', (request) => say(request, request.failure().errorText));
    this.pages.push({page, asked});
  }

  // A page of its own, with its own cookies; errors and requests to others are remembered.
  async page(options = {}) {
    const context = await this.browser.newContext(options);
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    this.note(page);
    page.on('pageerror', (error) => this.strangers.push(error.message));
    page.on('request', (request) => { if (!/^(http:\/\/127\.0\.0\.1:|data:|blob:)/.test(request.url())) this.strangers.push(request.url()); });
    return page;
  }

  tool(...args) {
    return execFileSync(join(this.bin, 'marshrut'), ['-c', join(this.dir, 'marshrut.yaml'), ...args], {encoding: 'utf8'});
  }

  // The first record about a person who was erased (the region erases one when it starts), or about one who was not.
  async aboutAPerson(page, erased) {
    const lines = this.tool('--json', 'log', 'find', '--type', 'nms.employment.started.v1').trim().split('\n');
    for (const number of lines.map((line) => JSON.parse(line).number).filter(Boolean)) {
      const event = await page.evaluate((n) => fetch(`/api/v1/events/${n}`).then((response) => response.json()), number);
      if (Boolean(event.erased) === erased) return event;
    }
    return assert.fail(erased ? 'nobody is erased in this region' : 'everybody is');
  }

  // The console as this operator of the region sees it first: invited, with a password.
  async as(name, options = {}) {
    const {link, secret} = JSON.parse(this.tool('--json', '--as', 'smirnov', 'account', 'invite', name));
    assert.equal(link, `${this.origin}/#invite=${name}:${secret}`);
    const page = await this.page(options);
    await page.goto(link);
    await page.fill('#password', PASSWORD);
    await page.fill('#again', PASSWORD);
    await page.click('main button');
    await page.waitForSelector('nav');
    return page;
  }

  // The same operator once more, elsewhere.
  async again(name, options = {}) {
    const page = await this.page(options);
    await page.goto(`${this.origin}/`);
    await page.fill('#name', name);
    await page.fill('#password', PASSWORD);
    await page.click('main button');
    await page.waitForSelector('nav');
    return page;
  }
}

export async function play(name, act, ...more) {
  const browser = await browserOf();
  const dir = mkdtempSync(join(tmpdir(), 'mr-console-'));
  const {demo, link} = regionOf(process.argv[2], join(dir, 'region'), more);
  let failed = false;
  let stage;
  try {
    stage = new Stage(process.argv[2], join(dir, 'region'), browser, await link);
    await act(stage);
    assert.deepEqual(stage.strangers, [], 'requests to others, and errors of the page');
    console.log(`${name}: done`);
  } catch (error) {
    console.error(error);
    if (stage) await stage.tellPages();
    failed = true;
  }
  demo.removeAllListeners('exit');
  const ended = new Promise((resolve) => demo.once('exit', resolve));
  demo.kill('SIGINT');
  await Promise.all([browser.close(), demo.exitCode === null ? ended : null]);
  rmSync(dir, {recursive: true, force: true});
  process.exit(failed ? 1 : 0);
}
