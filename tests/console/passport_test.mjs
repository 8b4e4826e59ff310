// «Паспорт» by those whose work it is, in a headless Chromium: each step by its role, what is not theirs, two people
// at one cell, a cell's way back to its events, two points in time, files. node passport_test.mjs BIN-FOLDER.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {answersComeLate, itIsToldThoughTheFormIsGone, noAnswerComes, theReloadFails, whatWasTypedStays} from './passport_waits.mjs';
import {fitsAPhone, play, withoutViolations} from './stage.mjs';

const steps = ['Передать в министерство', 'Утвердить', 'Вернуть в ЦНППМ', 'Отметить отправку', 'Записать: согласован', 'Записать: возвращён'];

// The page drawn anew.
async function open(page, rest = '') {
  await page.goto('about:blank');
  await page.goto(`${page.origin}/#/passport${rest}`);
  await page.waitForSelector('section.section'); // the figures are there: so is what may be done
}

async function offered(page) {
  const there = [];
  for (const step of steps) if (await page.locator('section[aria-label="Ход паспорта"] button', {hasText: step}).count()) there.push(step);
  return there;
}

async function isWritten(page) {
  await page.waitForSelector('[role=status] >> text=Записано событием');
}

async function take(page, step, fields = {}) {
  await open(page);
  assert.ok((await offered(page)).includes(step), `${step} is offered`);
  await page.click(`section[aria-label="Ход паспорта"] button:has-text("${step}")`);
  for (const [name, value] of Object.entries(fields)) await page.fill(`#f-${name}`, value);
  await withoutViolations(page, step);
  await page.click('form.act button:has-text("Записать")');
  await isWritten(page);
}

// As a page would that shows the button all the same.
async function isRefused(page, step, body) {
  const [status, type] = await page.evaluate(async ([path, text]) => {
    const {csrf} = await (await fetch('/api/v1/session')).json();
    const response = await fetch(`/api/v1/passport/${path}`, {method: 'POST', headers: {'Content-Type': 'application/json', 'X-CSRF-Token': csrf}, body: text});
    return [response.status, (await response.json()).type];
  }, [step, JSON.stringify(body)]);
  assert.deepEqual([status, type], [403, 'urn:marshrut:problem:denied'], step);
}

async function nothingForTheAuditor({auditor}) {
  await open(auditor);
  assert.deepEqual(await offered(auditor), []);
  assert.equal(await auditor.locator('.section button').count(), 0, 'nothing to write');
  for (const [step, body] of [['set', {cell: '3.x', value: '1', basis: 'b'}], ['override', {cell: '1.total', value: '1', reason: 'r'}], ['submit', {}], ['approve', {}], ['handback', {reason: 'r'}],
    ['send', {letter_number: '1', letter_date: '2026-12-01'}], ['answer', {answer: 'agreed'}], ['copied', {section: 1}]]) await isRefused(auditor, step, body);
}

async function theFormHasItsSections({auditor}) {
  const titles = await auditor.locator('section.section > h2').allTextContents();
  assert.equal(titles.length, 8);
  assert.ok(titles[0].startsWith('1. ') && titles[7].startsWith('8. '), titles.join());
  await auditor.waitForSelector('.badge:has-text("образец")');
  await withoutViolations(auditor, 'passport');
}

async function aCellLeadsToItsEvents({auditor}) {
  await auditor.focus('.section tbody a >> nth=0');
  await auditor.keyboard.press('Enter');
  await auditor.waitForSelector('.explained dt:has-text("Правило")');
  await auditor.waitForFunction(() => document.activeElement.classList.contains('explained'));
  await auditor.waitForSelector('.explained h3:has-text("Чего не хватает")');
  assert.match(await auditor.textContent('.explained'), /staff\.total, версия 1/);
  await withoutViolations(auditor, 'a cell');
  await auditor.click('.explained .numbers a >> nth=0');
  await auditor.waitForSelector('h1:has-text("Событие")');
  await auditor.goBack();
  await auditor.waitForSelector('.explained');
  await auditor.click('.explained a:has-text("Закрыть")');
  await auditor.waitForFunction(() => !document.querySelector('.explained'));
}

async function theFederalOperatorReturnsIt({federal, cnppm, ministry}) {
  await open(cnppm);
  assert.deepEqual(await offered(cnppm), []);
  await open(ministry);
  assert.deepEqual(await offered(ministry), []);
  await isRefused(ministry, 'answer', {answer: 'agreed'});
  await take(federal, 'Записать: возвращён', {reason: 'раздел 3 пуст', letter_number: '88', letter_date: '2026-11-25'});
  await open(federal);
  assert.deepEqual(await offered(federal), []);
}

async function enter(page, cell, value) {
  await page.click('section.section:has(#s-3) button:has-text("Внести значение")');
  await page.fill('#f-cell', cell);
  await page.fill('#f-value', value);
  await page.fill('#f-basis', 'приказ 12');
  await page.setInputFiles('#f-file', {name: 'order.pdf', mimeType: 'application/pdf', buffer: Buffer.from('an order')});
  await page.click('form.act button:has-text("Записать")');
}

// The form's cells are offered, and a typing error is told from them.
async function aCellThatTheFormHasNot({cnppm}) {
  await open(cnppm);
  await enter(cnppm, '3.premisses', '12');
  await cnppm.waitForSelector('[role=alert] >> text=Такой ячейки, которую вносят вручную, в форме нет');
  assert.match(await cnppm.textContent('[role=alert]'), /3\.premises/);
  const offered = await cnppm.locator('#f-cell-list option').evaluateAll((options) => options.map((o) => `${o.value} ${o.textContent}`));
  assert.ok(offered.includes('3.premises Учебные помещения') && offered.every((o) => o.startsWith('3.')), offered.join());
  await withoutViolations(cnppm, 'no such cell');
  assert.equal(await cnppm.locator('section.section:has(#s-2) button:has-text("Внести значение")').count(), 0, 'nothing to enter there');
}

async function twoPeopleEnterOneValue({cnppm, colleague}) {
  await open(cnppm);
  await open(colleague);
  await enter(cnppm, '3.premises', '12');
  await isWritten(cnppm);
  await enter(colleague, '3.premises', '13');
  await colleague.waitForSelector('[role=alert] >> text=Пока вы смотрели');
  await withoutViolations(colleague, 'a conflict');
  await colleague.click('button:has-text("Посмотреть, что теперь")');
  await colleague.waitForSelector('section.section:has(#s-3) td:has-text("12")');
}

async function aFigureIsOverridden({cnppm}) {
  await open(cnppm, '?cell=1.total');
  await cnppm.click('.explained button:has-text("Исправить")');
  await cnppm.fill('#f-value', '61');
  await cnppm.fill('#f-reason', 'поздний приём');
  await cnppm.click('form.act button:has-text("Записать")');
  await isWritten(cnppm);
  await cnppm.waitForSelector('.explained dt:has-text("По правилу было бы")');
  assert.match(await cnppm.textContent('.explained'), /поздний приём/);
}

async function theWholeWay({cnppm, ministry, federal}) {
  await isRefused(ministry, 'submit', {});
  await take(cnppm, 'Передать в министерство', {note: 'раздел 3 внесён'});
  await isRefused(cnppm, 'approve', {});
  await take(ministry, 'Вернуть в ЦНППМ', {reason: 'проверить итог'});
  await take(cnppm, 'Передать в министерство');
  await open(ministry);
  const colleague = ministry.other;
  await open(colleague);
  await take(ministry, 'Утвердить', {order_number: '15', order_date: '2026-11-26'});
  await colleague.click('button:has-text("Вернуть в ЦНППМ")'); // what it shows is not so any more
  await colleague.fill('#f-reason', 'r');
  await colleague.click('form.act button:has-text("Записать")');
  await colleague.waitForSelector('[role=alert] >> text=Пока вы смотрели');
  await take(ministry, 'Отметить отправку', {letter_number: '99', letter_date: '2026-11-27'});
  await open(cnppm);
  await cnppm.click('section.section:has(#s-3) button:has-text("Отметить раздел перенесённым")');
  await cnppm.click('form.act button:has-text("Записать")');
  await isWritten(cnppm);
  await cnppm.waitForSelector('section.section:has(#s-3) td:has-text("Перенесено в кабинет")');
  await take(federal, 'Записать: согласован', {letter_number: '90', letter_date: '2026-11-28'});
  await cnppm.click('summary');
  await cnppm.waitForSelector('table:has(caption:text-is("Что делали с паспортом"))');
  const history = await cnppm.textContent('details');
  for (const done of ['внесено', 'исправлено', 'передан в министерство', 'возвращён в ЦНППМ', 'утверждён', 'отправлен', 'перенесено в кабинет', 'поздний приём', 'проверить итог']) assert.ok(history.includes(done), done);
}

async function twoPointsInTime({auditor}) {
  await open(auditor);
  await auditor.click('a:text-is("Сравнить")');
  await auditor.waitForSelector('h1:text-is("Паспорт: Сравнение")');
  await auditor.selectOption('fieldset >> nth=0 >> select', 'version');
  await auditor.fill('fieldset >> nth=0 >> input', '1');
  await auditor.click('main form button');
  await auditor.waitForSelector('caption:has-text("Отличаются ячеек")');
  const row = auditor.locator('tbody tr', {hasText: 'Учебные помещения'});
  assert.match(await row.textContent(), /12/);
  assert.match(await row.textContent(), /появилась/);
  await withoutViolations(auditor, 'compare');
  await open(auditor, '?point=2');
  assert.match(await auditor.textContent('main'), /Период: 01\.01\.2026 — 31\.12\.2026\..*Последнее учтённое событие: 2,/s);
  assert.equal(await auditor.locator('section.section tbody tr', {hasText: 'Учебные помещения'}).count(), 0);
  const timeZone = await auditor.evaluate(async () => (await (await fetch('/api/v1/passport/workflow')).json()).timezone);
  const today = new Intl.DateTimeFormat('sv', {timeZone}).format(new Date());
  await auditor.selectOption('fieldset select', 'date');
  await auditor.fill('fieldset input', today);
  await auditor.click('main form button');
  await auditor.waitForSelector('section.section td:has-text("12")');
}

async function files({auditor}) {
  for (const [format, begins] of [['XLSX', 'PK'], ['CSV', '\ufeff'], ['JSON', '{']]) {
    const [download] = await Promise.all([auditor.waitForEvent('download'), auditor.click(`.exports a:text-is("${format}")`)]);
    assert.ok(readFileSync(await download.path(), 'utf8').startsWith(begins), format);
    assert.equal(download.suggestedFilename(), `passport.${format.toLowerCase()}`);
  }
}

async function everywhere({auditor, cnppm}) {
  await cnppm.emulateMedia({colorScheme: 'dark'});
  await open(cnppm, '?cell=7.deficits.share');
  await cnppm.waitForSelector('.explained');
  await withoutViolations(cnppm, 'dark');
  await fitsAPhone(cnppm, 'passport');
  await withoutViolations(cnppm, 'phone');
  await cnppm.emulateMedia({media: 'print'});
  assert.equal(await cnppm.locator('nav').isVisible(), false, 'no menu on paper');
  assert.equal(await cnppm.locator('section.section table >> nth=0').isVisible(), true);
  await auditor.click('button:text-is("English")');
  await auditor.waitForSelector('h2:text-matches("^Way of the passport: [a-z][a-zЦНППМ ]+$")'); // its state is in English too
  const titles = await auditor.locator('section.section tbody a').allTextContents();
  for (const title of ['All staff (ПР and УК)', 'Deficits identified', 'Programmes of the region: ПК']) assert.ok(titles.includes(title), `${title} is not in ${titles}`);
  assert.equal(await auditor.textContent('#s-7'), '7. Results of the system');
  const missing = await auditor.evaluate(async () => (await import('/console/words.js')).missing());
  assert.deepEqual(missing, [], 'words without English');
}

await play('passport', async (stage) => {
  const people = {};
  for (const [role, name] of [['cnppm', 'orlova'], ['ministry', 'belov'], ['federal', 'akademia'], ['auditor', 'auditor']]) people[role] = await stage.as(name);
  people.colleague = await stage.again('orlova');
  people.ministry.other = await stage.again('belov');
  for (const page of [...Object.values(people), people.ministry.other]) page.origin = stage.origin;
  for (const step of [nothingForTheAuditor, theFormHasItsSections, aCellLeadsToItsEvents, theFederalOperatorReturnsIt, aCellThatTheFormHasNot, twoPeopleEnterOneValue, answersComeLate, noAnswerComes, theReloadFails, whatWasTypedStays, itIsToldThoughTheFormIsGone, aFigureIsOverridden, theWholeWay, twoPointsInTime, files, everywhere]) {
    await step(people);
    console.log(`passport: ${step.name}`);
  }
});
