// «На исправлении» in a browser, by two accounts: one proposes a correction and cannot approve it, the other looks and
// approves; rejected, discarded, many at once; who may only look, and parked deliveries.
// node desk_test.mjs BIN-FOLDER. Exit: 0, 1, 77 (no browser here: skipped).
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {join} from 'node:path';
import {fitsAPhone, play, withoutViolations} from './stage.mjs';

const WRONG = '11223344594';
const GOOD = '08765430300';
const OTHER = '11223344595';
const FAMILY = 'Непомнящая';

// Events that wait: the check digits of a СНИЛС are wrong. Their numbers.
function waiting(stage, names) {
  const lines = names.map((name) => JSON.stringify({specversion: '1.0', id: name, source: 'urn:marshrut:24:copmkp', type: 'nms.deficit.identified.v1', time: '2026-03-01T09:00:00Z', regioncode: '24', basis: 'education', actor: 'test', actorrole: 'system',
    data: {person: {snils: WRONG, familyName: FAMILY, localId: `desk-${name}`}, deficitId: name, area: 'ict', severity: 'SEVERITY_MODERATE', identifiedOn: '2026-03-01'}}));
  let said;
  try {
    said = execFileSync(join(stage.bin, 'marshrut'), ['-c', join(stage.dir, 'marshrut.yaml'), '--json', 'publish'], {encoding: 'utf8', input: `${lines.join('\n')}\n`});
  } catch (error) {
    said = error.stdout; // exit code 1: not simply stored
  }
  const numbers = said.trim().split('\n').map((line) => JSON.parse(line)).filter((one) => one.number).map((one) => one.number);
  assert.equal(numbers.length, names.length);
  return numbers;
}

const open = async (page, stage, hash) => { await page.goto('about:blank'); await page.goto(`${stage.origin}/${hash}`); };
const rowOf = (number) => `#/quarantine?number=${number}`;

async function look(page) {
  await page.waitForSelector('button:text-is("Показать значения")');
  if (await page.locator('#look-reason').count()) { // in a case that is open nothing is asked again
    await page.selectOption('#look-reason', 'correction');
    await page.fill('#case', '17-03');
  }
  await page.click('button:text-is("Показать значения")');
  await page.waitForSelector('caption:text-is("Поля события")');
}

async function proposing(page, stage, number) {
  await open(page, stage, '#/quarantine');
  await page.waitForSelector(`a[href="#/quarantine?number=${number}"]`);
  assert.ok((await page.textContent('main')).includes('контрольная сумма СНИЛС не сходится'));
  await withoutViolations(page, 'the list');
  await page.focus(`a[href="#/quarantine?number=${number}"]`);
  await page.keyboard.press('Enter'); // without a mouse
  await page.waitForSelector('h1:has-text("Событие №")');
  assert.ok(!(await page.textContent('main')).includes(FAMILY));
  await look(page);
  assert.ok(!(await page.textContent('main')).includes(FAMILY), 'personal fields are masked');
  await page.check('label:has-text("персональные поля") input');
  assert.ok((await page.textContent('main')).includes(FAMILY));
  await withoutViolations(page, 'a row with its form');
  await page.fill('#fix-reason', 'case-7');
  await page.click('button:text-is("Предложить")');
  await page.waitForSelector('text=Ничего не исправлено');
  assert.ok((await page.textContent('main')).includes('Фамилия'), 'fields have words');
  await page.fill('#other', 'Непонятное поле');
  await page.click('button:text-is("Предложить")');
  await page.waitForSelector('text=Такого поля у события нет');
  await page.fill('#other', '');
  await page.fill('[name="set person.snils"]', WRONG.replace(/4$/, '3'));
  await page.click('button:text-is("Предложить")');
  await page.waitForSelector('[role=alert]:has-text("И с этим исправлением событие не будет принято")'); // the rules are asked at once
  await page.fill('[name="set person.snils"]', GOOD);
  await page.click('button:text-is("Предложить")');
  await page.waitForSelector('text=Предложено. Теперь его должен утвердить другой человек.');
}

async function theProposerCannotApprove(page) {
  await page.waitForSelector('text=Вы предложили это исправление');
  assert.equal(await page.locator('button:text-is("Утвердить исправление")').count(), 0);
  assert.equal(await page.locator('button:text-is("Отклонить исправление")').count(), 1);
}

async function approving(page, stage, number) {
  await open(page, stage, '#/quarantine?state=proposed');
  await page.waitForSelector('td:has-text("Предложил: orlova")');
  await page.click(`a[href="#/quarantine?number=${number}"]`);
  await page.waitForSelector('button:text-is("Утвердить исправление")');
  assert.ok(await page.isDisabled('button:text-is("Утвердить исправление")'), 'nobody approves what was not looked at');
  await look(page);
  await page.check('label:has-text("персональные поля") input');
  await page.waitForSelector(`td strong:text-is("${GOOD}")`);
  await withoutViolations(page, 'a proposal');
  await page.click('button:text-is("Утвердить исправление")');
  await page.waitForSelector('text=Новый номер');
  await page.waitForSelector('dd:text-is("принято")');
  assert.equal(await page.locator('button:text-is("Утвердить исправление")').count(), 0);
}

// What is typed in is not cut off by its table.
async function isWholeOnAPhone(page, selector) {
  const size = page.viewportSize();
  await page.setViewportSize({width: 360, height: 740});
  const {x, width} = await page.locator(selector).boundingBox();
  assert.ok(x >= 0 && x + width <= 360 && width > 150, `${selector}: from ${x}, ${width} wide`);
  await withoutViolations(page, 'a correction on a phone');
  await page.setViewportSize(size);
}

async function propose(page, stage, number, value) {
  await open(page, stage, rowOf(number));
  await page.waitForSelector('#fix-reason');
  await isWholeOnAPhone(page, '[name="set person.snils"]');
  await page.fill('[name="set person.snils"]', value);
  await page.fill('#fix-reason', 'case-9');
  await page.click('button:text-is("Предложить")');
  await page.waitForSelector('text=Вы предложили это исправление');
}

async function reject(page) {
  await page.fill('#reject-reason', 'not-right');
  await page.click('button:text-is("Отклонить исправление")');
  await page.waitForSelector('text=Сделано: 1');
}

// Looked at, and exchanged for another one before the button is pressed.
async function anotherThanWasSeen(proposer, page, stage, number) {
  await propose(proposer, stage, number, GOOD);
  await open(page, stage, rowOf(number));
  await look(page);
  await reject(proposer);
  await propose(proposer, stage, number, OTHER);
  await page.click('button:text-is("Утвердить исправление")');
  await page.waitForSelector('[role=alert]:has-text("by orlova, not event")');
  await page.waitForSelector('button[disabled]:text-is("Утвердить исправление")'); // not before it is looked at
  await look(page);
  await page.check('label:has-text("персональные поля") input');
  await page.waitForSelector(`td strong:text-is("${OTHER}")`);
  await reject(proposer);
}

async function rejecting(proposer, page, stage, number) {
  await open(proposer, stage, rowOf(number));
  await proposer.waitForSelector('#fix-reason');
  await proposer.fill('[name="set person.snils"]', GOOD);
  await proposer.waitForSelector('#others option', {state: 'attached'});
  await proposer.fill('#other', 'Отчество'); // a word of the list
  await proposer.fill('#othervalue', 'Павловна');
  await proposer.fill('#fix-reason', 'case-8');
  await proposer.click('button:text-is("Предложить")');
  await proposer.waitForSelector('text=Вы предложили это исправление');
  await proposer.waitForSelector('dd:text-matches("СНИЛС, Отчество|Отчество, СНИЛС")');
  await open(page, stage, rowOf(number));
  await page.fill('#reject-reason', 'not-right');
  await page.click('button:text-is("Отклонить исправление")');
  await page.waitForSelector('text=Сделано: 1');
  await page.waitForSelector('#fix-reason'); // it waits on, and may be corrected again
}

async function many(page, stage, numbers) {
  await open(page, stage, '#/quarantine?system=copmkp&code=snils-checkdigit');
  for (const number of numbers.slice(0, 2)) await page.check(`input[aria-label="Отметить ${number}"]`);
  await page.fill('#reason', 'tests');
  await page.click('form button[value=release]');
  await page.waitForSelector('text=Не сделано: 2'); // they are wrong still
  for (const number of numbers.slice(0, 2)) await page.check(`input[aria-label="Отметить ${number}"]`);
  await page.fill('#reason', 'tests');
  page.once('dialog', (dialog) => dialog.accept());
  await page.click('form button[value=discard]');
  await page.waitForSelector('text=Сделано: 2');
  await page.check('[name=byfilter]');
  await page.fill('#reason', 'tests');
  page.once('dialog', (dialog) => dialog.accept());
  await page.click('form button[value=discard]');
  await page.waitForSelector('text=Ничего не ждёт исправления');
  assert.ok(!page.url().includes(FAMILY) && !page.url().includes(GOOD));
}

async function lookingOnly(page, stage, number) {
  await open(page, stage, '#/quarantine?state=all');
  await page.waitForSelector('tbody a');
  assert.equal(await page.locator('form button[value=discard]').count(), 0);
  await page.waitForSelector('h2:text-is("Отложенные доставки")');
  await open(page, stage, rowOf(number));
  await page.waitForSelector('button:text-is("Показать значения")');
  assert.equal(await page.locator('#fix-reason, #end-reason').count(), 0);
  await open(page, stage, '#/quarantine?state=all');
  await page.waitForSelector('tbody a');
  await fitsAPhone(page, 'the desk');
}

// «Обзор» accounts for what was put aside.
async function theBalanceHasIt(page, stage) {
  await open(page, stage, '#/');
  await page.waitForSelector('caption:text-is("Сверка: На исправлении")');
  await page.waitForSelector('th:text-is("принято как есть")');
  await withoutViolations(page, 'the balance of the desk');
}

await play('desk', async (stage) => {
  const [first, second, ...rest] = waiting(stage, ['q-1', 'q-2', 'q-3', 'q-4', 'q-5']);
  const cnppm = await stage.as('orlova');
  const officer = await stage.as('zotova');
  await proposing(cnppm, stage, first);
  await theProposerCannotApprove(cnppm);
  await approving(officer, stage, first);
  await anotherThanWasSeen(cnppm, officer, stage, second);
  await rejecting(cnppm, officer, stage, second);
  await lookingOnly(await stage.as('auditor'), stage, second);
  await many(officer, stage, [second, ...rest]);
  await theBalanceHasIt(await stage.again('auditor'), stage);
  stage.tool('balance');
  const missing = await officer.evaluate(async () => (await import('/console/words.js')).missing());
  assert.deepEqual(missing, [], 'words without English');
});
