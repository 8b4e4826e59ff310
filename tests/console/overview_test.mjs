// «Обзор» in a headless Chromium: what a real hub says, live; and what the page makes of a hub that is in trouble
// (its answer is changed on the way to the page). node overview_test.mjs BIN-FOLDER.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {join} from 'node:path';
import {fitsAPhone, play, withoutViolations} from './stage.mjs';

const [STATUS, WAITING, MANY, BYTES_MAX] = ['**/api/v1/status', '**/api/v1/quarantine?summary=true', Number(process.env.MR_WAITING) || 300, 4096];

async function open(page) {
  await page.goto('about:blank');
  await page.goto(`${page.origin}/#/`);
  await page.waitForSelector('caption:text-is("Доставка")');
}

const headOf = async (page) => Number((await page.textContent('.figure >> nth=0')).replace(/\D/g, ''));

async function allIsAlive(page) {
  await open(page);
  const systems = page.locator('table:has(caption:text-is("Системы")) tbody tr');
  assert.equal(await systems.count(), 4);
  assert.equal(await systems.locator('.good').count(), 4, 'all four are connected');
  assert.match(await systems.first().textContent(), /2\d\d\d/, 'when the last event came');
  await page.waitForSelector('h2:has-text("сходится")');
  await page.waitForFunction(() => document.querySelectorAll('svg.chart polyline').length > 4); // two looks: there are rates
  assert.match(await page.getAttribute('svg.chart >> nth=0', 'aria-label'), /Поток, событий в секунду: сейчас \d/);
  await withoutViolations(page, 'overview');
}

// What comes in is seen without a reload; stopped, it is not asked any more.
async function itIsLive(page, stage) {
  const before = await headOf(page);
  stage.tool('--as', 'orlova', 'passport', 'workflow');
  stage.tool('--as', 'smirnov', 'token', 'new', '--name', 'seen live', '--scope', 'read'); // an event
  await page.waitForFunction((head) => Number(document.querySelector('.figure').textContent.replace(/\D/g, '')) > head, before);
  await page.click('button:has-text("Остановить обновление")');
  let asked = 0;
  await page.route(STATUS, (route) => { asked++; return route.continue(); });
  await page.click('button:text-is("Обновлять")');
  await page.waitForSelector('button:has-text("Остановить обновление")');
  await page.waitForResponse(STATUS);
  assert.ok(asked >= 1);
  await page.unroute(STATUS);
}

// What the charts have seen outlives another page and a reload, and ends with the login.
async function chartsAreKept(page) {
  const looks = async () => page.evaluate(() => JSON.parse(sessionStorage.getItem('pulse') || '[]').length);
  const before = await looks();
  assert.ok(before > 1);
  await page.click('nav a:text-is("Паспорт")');
  await page.click('nav a:text-is("Обзор")');
  await page.reload();
  await page.waitForSelector('svg.chart polyline');
  assert.ok(await looks() >= before);
}

async function changed(page, change) {
  await page.route(STATUS, async (route) => {
    const response = await route.fetch();
    const status = await response.json();
    change(status);
    await route.fulfill({response, json: status});
  });
  await open(page);
}

async function whatWaitsIsToldWithItsReason(page) {
  await changed(page, (s) => {
    s.subscriptions[0] = {...s.subscriptions[0], connected: false, waiting_since: '2026-11-28T10:00:00Z'};
    s.subscriptions[1] = {...s.subscriptions[1], parked: 7, waiting_since: null, retrying: false};
    s.subscriptions[2] = {...s.subscriptions[2], connected: true, parked: 0, retrying: true};
    s.erasure = {...s.erasure, requested: 2, overdue: 1};
    s.root_key = {...s.root_key, backup_needed: true};
    s.alerts = [{condition: 'disk-low', subject: '', since: '2026-11-28T10:00:00Z'}];
    s.space = {...s.space, free_mb: 3, watermark_mb: 100, low: true};
    s.read_only = true;
  });
  const table = page.locator('table:has(caption:text-is("Что ждёт и почему"))');
  const text = await table.textContent();
  for (const part of ['Подписки ждут получателя', 'получатель не на связи', 'Отложено доставок', 'Запросы на уничтожение данных', 'просрочено: 1', 'Нет резервной копии', 'disk-low']) assert.ok(text.includes(part), part);
  await page.waitForSelector('td:text-is("получатель просит подождать, будет повтор")');
  await page.waitForSelector('[role=alert]:has-text("Места нет")');
  await page.waitForSelector('.bad:has-text("меньше порога")');
  await withoutViolations(page, 'in trouble');
  await page.unroute(STATUS);
}

// Events that a rule puts aside: the check digits do not hold.
function putAside(stage) {
  const lines = Array.from({length: MANY}, (_, i) => JSON.stringify({specversion: '1.0', id: `wrong-${i}`, source: 'urn:marshrut:24:portal', type: 'nms.course.finished.v1', time: '2026-03-01T09:00:00Z', regioncode: '24', basis: 'education', actor: 'test', actorrole: 'system',
    data: {person: {snils: '11223344596', familyName: 'Проверкина'}, programmeId: 'P-1', kind: 'PK', hours: 72, result: 'passed', startedOn: '2026-02-01', endedOn: '2026-03-01', documentNumber: `1800${i}`, providerOgrn: '1022400001007'}}));
  try {
    execFileSync(join(stage.bin, 'marshrut'), ['-c', join(stage.dir, 'marshrut.yaml'), '--json', 'publish'], {input: lines.join('\n') + '\n', stdio: ['pipe', 'ignore', 'ignore']});
  } catch (error) { assert.equal(error.status, 1); } // they wait
}

// However many wait, each reason is one row, and what is asked for does not grow.
async function manyWaitInFewRows(page, stage) {
  putAside(stage);
  const [answer] = await Promise.all([page.waitForResponse(WAITING), open(page)]);
  const [body, {count, codes}] = [await answer.body(), await answer.json()];
  console.log(`overview: ${count} wait, ${body.length} bytes`);
  assert.ok(count >= MANY && body.length < BYTES_MAX, `${count}, ${body.length} bytes`);
  assert.equal(codes.reduce((sum, code) => sum + code.count, 0), count);
  const rows = page.locator('table:has(caption:text-is("Что ждёт и почему")) tbody tr:has(td:text-is("На исправлении"))');
  await rows.first().waitFor();
  assert.equal(await rows.count(), codes.length);
  const said = (await rows.allTextContents()).join('\n');
  for (const part of ['контрольная сумма СНИЛС не сходится', 'первое с']) assert.ok(said.includes(part), said);
  assert.ok(!/[a-z]{4}/i.test(said), said); // GMT+7 may be there
}

async function nothingWaits(page) {
  await page.route(WAITING, (route) => route.fulfill({json: {state: 'waiting', count: 0, events: [], codes: []}}));
  await changed(page, (s) => {
    s.subscriptions = s.subscriptions.map((one) => ({...one, connected: true, parked: 0, waiting_since: null}));
    s.erasure = {...s.erasure, requested: 0, running: 0};
    s.root_key = {...s.root_key, backup_needed: false};
    s.alerts = [];
  });
  await page.waitForSelector('h2:has-text("Ничего не ждёт")');
  await page.unroute(STATUS);
  await page.unroute(WAITING);
}

async function aHubThatDoesNotAnswer(page) {
  await open(page);
  await page.route(STATUS, (route) => route.abort());
  await page.waitForSelector('[role=alert]:has-text("Хаб не отвечает")');
  assert.ok(await headOf(page) > 0, 'the last state stays');
  await page.unroute(STATUS);
  await page.waitForFunction(() => !document.querySelector('[role=alert]'));
}

async function everywhere(page) {
  await page.emulateMedia({colorScheme: 'dark'});
  await open(page);
  await withoutViolations(page, 'dark');
  await fitsAPhone(page, 'overview');
  await withoutViolations(page, 'phone');
  await page.click('button:text-is("English")');
  await page.waitForSelector('caption:text-is("Systems")');
  const missing = await page.evaluate(async () => (await import('/console/words.js')).missing());
  assert.deepEqual(missing, [], 'words without English');
  await page.click('button:text-is("Log out")');
  await page.waitForSelector('#name');
  assert.equal(await page.evaluate(() => sessionStorage.getItem('pulse')), null);
}

await play('overview', async (stage) => {
  const page = await stage.as('auditor');
  page.origin = stage.origin;
  for (const step of [allIsAlive, itIsLive, chartsAreKept, whatWaitsIsToldWithItsReason, manyWaitInFewRows, nothingWaits, aHubThatDoesNotAnswer, everywhere]) {
    await step(page, stage);
    console.log(`overview: ${step.name}`);
  }
});
