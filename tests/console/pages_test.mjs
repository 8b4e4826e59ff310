// The console of a real hub in a headless Chromium: each page, what it says, without violations that axe finds;
// and a proof that is tampered with on the way, which this browser must notice.
// node pages_test.mjs BIN-FOLDER. Exit: 0, 1, 77 (no browser here: skipped).
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const PASSWORD = 'four words are enough';
const WAIT_MS = 60_000;
const LANGUAGES = {ru: {overview: 'Обзор', passport: 'Паспорт', audit: 'Аудит', quarantine: 'На исправлении'}};

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
function region(bin, dir) {
  const demo = spawn(join(bin, 'mr-demo'), ['--dir', dir, '--schools', '4', '--teachers', '60'], {stdio: ['ignore', 'pipe', 'inherit']});
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

async function withoutViolations(page, where) {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(axe); // in the page's own world: its policy lets no script in by a tag
  const {violations} = await page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(' ')}`), [], where);
}

async function chooseAPassword(page, link) {
  await page.goto(link);
  await page.waitForSelector('#again');
  await withoutViolations(page, 'the first password');
  await page.fill('#password', PASSWORD);
  await page.fill('#again', 'another one, by mistake');
  await page.click('main button');
  await page.waitForSelector('[role=alert]');
  await page.fill('#again', PASSWORD);
  await page.click('main button');
  await page.waitForSelector(`h1:text-is("${LANGUAGES.ru.overview}")`);
}

async function overview(page) {
  await page.waitForSelector('text=сходится');
  await page.waitForSelector('caption:text-is("Доставка")');
  assert.ok(Number((await page.textContent('.figure')).replace(/\D/g, '')) > 100, 'events in the log');
  await withoutViolations(page, 'overview');
}

async function passport(page) {
  await page.click(`nav a:text-is("${LANGUAGES.ru.passport}")`);
  await page.waitForSelector('caption');
  await withoutViolations(page, 'passport');
  await page.click('tbody a >> nth=0');
  await page.waitForSelector('dt:text-is("Правило")');
  await page.click('section[aria-label] dd a >> nth=0');
  await page.waitForSelector('h1:has-text("Событие")');
}

async function audit(page) {
  await page.click(`nav a:text-is("${LANGUAGES.ru.audit}")`);
  await page.fill('input[type=search]', 'type:nms.course. from:2020-01-01');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => location.hash.includes('q=type'));
  await page.waitForFunction(() => [...document.querySelectorAll('tbody tr')].every((row) => row.textContent.includes('nms.course.')));
  await withoutViolations(page, 'audit');
  await page.fill('input[type=search]', 'nonsense:1');
  await page.keyboard.press('Enter');
  await page.waitForSelector('text=Нет такого условия');
  await page.goBack();
  await page.waitForSelector('tbody a');
}

async function aProof(page) {
  await page.click('tbody a >> nth=0');
  await page.waitForSelector('text=Этот браузер проверил');
  await page.waitForSelector('caption:text-is("Путь через хаб")');
  await withoutViolations(page, 'event');
  await page.route('**/log/tile/entries/**', async (route) => {
    const answer = await route.fetch();
    const body = await answer.body();
    for (let at = 2; at < body.length; at += 3) body[at] ^= 1; // sizes may go wrong too: it must not be believed
    await route.fulfill({response: answer, body});
  });
  await page.reload();
  await page.waitForSelector('.bad[role=status], [role=alert]');
  assert.equal(await page.locator('text=Этот браузер проверил:').count(), 0);
  await page.unroute('**/log/tile/entries/**');
}

async function theRest(page) {
  await page.click(`nav a:text-is("${LANGUAGES.ru.quarantine}")`);
  await page.waitForSelector(`h1:text-is("${LANGUAGES.ru.quarantine}")`);
  await withoutViolations(page, 'quarantine');
  await page.setViewportSize({width: 360, height: 740});
  await page.goto(page.url().replace(/#.*/, '#/'));
  await page.waitForSelector('caption');
  const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(inner <= outer, `${inner} pixels of ${outer} on a phone`);
  await page.emulateMedia({colorScheme: 'dark'});
  await withoutViolations(page, 'dark');
  await page.click('button:text-is("English")');
  await page.waitForSelector('h1:text-is("Overview")');
  await page.click('button:text-is("Log out")');
  await page.waitForSelector('#name');
  await page.reload();
  await page.waitForSelector('#name');
  await withoutViolations(page, 'login');
}

async function everyWordIsThere(page) {
  const missing = await page.evaluate(async () => (await import('/console/words.js')).missing());
  assert.deepEqual(missing, [], 'words without English');
}

const browser = await browserOf();
const dir = mkdtempSync(join(tmpdir(), 'mr-console-'));
const {demo, link} = region(process.argv[2], join(dir, 'region'));
let failed = false;
try {
  const page = await browser.newPage();
  const strangers = [];
  page.setDefaultTimeout(WAIT_MS);
  page.on('pageerror', (error) => strangers.push(error.message));
  page.on('request', (request) => { if (!/^(http:\/\/127\.0\.0\.1:|data:)/.test(request.url())) strangers.push(request.url()); });
  await chooseAPassword(page, await link);
  for (const step of [overview, passport, audit, aProof, everyWordIsThere, theRest]) {
    await step(page);
    console.log(`console: ${step.name}`);
  }
  assert.deepEqual(strangers, [], 'requests to others, and errors of the page');
} catch (error) {
  console.error(error);
  failed = true;
}
demo.removeAllListeners('exit');
const ended = new Promise((resolve) => demo.once('exit', resolve));
demo.kill('SIGINT');
await Promise.all([browser.close(), demo.exitCode === null ? ended : null]);
rmSync(dir, {recursive: true, force: true});
process.exit(failed ? 1 : 0);
