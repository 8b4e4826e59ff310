// What this tab asked the hub to write into the passport, and what has come of it. It is kept beside the page: whoever
// clicked is told, also when the form is gone by then (another cell was opened, the page was drawn anew).
import {useEffect, useState} from '/console/htm.js';

// asking: a step that is on its way; done: the hub's answer; error: a refusal whose form is gone.
const none = {asking: '', done: null, error: null};
// turn: goes up whenever the passport may have changed, and is to be asked for anew.
let said = {...none, turn: 0};
const listeners = new Set();

function tell(what) {
  said = {...said, ...none, ...what};
  for (const listener of listeners) listener(said);
}

export const asking = (step) => tell({asking: step});
export const written = (done) => tell({done, turn: said.turn + 1});
export const refused = (error) => tell({error, turn: said.turn + 1});
export const lookAgain = () => tell({turn: said.turn + 1});
export const nothing = () => tell({});

export function useSaid() {
  const [shown, setShown] = useState(said);
  useEffect(() => {
    listeners.add(setShown);
    setShown(said); // what was told before this one listened
    return () => listeners.delete(setShown);
  }, []);
  return shown;
}
