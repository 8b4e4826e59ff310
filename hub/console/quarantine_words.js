// What «На исправлении» says beside the words of all pages.
import {fieldIn} from '/console/field_words.js';
import {REASONS} from '/console/reason_words.js';
import {addWords, language, w} from '/console/words.js';

const own = (words) => Object.fromEntries(Object.entries(words).map(([key, said]) => [`desk.${key}`, said]));

// A word of this page, else one of all pages.
export function say(key) {
  const said = w(`desk.${key}`);
  return said === `desk.${key}` ? w(key) : said;
}

// [reason, cure]; what the hub says where there is no text of its own.
export const reasonOf = (row) => (language() === 'ru' && REASONS[row.code]) || [row.reason || row.code, row.cure];

// A field as people call it.
export const fieldOf = (path) => (path ? fieldIn(path, language() === 'en') : '');

addWords(own({
  one_waiting: 'ждёт исправления', one_released: 'принято', one_discarded: 'снято', one_replaced: 'исправлено отправителем',
  waits: 'Ждут исправления', filter: 'Отбор', code: 'Код причины', type: 'Тип события', before: 'Раньше дня', all: 'все', st_waiting: 'ждут', st_released: 'приняты', st_discarded: 'сняты', st_replaced: 'исправлены отправителем', st_proposed: 'с предложенным исправлением', apply: 'Отобрать',
  choose: 'Отметить', choose_all: 'Отметить все на странице', chosen: 'Отмечено', act: 'Что сделать с отмеченными', byfilter: 'Со всеми по отбору', basis: 'Основание: код или номер дела (латинские буквы, цифры)', release: 'Принять как есть', discard: 'Снять', reject: 'Отклонить исправление', approve: 'Утвердить исправление',
  sure: 'Содержание снятых уничтожается навсегда. Снять?', done: 'Сделано', failed: 'Не сделано', answers: 'Что вышло', newnumber: 'Новый номер', open: 'Открыть',
  nowait: 'Под этим номером ничего не ждёт исправления', back: 'К списку', behind: 'Стоит за №', fields: 'Поля события', nowvalue: 'Сейчас', proposedvalue: 'Предложено', newvalue: 'Исправить на', newvalues: 'Новые значения', show: 'Показать значения', caseno: 'Номер дела', othercase: 'Другое дело', showwhy: 'Кто, когда и по какому делу смотрел, записывается в журнал.', masked: '•••••', unmask: 'Показать и персональные поля',
  proposal: 'Предложенное исправление', by: 'Предложил', expires: 'Действует до', changed: 'Изменено', whole: 'всё содержание', own: 'Вы предложили это исправление: утвердить его должен другой человек.', lookfirst: 'Посмотрите значения, прежде чем утверждать.',
  end: 'Закончить без исправления', correct: 'Исправить', correctwhy: 'Исправление вступает в силу, когда его утвердит второй человек. Пустое поле не меняется.', other: 'Другое поле: выберите из списка', othervalue: 'Значение другого поля', propose: 'Предложить', proposed: 'Предложено. Теперь его должен утвердить другой человек.', nochange: 'Ничего не исправлено', nofield: 'Такого поля у события нет: выберите из списка',
  parked: 'Отложенные доставки', noparked: 'Отложенных доставок нет', attempts: 'Попыток', st_failed: 'не принято получателем', st_behind: 'ждёт предыдущего', st_released_delivery: 'отправляется снова', retry: 'Попробовать один раз', release_delivery: 'Отправлять снова', discard_delivery: 'Не отправлять больше', surely: 'Получатель больше не получит этих событий. Так и сделать?', notnow: 'пока нельзя', onlydesk: 'Отложенными доставками распоряжаются те, кто исправляет события.',
}), own({
  one_waiting: 'waits for correction', one_released: 'taken', one_discarded: 'discarded', one_replaced: 'corrected by its sender',
  waits: 'Waiting for correction', filter: 'Filter', code: 'Reason code', type: 'Type of event', before: 'Before the day', all: 'all', st_waiting: 'waiting', st_released: 'taken', st_discarded: 'discarded', st_replaced: 'corrected by the sender', st_proposed: 'with a proposed correction', apply: 'Apply',
  choose: 'Choose', choose_all: 'Choose all of the page', chosen: 'Chosen', act: 'What to do with what is chosen', byfilter: 'With all that fit the filter', basis: 'Basis: a code or the number of a case (latin letters, digits)', release: 'Take as it is', discard: 'Discard', reject: 'Reject the correction', approve: 'Approve the correction',
  sure: 'What is discarded is destroyed for good. Discard it?', done: 'Done', failed: 'Not done', answers: 'What came of it', newnumber: 'New number', open: 'Open',
  nowait: 'Nothing waits for correction under this number', back: 'To the list', behind: 'Behind No.', fields: 'Fields of the event', nowvalue: 'Now', proposedvalue: 'Proposed', newvalue: 'Correct to', newvalues: 'New values', show: 'Show the values', caseno: 'Number of the case', othercase: 'Another case', showwhy: 'Who looked, when and for which case becomes an event of the log.', masked: '•••••', unmask: 'Show personal fields too',
  proposal: 'Proposed correction', by: 'Proposed by', expires: 'Until', changed: 'Changed', whole: 'the whole content', own: 'You have proposed this correction: somebody else has to approve it.', lookfirst: 'Look at the values before you approve.',
  end: 'End it without a correction', correct: 'Correct', correctwhy: 'A correction holds when a second person has approved it. An empty field stays as it is.', other: 'Another field: choose it from the list', othervalue: 'Value of the other field', propose: 'Propose', proposed: 'Proposed. Somebody else has to approve it now.', nochange: 'Nothing is corrected', nofield: 'The event has no such field: choose it from the list',
  parked: 'Parked deliveries', noparked: 'No delivery is parked', attempts: 'Attempts', st_failed: 'not taken by the receiver', st_behind: 'waits for an earlier one', st_released_delivery: 'is sent again', retry: 'Try once', release_delivery: 'Send again', discard_delivery: 'Send no more', surely: 'The receiver will not get these events any more. Do it?', notnow: 'not now', onlydesk: 'Parked deliveries are settled by those who correct events.',
}));
