// Whoever clicks is told, whatever the answers do: late, in another order, lost. Steps of passport_test.mjs.
import assert from 'node:assert/strict';

const WRITTEN = '[role=status] >> text=Записано событием';
const WAITS = '[role=status] >> text=Записывается';

async function fill(page, cell, value) {
  await page.goto('about:blank');
  await page.goto(`${page.origin}/#/passport`);
  await page.click('section.section:has(#s-3) button:has-text("Внести значение")');
  await page.fill('#f-cell', cell);
  await page.fill('#f-value', value);
  await page.fill('#f-basis', 'приказ 12');
}

const write = (page) => page.click('form.act button:has-text("Записать")');
const shows = (page, value) => page.waitForSelector(`section.section:has(#s-3) td:text-is("${value} ед.")`);

// Holds requests back until it is called with what becomes of the next one: 'continue' or 'abort'.
async function held(page, pattern) {
  const waiting = [];
  const takers = [];
  await page.route(pattern, (route) => (takers.length ? takers.shift()(route) : waiting.push(route)));
  return async (what) => {
    const route = waiting.length ? waiting.shift() : await new Promise((take) => { takers.push(take); });
    await route[what]();
  };
}

// Answers come after a pause of their own (pseudo-random, the same in each run), so in any order.
export async function answersComeLate({cnppm}) {
  let seed = 7;
  await cnppm.route('**/api/v1/**', (route) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    setTimeout(() => route.continue().catch(() => {}), seed % 400);
  });
  for (let i = 0; i < 3; i++) {
    await fill(cnppm, ['3.equipment', '3.computers', '3.internship-sites'][i], String(700 + i));
    await write(cnppm);
    await cnppm.waitForSelector(WRITTEN);
    await shows(cnppm, String(700 + i));
  }
  await cnppm.unroute('**/api/v1/**');
}

// Lost on its way: nobody knows whether it was written, and it is said so.
export async function noAnswerComes({cnppm}) {
  const set = await held(cnppm, '**/passport/set');
  await fill(cnppm, '3.mentor-sites', '41');
  await write(cnppm);
  await cnppm.waitForSelector(WAITS);
  await set('abort');
  await cnppm.waitForSelector('[role=alert] >> text=неизвестно, записано ли');
  assert.equal(await cnppm.locator(WAITS).count(), 0);
  assert.equal(await cnppm.inputValue('#f-value'), '41', 'what was typed is still there');
  await cnppm.click('button:has-text("Посмотреть, что теперь")');
  await cnppm.waitForSelector('section.section:has(#s-3) button:has-text("Внести значение")');
  await cnppm.unroute('**/passport/set');
}

// It is written, but the passport cannot be drawn anew.
export async function theReloadFails({cnppm}) {
  await fill(cnppm, '3.agreements', '43');
  await cnppm.route('**/api/v1/passport/workflow', (route) => route.abort());
  await write(cnppm);
  await cnppm.waitForSelector('[role=alert] >> text=Хаб не отвечает');
  await cnppm.waitForSelector(WRITTEN);
  await cnppm.unroute('**/api/v1/passport/workflow');
  await cnppm.click('button:has-text("Повторить")');
  await shows(cnppm, '43');
}

// A refusal leaves the form as it was.
export async function whatWasTypedStays({cnppm}) {
  await fill(cnppm, '3.libraries', '44');
  await cnppm.fill('#f-cell', 'no such cell');
  await write(cnppm);
  await cnppm.waitForSelector('form.act [role=alert]');
  assert.deepEqual([await cnppm.inputValue('#f-cell'), await cnppm.inputValue('#f-value'), await cnppm.inputValue('#f-basis')], ['no such cell', '44', 'приказ 12']);
  await cnppm.fill('#f-cell', '3.libraries');
  await write(cnppm);
  await cnppm.waitForSelector(WRITTEN);
  await shows(cnppm, '44');
}

// Another cell is opened while the answer is on its way: the form is gone, what came of it is told all the same.
export async function itIsToldThoughTheFormIsGone({cnppm}) {
  const set = await held(cnppm, '**/passport/set');
  await fill(cnppm, '3.places', '45');
  await write(cnppm);
  await cnppm.waitForSelector(WAITS);
  await cnppm.click('section.section:has(#s-1) tbody a >> nth=0');
  await cnppm.waitForSelector('.explained');
  await cnppm.waitForSelector(WAITS);
  await set('continue');
  await cnppm.waitForSelector(WRITTEN);
  await shows(cnppm, '45');
  await cnppm.unroute('**/passport/set');
}
