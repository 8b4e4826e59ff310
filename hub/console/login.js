// Logging in, and the first password of somebody who was invited.
import {html, useState} from '/console/htm.js';
import {login, setPassword} from '/console/api.js';
import {saidOf} from '/console/parts.js';
import {w} from '/console/words.js';

function useSubmit(act) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (e) => {
    e.preventDefault();
    setBusy(true);
    try { await act(new FormData(e.target)); } catch (problem) { setError(problem); setBusy(false); }
  };
  return [submit, busy, error];
}

const Said = ({error}) => error && html`<div role="alert" class="card error"><p>${saidOf(error).message}</p>${saidOf(error).cure && html`<p>${saidOf(error).cure}</p>`}</div>`;

export function Login({onLogin}) {
  const [submit, busy, error] = useSubmit(async (form) => onLogin(await login(form.get('name'), form.get('password'))));
  return html`<main class="narrow" id="content"><h1>${w('title')}: ${w('login')}</h1><${Said} error=${error} />
    <form onSubmit=${submit}><label for="name">${w('name')}</label><input id="name" name="name" autocomplete="username" required autofocus />
      <label for="password">${w('password')}</label><input id="password" name="password" type="password" autocomplete="current-password" required />
      <p><button disabled=${busy}>${w('enter')}</button></p></form></main>`;
}

// invite: "NAME:SECRET" of the address.
export function Invited({invite, onLogin}) {
  const [name, secret] = invite.split(':');
  const [submit, busy, error] = useSubmit(async (form) => {
    if (form.get('password') !== form.get('again')) throw new Error(w('differ'));
    const session = await setPassword(name, secret, form.get('password'));
    location.hash = '#/';
    onLogin(session);
  });
  return html`<main class="narrow" id="content"><h1>${w('invited')}: ${name}</h1><${Said} error=${error} />
    <form onSubmit=${submit}><p id="rule">${w('choose')}</p><input type="hidden" name="username" autocomplete="username" value=${name} />
      <label for="password">${w('password')}</label><input id="password" name="password" type="password" autocomplete="new-password" minlength="12" aria-describedby="rule" required autofocus />
      <label for="again">${w('again')}</label><input id="again" name="again" type="password" autocomplete="new-password" required />
      <p><button disabled=${busy}>${w('save')}</button></p></form></main>`;
}
