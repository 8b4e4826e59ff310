// Looking at a person in the console: only after a reason and a case, in the journal, hidden again; accounts are made,
// locked and limited; an account of a school sees what is its own. Nothing of a person in an address.
import assert from 'node:assert/strict';
import {fitsAPhone, PASSWORD, play, withoutViolations} from './stage.mjs';

const SNILS = /\b\d{11}\b/;

async function masked(page, origin, number) {
  await page.goto(`${origin}/#/event/${number}`);
  await page.waitForSelector('button:text-is("Показать персональные данные")');
  assert.ok(!SNILS.test(await page.textContent('main')), 'masked before a reason was given');
}

async function lookAt(page, number, caseCode) {
  await page.click('button:text-is("Показать персональные данные")');
  await page.waitForSelector('#a-why');
  await withoutViolations(page, 'the question for a reason');
  await page.selectOption('#a-why', 'person');
  await page.fill('#a-case', caseCode);
  await page.click('main form button');
  await page.waitForSelector('pre[aria-label="Персональные данные события"]');
  assert.match(await page.textContent('pre[aria-label="Персональные данные события"]'), SNILS);
  assert.ok(!SNILS.test(page.url()), 'nothing of a person in the address');
  await withoutViolations(page, 'values of a person');
}

async function journal(page, number, caseCode) {
  await page.click('nav a:text-is("Журнал доступа")');
  await page.waitForSelector('caption:text-is("Журнал доступа")');
  await withoutViolations(page, 'the journal');
  const text = await page.textContent('table');
  assert.ok(text.includes(caseCode) && text.includes('посмотрел запись') && text.includes('Обращение самого человека'));
  assert.ok(!SNILS.test(text), 'the journal names nobody');
  await page.fill('#j-record', String(number));
  await page.click('main form button');
  await page.waitForFunction((n) => location.hash.includes(`record=${n}`), number);
  await page.waitForSelector('tbody tr >> nth=1');
  await page.fill('#j-case', 'no-such-case');
  await page.click('main form button');
  await page.waitForSelector('text=Никто не смотрел');
  await fitsAPhone(page, 'the journal');
}

async function accounts(stage, page) {
  await page.click('nav a:text-is("Учётные записи")');
  await page.waitForSelector('caption:text-is("Кто вошёл")');
  await withoutViolations(page, 'accounts');
  await page.click('summary:text-is("Новая учётная запись")');
  await page.fill('#a-name', 'school-1');
  await page.fill('#a-limit', '1022400001000');
  await page.click('details form button');
  await page.waitForSelector('[role=alert]');
  await page.fill('#a-limit', '1022400001007');
  await page.click('details form button');
  const link = await page.textContent('#a-link');
  await page.waitForSelector('td:text-is("организация")');
  assert.ok((await page.locator('td').allTextContents()).includes('ответственный за персональные данные'), 'roles are words');
  const school = await stage.page();
  const asked = [];
  school.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await school.goto(link);
  await school.fill('#password', PASSWORD);
  await school.fill('#again', PASSWORD);
  await school.click('main button');
  await school.waitForSelector('h1:text-is("Аудит")');
  assert.deepEqual(await school.locator('nav a').allTextContents(), ['Аудит', 'На исправлении']);
  await school.waitForSelector('text=Ничего не найдено');
  await withoutViolations(school, 'what is theirs');
  assert.ok(!asked.includes('/api/v1/status'), 'what is not theirs is not asked for');
  await page.click('button[aria-label="Заблокировать: school-1"]');
  await page.waitForSelector('button[aria-label="Разблокировать: school-1"]');
  await school.reload();
  await school.waitForSelector('#name');
  await fitsAPhone(page, 'accounts');
}

await play('access', async (stage) => {
  const officer = await stage.as('zotova');
  const {number} = await stage.aboutAPerson(officer, false);
  await masked(officer, stage.origin, number);
  await lookAt(officer, number, '17-03');
  await officer.click('button:text-is("Скрыть")');
  assert.ok(!SNILS.test(await officer.textContent('main')), 'hidden again');
  await journal(officer, number, '17-03');
  const admin = await stage.as('smirnov');
  await accounts(stage, admin);
});
