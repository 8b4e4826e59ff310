// The console: who is logged in, which page the address names.
import {html, render, useEffect, useState} from '/console/htm.js';
import {Accounts} from '/console/accounts.js';
import {looksAtPersons} from '/console/access_words.js';
import {onAddress, readAddress} from '/console/address.js';
import {logout, session} from '/console/api.js';
import {Audit} from '/console/audit.js';
import {Event} from '/console/event.js';
import {Journal} from '/console/journal.js';
import {Invited, Login} from '/console/login.js';
import {forgetLogin, mayBeLoggedIn} from '/console/memory.js';
import {Overview} from '/console/overview.js';
import {Loading, Trouble} from '/console/parts.js';
import {Passport} from '/console/passport.js';
import {forget} from '/console/pulse.js';
import {Quarantine} from '/console/quarantine.js';
import {language, setLanguage, w} from '/console/words.js';

const scoped = (scope) => (who) => who.scopes.includes(scope);
const theirs = (who) => who.limited || who.scopes.includes('read');

// Path, word of the menu, who may, page.
const pages = [
  ['/', 'overview', scoped('read'), Overview],
  ['/passport', 'passport', scoped('passport'), Passport],
  ['/audit', 'audit', theirs, Audit],
  ['/quarantine', 'quarantine', theirs, Quarantine],
  ['/journal', 'a_journal', looksAtPersons, Journal],
  ['/accounts', 'a_accounts', (who) => who.roles.includes('admin'), Accounts],
];

function useAddress() {
  const [address, setAddress] = useState(readAddress());
  useEffect(() => {
    const changed = () => { setAddress(readAddress()); scrollTo(0, 0); };
    return onAddress(changed);
  }, []);
  return address;
}

function Page({address, who}) {
  const event = address.path.match(/^\/event\/([0-9]{1,15})$/);
  if (event && theirs(who)) return html`<${Event} key=${event[1]} number=${Number(event[1])} who=${who} />`;
  const found = pages.find(([path]) => path === address.path);
  if (!found) return html`<h1>${w('nopage')}</h1><p role="status"><a href="#/">${w('tooverview')}</a></p>`;
  const [, , may, Shown] = found;
  if (!may(who) && address.path === '/' && theirs(who)) return html`<${Audit} parameters=${address.parameters} who=${who} />`;
  if (!may(who)) return html`<p role="alert">${w('denied')}</p>`;
  return html`<${Shown} key=${address.path + address.parameters} parameters=${address.parameters} who=${who} />`;
}

function Head({who, path, onLanguage, onLogout}) {
  return html`<a class="skip" href="#content" onClick=${(e) => { e.preventDefault(); document.getElementById('content').focus(); }}>${w('skip')}</a>
    <header><strong>${w('title')}</strong>
      <nav aria-label=${w('menu')}>${pages.filter(([, , may]) => may(who)).map(([to, word]) => html`<a href="#${to}" aria-current=${to === path ? 'page' : undefined}>${w(word)}</a>`)}</nav>
      <button class="plain" onClick=${onLanguage} lang=${language() === 'en' ? 'ru' : 'en'}>${w('other')}</button>
      <span>${who.name}</span><button class="plain" onClick=${onLogout}>${w('logout')}</button></header>`;
}

function App() {
  const address = useAddress();
  const [who, setWho] = useState(undefined);
  const [error, setError] = useState(null);
  const [, again] = useState(0);
  useEffect(() => {
    if (!mayBeLoggedIn()) { setWho(null); return; }
    session().then(setWho, (problem) => {
      if (problem.status !== 401) { setError(problem); return; }
      forgetLogin();
      setWho(null);
    });
  }, []);
  useEffect(() => { document.documentElement.lang = language(); document.title = w('title'); });
  const invite = address.path.match(/^invite=(.+)$/);
  if (invite) return html`<${Invited} invite=${invite[1]} onLogin=${setWho} />`;
  if (error) return html`<main id="content"><${Trouble} error=${error} again=${() => location.reload()} /></main>`;
  if (who === undefined) return html`<main id="content"><${Loading} /></main>`;
  if (who === null) return html`<${Login} onLogin=${setWho} />`;
  const leave = async () => { await logout().catch(() => {}); forget(); setWho(null); };
  const switchLanguage = () => { setLanguage(language() === 'en' ? 'ru' : 'en'); again((n) => n + 1); };
  return html`<${Head} who=${who} path=${address.path} onLanguage=${switchLanguage} onLogout=${leave} />
    <main id="content" tabindex="-1"><${Page} address=${address} who=${who} /></main>`;
}

const place = document.getElementById('app');
place.replaceChildren();
render(html`<${App} />`, place);
