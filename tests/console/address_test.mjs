// A working day over persons, and every address of it: of pages, of requests, of the history. None has a person in it,
// nor a number of a document, nor an id of somebody; nor has the hub's log, nor what the browser keeps.
// node address_test.mjs BIN-FOLDER. Exit: 0, 1, 77 (no browser here: skipped).
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {play} from './stage.mjs';

const SNILS = '11223344595';
const WRITTEN = '112-233-445 95';
const DOCUMENT = '180000471126';
const FAMILY = 'Непомнящая';
const MAIL = 'nepomnyashchaya@school.ru';
const SOMEBODY = '0190f8a2-7c1e-7cc0-98c5-9f1a3c1b2d4e';
const CASE = '2026/04-171-88';
const PERSONAL = [SNILS, WRITTEN, '112-233-445', '112 233 445', DOCUMENT, FAMILY, MAIL, SOMEBODY, '0412 123456'];

const course = JSON.stringify({specversion: '1.0', id: 'course-of-the-day', source: 'urn:marshrut:24:portal', type: 'nms.course.finished.v1', time: '2026-03-01T09:00:00Z', regioncode: '24', basis: 'education', actor: 'test', actorrole: 'system', correlationid: SOMEBODY,
  data: {person: {snils: SNILS, familyName: FAMILY}, programmeId: 'P-1', kind: 'PK', hours: 72, result: 'passed', startedOn: '2026-02-01', endedOn: '2026-03-01', documentNumber: DOCUMENT, providerOgrn: '1022400001007'}});

function publish(stage) {
  let said;
  try {
    said = execFileSync(join(stage.bin, 'marshrut'), ['-c', join(stage.dir, 'marshrut.yaml'), '--json', 'publish'], {encoding: 'utf8', input: `${course}\n`});
  } catch (error) { said = error.stdout; }
  const {verdict, number, reason} = JSON.parse(said.trim().split('\n')[0]);
  assert.equal(verdict, 'stored', reason);
  return number;
}

// Everything that a page asks and every address that it has had, also within itself.
function watch(page, stage) {
  const seen = {addresses: [], posts: []};
  page.on('request', (request) => { seen.addresses.push(request.url()); });
  page.on('framenavigated', (frame) => seen.addresses.push(frame.url()));
  page.on('response', (response) => {
    if (response.request().method() === 'POST') seen.posts.push([response.url(), response.headers()['cache-control'] || '']);
  });
  page.on('console', (message) => seen.addresses.push(message.text()));
  seen.note = async () => { seen.addresses.push(page.url(), await page.evaluate(() => JSON.stringify({...localStorage, ...sessionStorage}) + document.title + document.referrer)); };
  seen.origin = stage.origin;
  return seen;
}

const find = async (page, line) => { await page.fill('input[type=search]', line); await page.keyboard.press('Enter'); };
const rowIs = (page, number) => page.waitForSelector(`tbody a[href="#/event/${number}"]`);

async function searching(page, stage, seen, number) {
  await page.click('nav a:text-is("Аудит")');
  for (const line of [DOCUMENT, `дело:${SOMEBODY}`, SOMEBODY]) {
    await find(page, line);
    await rowIs(page, number);
    assert.equal(await page.inputValue('input[type=search]'), line);
    await seen.note();
  }
  for (const line of [WRITTEN, `дело:${SNILS}`, `id:${MAIL}`, `${FAMILY} Анна`]) {
    await find(page, line);
    await page.waitForSelector('[role=alert] >> text=похоже на сведения о человеке');
    await seen.note();
  }
  for (const line of [`id:"${FAMILY}"`, 'id:"0412 123456"']) {
    await find(page, line);
    await page.waitForSelector('text=Ничего не найдено');
    await seen.note();
  }
  await find(page, 'тип:nms.course.');
  await page.waitForFunction(() => location.hash.includes('nms.course.'));
}

// What is kept is found again by the history and by loading the page anew; a facet adds to it.
async function itIsKept(page, stage, seen, number) {
  await find(page, `дело:${SOMEBODY}`);
  await rowIs(page, number);
  await page.click('.facet a >> nth=0');
  await page.waitForFunction((somebody) => document.querySelector('input[type=search]').value.endsWith(`тип:nms.course.finished.v1`) && document.querySelector('input[type=search]').value.includes(somebody), SOMEBODY);
  await rowIs(page, number);
  await seen.note();
  await page.goBack();
  await page.waitForFunction((line) => document.querySelector('input[type=search]').value === line, `дело:${SOMEBODY}`);
  await page.reload();
  await page.waitForFunction((line) => document.querySelector('input[type=search]')?.value === line, `дело:${SOMEBODY}`);
  await rowIs(page, number);
  await page.click('text="Скачать найденное с доказательствами"');
  await page.waitForSelector('button:text-is("Скачать найденное с доказательствами"):not([disabled])');
  await seen.note();
}

async function lookingAtSomebody(page, stage, seen, number) {
  await page.click('summary:text-is("Найти события человека")');
  await page.fill('#snils', WRITTEN);
  await page.fill('#case', CASE);
  await page.click('.person button');
  await page.waitForSelector('.person tbody a');
  await seen.note();
  await page.click(`.person tbody a[href="#/event/${number}"]`);
  await page.click('button:text-is("Показать персональные данные")');
  await page.selectOption('#a-why', 'person');
  await page.fill('#a-case', CASE);
  await page.click('main form button');
  await page.waitForSelector('pre[aria-label="Персональные данные события"]');
  assert.ok((await page.textContent('main')).includes(FAMILY), 'it was looked at');
  await seen.note();
}

// Whatever is typed into a filter where a word is awaited.
async function filters(page, stage, seen) {
  await page.click('nav a:text-is("Журнал доступа")');
  for (const [field, value] of [['#j-case', CASE], ['#j-who', FAMILY], ['#j-record', SNILS]]) {
    await page.fill(field, value);
    await page.click('main form button');
    await page.waitForFunction(([at, typed]) => document.querySelector(at)?.value === typed, [field, value]);
    await page.waitForSelector(field === '#j-case' ? 'main tbody tr' : 'text=Никто не смотрел');
    await seen.note();
    if (field === '#j-case') assert.ok((await page.textContent('main tbody')).includes('по СНИЛС'), 'how somebody was looked for, in words');
    await page.fill(field, '');
  }
  await page.click('nav a:text-is("На исправлении")');
  for (const value of [SNILS, FAMILY, '0412 123456']) {
    await page.fill('form.line input[name=type]', value);
    await page.click('form.line button');
    await page.waitForSelector('[role=status], [role=alert]');
    await seen.note();
  }
}

// Somebody has sent an address with a person in it: it is clean as soon as it is open.
async function addressesOfOthers(page, stage) {
  for (const hash of [`#/audit?q=${encodeURIComponent(`дело:${SOMEBODY}`)}`, `#/audit?q=${WRITTEN}`, `#/journal?case=${SNILS}`, `#/event/${SNILS}`, `#/${encodeURIComponent(FAMILY)}`]) {
    await page.goto('about:blank');
    await page.goto(`${stage.origin}/${hash}`);
    await page.waitForSelector('main h1');
    clean(decodeURIComponent(page.url()), hash);
  }
}

function clean(text, where) {
  for (const one of PERSONAL) assert.ok(!text.includes(one), `${where}: ${one} in ${text.slice(0, 300)}`);
}

const decoded = (text) => { try { return decodeURIComponent(text.replaceAll('+', ' ')); } catch { return text; } };

await play('address', async (stage) => {
  const number = publish(stage);
  const page = await stage.as('zotova');
  const seen = watch(page, stage);
  for (const step of [searching, itIsKept, lookingAtSomebody, filters]) {
    await step(page, stage, seen, number);
    console.log(`address: ${step.name}`);
  }
  assert.ok(seen.addresses.length > 60);
  for (const text of seen.addresses) clean(decoded(text), 'an address');
  const kept = seen.posts.filter(([, cache]) => !cache.includes('no-store'));
  assert.ok(seen.posts.length > 10);
  assert.deepEqual(kept, [], 'answers to POST that somebody may keep');
  await addressesOfOthers(page, stage);
  const log = readFileSync(join(stage.dir, 'hub.log'), 'utf8');
  assert.ok(log.includes('hub.')); // it is the log
  clean(log, 'the log of the hub');
});
