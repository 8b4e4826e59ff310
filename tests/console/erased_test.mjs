// An event whose person was erased (the region erases one when it starts): it says when and on which request, and
// offers nothing to show. What the hub refuses, and an address that is none, are said in Russian.
import assert from 'node:assert/strict';
import {fitsAPhone, play, withoutViolations} from './stage.mjs';

async function anErasedEvent(stage, page) {
  const event = await stage.aboutAPerson(page, true);
  await page.goto(`${stage.origin}/#/event/${event.number}`);
  await page.waitForSelector('h1:has-text("Событие")');
  await page.waitForSelector('text=Персональные данные уничтожены по запросу');
  const text = await page.textContent('main');
  assert.ok(text.includes('персональные данные уничтожены'), 'its state');
  assert.ok(text.replace(/\s/g, '').includes(`событие№${event.erased.by[0].event}`), 'the event that says so');
  assert.equal(await page.locator('button:text-is("Показать персональные данные")').count(), 0);
  await withoutViolations(page, 'an erased event');
  await fitsAPhone(page, 'an erased event');
}

async function inRussian(stage, page) {
  await page.goto(`${stage.origin}/#/event/999999999`);
  await page.waitForSelector('[role=alert] >> text=В журнале нет такого номера');
  assert.ok((await page.textContent('[role=alert]')).includes('Где: номер'));
  await page.goto(`${stage.origin}/#/no-such-page`);
  await page.waitForSelector('h1:text-is("Нет такой страницы")');
  await page.click('main a');
  await page.waitForFunction(() => location.hash === '#/');
}

await play('erased', async (stage) => {
  const page = await stage.as('auditor');
  await anErasedEvent(stage, page);
  await inRussian(stage, page);
});
