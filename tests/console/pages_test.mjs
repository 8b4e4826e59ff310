// The console of a real hub in a headless Chromium: each page, what it says, without violations that axe finds;
// and a proof that is tampered with on the way, which this browser must notice.
// node pages_test.mjs BIN-FOLDER. Exit: 0, 1, 77 (no browser here: skipped).
import assert from 'node:assert/strict';
import {readdirSync} from 'node:fs';
import {get} from 'node:http';
import {PASSWORD, fitsAPhone, play, withoutViolations} from './stage.mjs';

const LANGUAGES = {ru: {overview: 'Обзор', passport: 'Паспорт', audit: 'Аудит', quarantine: 'На исправлении'}};

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
  await page.waitForSelector('caption:text-is("Сверка: Доставка")');
  assert.ok(Number((await page.textContent('.figure')).replace(/\D/g, '')) > 100, 'events in the log');
  await withoutViolations(page, 'overview');
}

async function passport(page) {
  await page.click(`nav a:text-is("${LANGUAGES.ru.passport}")`);
  await page.waitForSelector('section.section tbody a');
  await withoutViolations(page, 'passport');
  await page.click('section.section tbody a >> nth=0');
  await page.waitForSelector('dt:text-is("Правило")');
  await page.click('.explained .numbers a >> nth=0');
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
  await page.waitForSelector('h2:text-is("Путь через хаб")');
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
  await page.goto(page.url().replace(/#.*/, '#/'));
  await page.waitForSelector('caption');
  await fitsAPhone(page, 'overview');
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

// Where nobody has logged in nothing is asked that the hub would refuse: the browser writes each refusal down as an error.
async function theFirstVisitIsQuiet(_, stage) {
  const page = await stage.page();
  const said = [];
  page.on('console', (message) => { if (message.type() === 'error') said.push(message.text()); });
  await page.goto(`${stage.origin}/`);
  await page.waitForSelector('#name');
  assert.deepEqual(said, []);
}

// All of the console as it comes over the wire, all pages together: what stands in the index and what that imports.
async function theDownloadIsSmall(page, stage) {
  const names = ['/', '/console/htm.js', ...readdirSync(new URL('../../hub/console/', import.meta.url)).filter((name) => /\.(js|css)$/.test(name)).map((name) => `/console/${name}`)];
  let bytes = 0;
  for (const name of names) {
    const size = await new Promise((done, fail) => {
      get(stage.origin + name, {headers: {'Accept-Encoding': 'gzip'}}, (response) => {
        assert.deepEqual([response.statusCode, response.headers['content-encoding']], [200, 'gzip'], name);
        let size = 0;
        response.on('data', (chunk) => { size += chunk.length; });
        response.on('end', () => done(size));
      }).on('error', fail);
    });
    bytes += size;
  }
  console.log(`console: ${bytes} bytes to download`);
  assert.ok(bytes <= 120 * 1024, `${bytes} bytes`);
}

await play('pages', async (stage) => {
  const page = await stage.page();
  await chooseAPassword(page, stage.link);
  for (const step of [overview, passport, audit, aProof, everyWordIsThere, theFirstVisitIsQuiet, theDownloadIsSmall, theRest]) {
    await step(page, stage);
    console.log(`console: ${step.name}`);
  }
});
