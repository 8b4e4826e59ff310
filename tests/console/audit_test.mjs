// «Аудит» in a browser: the line and its counts, a person who gets into no address, an event with its case, a log
// that is tampered with in eight ways, content that would like to run.
// node audit_test.mjs BIN-FOLDER. Exit: 0, 1, 77 (no browser here: skipped).
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {join} from 'node:path';
import {fitsAPhone, play, withoutViolations} from './stage.mjs';

const SNILS = '112-233-445 95';
const EVIL = '<img src=x onerror="window.ran=1"><script>window.ran=1</script>${window.ran=1}{{ran}}';

// ---- what the log has beside the region's events: a case of three, whose strings would like to run ----

const programme = (id, more) => JSON.stringify({specversion: '1.0', id, source: 'urn:marshrut:24:portal', type: 'nms.programme.listed.v1', time: '2026-09-01T09:00:00Z', regioncode: '24', correlationid: 'the-case', ...more,
  data: {programmeId: id, title: EVIL, kind: 'PK', hours: 72, providerOgrn: '1022400001007', registry: 'own'}});

const deficit = JSON.stringify({specversion: '1.0', id: 'd-1', source: 'urn:marshrut:24:copmkp', type: 'nms.deficit.identified.v1', time: '2026-03-01T09:00:00Z', regioncode: '24', basis: 'education', actor: 'test', actorrole: 'system',
  data: {person: {snils: SNILS.replace(/\D/g, ''), familyName: 'Петрова'}, deficitId: 'D-1', area: 'ict', identifiedOn: '2026-03-01'}});

function publish(stage, lines) {
  return execFileSync(join(stage.bin, 'marshrut'), ['-c', join(stage.dir, 'marshrut.yaml'), 'publish'], {encoding: 'utf8', input: `${lines.join('\n')}\n`});
}

const open = async (page, stage, hash) => { await page.goto('about:blank'); await page.goto(`${stage.origin}/${hash}`); };
const lineOf = (q) => `#/audit?${new URLSearchParams({q})}`;
const counted = async (page) => {
  await page.waitForSelector('.facets[aria-busy=false]');
  return page.$$eval('.facet', (facets) => facets.map((facet) => [...facet.querySelectorAll('li .soft')].reduce((sum, n) => sum + Number(n.textContent.replace(/\D/g, '')), 0)));
};

// ---- the line ----

async function searching(page, stage) {
  await open(page, stage, '#/audit');
  await page.waitForSelector('caption:text-is("Последние события")');
  const [, systems, states] = await counted(page);
  assert.equal(systems, states); // each of them counts everything once
  assert.ok(states > 100);
  const days = await page.locator('.facet:has(h2:text-is("По дням")) a').allTextContents();
  assert.ok(days.length > 0 && days.every((text) => /^\d{2}\.\d{2}\.\d{4}$/.test(text)), String(days));
  await withoutViolations(page, 'audit');
  await page.fill('input[type=search]', 'тип:nms.course.');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => decodeURIComponent(location.hash).includes('nms.course.'));
  await page.waitForSelector('caption:text-is("Найденные события")');
  await page.waitForFunction(() => [...document.querySelectorAll('tbody tr')].every((row) => row.textContent.includes('nms.course.')));
  const [types, , some] = await counted(page);
  assert.ok(types === some && some < states);
  const first = page.locator('.facet a >> nth=0');
  const name = await first.textContent();
  await first.focus();
  await page.keyboard.press('Enter'); // a condition is chosen without a mouse
  await page.waitForFunction((type) => document.querySelector('input[type=search]').value === `тип:${type}`, name);
  await page.waitForFunction((type) => [...document.querySelectorAll('tbody tr')].every((row) => row.textContent.includes(type)), name);
  await page.goBack();
  await page.waitForFunction(() => document.querySelector('input[type=search]').value === 'тип:nms.course.');
  await page.goForward();
  await page.waitForFunction((type) => document.querySelector('input[type=search]').value === `тип:${type}`, name);
}

async function turningPages(page, stage) {
  await open(page, stage, lineOf('состояние:запечатано'));
  const numbers = () => page.$$eval('tbody td:first-child', (cells) => cells.map((cell) => Number(cell.textContent.replace(/\D/g, ''))));
  await page.waitForSelector('tbody a');
  const first = await numbers();
  assert.deepEqual(first, [...first].sort((a, b) => b - a), 'what has just happened comes first');
  await page.click('text="Раньше"');
  await page.waitForFunction(() => location.hash.includes('cursor='));
  await page.waitForFunction((last) => Number(document.querySelector('tbody td')?.textContent.replace(/\D/g, '')) < last, first.at(-1));
  assert.ok((await numbers()).every((n) => !first.includes(n)));
  await page.goBack();
  await page.waitForFunction((n) => Number(document.querySelector('tbody td')?.textContent.replace(/\D/g, '')) === n, first[0]);
  await open(page, stage, '#/audit');
  await page.waitForSelector('tbody a');
  const newest = await numbers();
  assert.deepEqual(newest, [...newest].sort((a, b) => b - a));
  await page.click('text="Раньше"');
  await page.waitForFunction((last) => Number(document.querySelector('tbody td')?.textContent.replace(/\D/g, '')) === last - 1, newest.at(-1));
}

async function whatIsWrong(page, stage) {
  await open(page, stage, '#/audit');
  await page.fill('input[type=search]', 'тип:nms. цвет:красный');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=alert] >> text=Знак 10: нет такого условия «цвет»');
  assert.equal(await page.textContent('mark'), 'цвет:красный');
  assert.ok(!page.url().includes('q='));
  await withoutViolations(page, 'what is wrong with the line');
  for (const [hash, said] of [['#/audit?q=%ff%fe', 'не текст'], [lineOf('x'.repeat(20_000)), 'длиннее'], [lineOf(`дело:${EVIL}`), 'только что-то одно'], [lineOf('a:'.repeat(240)), 'нет такого условия']]) {
    await open(page, stage, hash);
    await page.waitForSelector(`[role=alert] >> text=${said}`);
  }
  await open(page, stage, lineOf('дело:"<script>window.ran=1</script>"'));
  await page.waitForSelector('text=Ничего не найдено');
  assert.equal(await page.evaluate(() => window.ran), undefined);
}

// What was found goes into a file whose own commands verify it.
async function takenAway(page, stage) {
  await open(page, stage, lineOf('дело:the-case'));
  await page.waitForSelector('tbody a');
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('text="Скачать найденное с доказательствами"')]);
  assert.match(download.suggestedFilename(), /^events-\d+-\d+\.zip$/);
  const folder = join(stage.dir, 'taken');
  await download.saveAs(join(folder, 'events.zip'));
  execFileSync('unzip', ['-q', 'events.zip', '-x', '*.txt'], {cwd: folder});
  assert.match(execFileSync('sh', ['verify.sh', stage.tool('log', 'key').trim()], {cwd: folder, encoding: 'utf8'}), /^3 records are in the log/);
  await open(page, stage, lineOf('дело:no-such-case'));
  await page.click('text="Скачать найденное с доказательствами"');
  await page.waitForSelector('text=Скачивать нечего');
}

// ---- a person ----

async function nobodyInAnAddress(page, stage) {
  const addresses = [];
  page.on('request', (request) => addresses.push(request.url()));
  await open(page, stage, '#/audit');
  for (const line of [SNILS, `дело:${SNILS.replace(/\D/g, '')}`, 'Петрова Мария']) {
    await page.fill('input[type=search]', line);
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=alert] >> text=похоже на сведения о человеке');
  }
  await page.click('summary:text-is("Найти события человека")');
  await page.fill('#snils', SNILS);
  await page.fill('#case', '17-03');
  await page.click('.person button');
  await page.waitForSelector('.person tbody a');
  assert.ok((await page.textContent('.person tbody')).includes('nms.deficit.identified.v1'));
  assert.equal(await page.inputValue('#snils'), '');
  await withoutViolations(page, 'the form of a person');
  const kept = await page.evaluate(() => JSON.stringify({...localStorage, ...sessionStorage}) + location.href);
  for (const place of [...addresses, kept]) assert.ok(!/112.?233.?445|11223344595|Петрова/i.test(decodeURIComponent(place)), place);
  assert.ok(stage.tool('log', 'find', '--type', 'hub.access.').includes('hub.access.logged.v1'));
}

// ---- an event ----

async function anEvent(page, stage, number) {
  await open(page, stage, `#/event/${number}`);
  await page.waitForSelector('.timeline');
  assert.equal(await page.locator('.timeline li').count(), 3);
  assert.equal(await page.locator('.timeline [aria-current=true]').count(), 1);
  assert.ok((await page.textContent('section:has(> h2:text-is("Дело")) dl')).includes(`Следствия${number + 1}`.replace(/\s/g, '')));
  await page.waitForSelector('.verdict[data-state=proved]');
  await page.waitForSelector('section:has(> h2:text-is("Путь через хаб")) :is(caption, p)');
  assert.ok((await page.textContent('pre')).includes('<script>window.ran=1</script>'));
  assert.equal(await page.locator('main img, main script').count(), 0);
  assert.equal(await page.evaluate(() => window.ran), undefined);
  await withoutViolations(page, 'event');
  await page.click(`.timeline a >> text="${(number + 1).toLocaleString('ru')}"`);
  await page.waitForSelector(`h1:text-is("Событие ${number + 1}")`);
}

// The first of these links whose person was not erased (the region erases one).
async function notErased(page) {
  await page.waitForSelector('tbody a');
  const found = await page.evaluate(async () => {
    for (const link of document.querySelectorAll('tbody a')) {
      const address = link.getAttribute('href');
      const event = await (await fetch(`/api/v1/events/${address.match(/[0-9]+$/)[0]}`)).json();
      if (!event.erased) return address;
    }
    return null;
  });
  assert.ok(found, 'an event of somebody who is not erased');
  return found;
}

async function aSealedOne(page, stage) {
  await open(page, stage, lineOf('тип:nms.deficit.'));
  await page.click(`tbody a[href="${await notErased(page)}"]`);
  await page.waitForSelector('section:has(> h2:text-is("Персональные поля")) dd');
  assert.ok((await page.textContent('section:has(> h2:text-is("Персональные поля"))')).includes('person'));
  await page.waitForSelector('caption:text-is("Доставка")');
  await page.waitForSelector('.verdict[data-state=proved]');
  await page.emulateMedia({colorScheme: 'dark'});
  await withoutViolations(page, 'event, dark');
  await fitsAPhone(page, 'event');
  await open(page, stage, '#/audit');
  await page.waitForSelector('.facets[aria-busy=false]');
  await fitsAPhone(page, 'audit');
  await withoutViolations(page, 'audit, dark, on a phone');
  await page.emulateMedia({colorScheme: 'light'});
  await page.setViewportSize({width: 1280, height: 720});
}

// ---- the proof ----

const checkSaid = (page, text) => page.textContent(`.check:has-text("${text}")`);

// The log grows between two visits, and the browser proves that it only grew.
async function itOnlyGrew(page, stage, number) {
  await open(page, stage, `#/event/${number}`);
  await page.waitForSelector('.verdict[data-state=proved]');
  const before = await page.evaluate(() => JSON.parse(localStorage.getItem('log.seen')).size);
  publish(stage, [1, 2, 3].map((i) => programme(`grown-${i}`)));
  for (let size = before; size <= before;) { // a checkpoint comes within a second of them
    await page.reload();
    await page.waitForSelector('.verdict[data-state=proved]');
    size = await page.evaluate(() => JSON.parse(localStorage.getItem('log.seen')).size);
  }
  const said = await checkSaid(page, 'только дописыва');
  assert.ok(said.includes('сошлось') && said.includes(before.toLocaleString('ru')), said);
}

const flip = (body, at) => { const changed = Buffer.from(body); changed[at] ^= 1; return changed; };
const inText = (change) => (body) => Buffer.from(change(body.toString('utf8')));
const swap = (text, at) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);

// [what is changed on the way, how, the check that must notice]
const TAMPERED = [
  ['**/log/tile/entries/**', (body) => { const all = Buffer.from(body); for (let i = 2; i < all.length; i += 3) all[i] ^= 1; return all; }, 'НЕ СОШЛОСЬ: Запись входит'],
  ['**/log/tile/0/**', (body) => { const all = Buffer.from(body); for (let i = 0; i < all.length; i += 32) all[i] ^= 1; return all; }, 'НЕ СОШЛОСЬ: Запись входит'],
  ['**/log/tile/0/**', () => Buffer.alloc(0), 'НЕ СОШЛОСЬ: Запись входит'],
  ['**/log/checkpoint', inText((note) => swap(note, note.lastIndexOf('=') - 20)), 'НЕ СОШЛОСЬ: Подпись'],
  ['**/log/checkpoint', inText((note) => note.replace(/\n([^\n]+)\n\n/, (all, root) => `\n${swap(root, 3)}\n\n`)), 'НЕ СОШЛОСЬ: Подпись'],
  ['**/log/checkpoint', () => Buffer.from('nonsense'), 'НЕ СОШЛОСЬ: Контрольная точка'],
  ['**/log/vkey', () => Buffer.from('marshrut/24/hub+4144e656+AeTle8T8S8ot3IsfL5b9/JzhZufNY5wQuBHfe1EngbNB\n'), 'НЕ СОШЛОСЬ: Ключ журнала'],
  ['**/api/v1/events/*', inText((json) => json.replace('nms.programme.listed.v1', 'nms.programme.changed.v1')), 'НЕ СОШЛОСЬ: Показанный выше конверт'],
];

async function tampering(page, stage, number) {
  for (const [where, change, noticed] of TAMPERED) {
    await page.route(where, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({response: answer, body: change(await answer.body())});
    });
    await open(page, stage, `#/event/${number}`);
    await page.waitForSelector('.verdict[data-state=failed]');
    assert.ok((await page.textContent('.verdict')).includes('ПРОВЕРКА НЕ ПРОШЛА'));
    const checks = (await page.$$eval('.check', (list) => list.map((check) => check.textContent))).join('\n');
    assert.ok(checks.includes(noticed), `${where}: ${checks}`);
    assert.equal(await page.locator('text=Этот браузер проверил').count(), 0);
    await page.unroute(where);
  }
  await withoutViolations(page, 'a proof that does not hold');
}

// A log that was written anew: all of it is signed and proves itself, but it is not what this browser saw.
async function anotherPast(page, stage, number) {
  await page.evaluate(() => { const seen = JSON.parse(localStorage.getItem('log.seen')); localStorage.setItem('log.seen', JSON.stringify({...seen, root: seen.root.replace(/^../, (b) => (b === '00' ? '11' : '00'))})); });
  await open(page, stage, `#/event/${number}`);
  await page.waitForSelector('.verdict[data-state=failed]');
  assert.ok((await checkSaid(page, 'только дописыва')).includes('НЕ СОШЛОСЬ'));
  await page.evaluate(() => { const seen = JSON.parse(localStorage.getItem('log.seen')); localStorage.setItem('log.seen', JSON.stringify({...seen, size: seen.size * 1000})); });
  await page.reload();
  await page.waitForSelector('.verdict[data-state=failed]');
  assert.ok((await checkSaid(page, 'только дописыва')).includes('НЕ СОШЛОСЬ'));
  await page.evaluate(() => localStorage.removeItem('log.seen'));
}

async function aKeyFromElsewhere(page, stage, number) {
  const vkey = stage.tool('log', 'key').trim();
  await open(page, stage, `#/event/${number}`);
  await page.waitForSelector('.verdict[data-state=proved]');
  await page.click('summary:text-is("Ключ журнала, полученный не от хаба")');
  await page.fill('input[name=vkey]', vkey.replace('+', '+0'));
  await page.click('text="Проверять этим ключом"');
  await page.waitForSelector('text=Это не ключ журнала');
  await page.fill('input[name=vkey]', vkey);
  await page.click('text="Проверять этим ключом"');
  await page.waitForSelector('.check:has-text("тот, что вы ввели сами")');
  assert.ok((await checkSaid(page, 'тот, что вы ввели сами')).includes('сошлось'));
}

await play('audit', async (stage) => {
  publish(stage, [programme('told-1'), programme('told-2', {causationid: 'told-1'}), programme('told-3', {causationid: 'told-2'}), deficit]);
  const number = JSON.parse(stage.tool('--json', 'log', 'find', '--id', 'told-1').split('\n')[0]).number;
  const page = await stage.as('auditor');
  for (const step of [searching, turningPages, whatIsWrong, takenAway, nobodyInAnAddress, anEvent, aSealedOne, itOnlyGrew, tampering, anotherPast, aKeyFromElsewhere]) {
    await step(page, stage, number);
    console.log(`audit: ${step.name}`);
  }
});
