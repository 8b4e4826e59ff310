// What the hub refuses, in Russian. The kind of an error (the `type` of problem+json) has its sentence here, and what
// people at the screens meet has one of its own; anything else is said by its kind, with the hub's words beside it.
// Imports are relative: a test reads this without a browser.
import {fieldIn} from './field_words.js';
import {REASONS} from './reason_words.js';

// Every code of proto/base/err.h.
export const KINDS = {
  'no-memory': ['Хабу не хватило памяти', 'Повторите через минуту; если не пройдёт, сообщите администратору хаба'],
  invalid: ['Так заполнить нельзя', 'Исправьте поле и повторите'],
  malformed: ['Запрос не читается', 'Обновите страницу и повторите'],
  'too-big': ['Слишком много сразу', 'Сузьте условия или разделите на части'],
  'not-found': ['Такого нет', 'Проверьте номер или имя'],
  exists: ['Такое уже есть', 'Обновите страницу: возможно, это уже сделано'],
  denied: ['Вашей роли это не разрешено', 'Обратитесь к тому, у кого есть нужная роль'],
  'no-space': ['На диске хаба нет места', 'Сообщите администратору хаба'],
  io: ['Хаб не смог прочитать или записать на диск', 'Сообщите администратору хаба'],
  corrupt: ['Запись в хранилище повреждена', 'Сообщите администратору хаба'],
  again: ['Сейчас хаб не может ответить', 'Подождите немного и повторите'],
  timeout: ['Хаб не успел ответить', 'Сузьте условия или повторите позже'],
  closed: ['Хаб завершает работу', 'Повторите через минуту'],
  unsupported: ['Этого хаб не умеет', 'Обратитесь к администратору хаба'],
  system: ['Ошибка операционной системы на машине хаба', 'Сообщите администратору хаба'],
  config: ['Ошибка в настройках хаба', 'Сообщите администратору хаба'],
  destroyed: ['Персональные данные уничтожены', 'Восстановить их нельзя'],
  blocked: ['Обработка данных этого человека остановлена: по нему есть запрос на уничтожение', 'Дождитесь решения: его принимает ответственный за персональные данные'],
  expired: ['Срок хранения прошёл: осталась только запись о том, что событие было', 'Доказательство записи в журнале по-прежнему можно получить'],
  changed: ['Пока вы смотрели, это изменил кто-то другой', 'Посмотрите, что там теперь, и повторите'],
};

// Sentences of the hub that people meet: [as the hub says it, what happened, what to do]. What the text holds is a
// group; %1 stands for it.
export const SENTENCES = [
  [/^the log ends at (\d+)$/, 'В журнале нет такого номера: последний — %1', 'Возьмите номер от 1 до %1'],
  [/^the log had nothing before that moment$/, 'К этому дню в журнале ещё ничего не было', 'Возьмите день позже'],
  [/^the login has ended meanwhile$/, 'Вход завершён', 'Войдите снова'],
  [/^the account was locked, or has another password, meanwhile$/, 'Учётная запись тем временем заблокирована или получила другой пароль', 'Обратитесь к администратору хаба'],
  [/^name or password is wrong, or the account is locked$/, 'Имя или пароль неверны, или учётная запись заблокирована', 'Проверьте имя и пароль; новый пароль даёт администратор хаба'],
  [/^nothing is open to this login under this number$/, 'Показ этих данных вам больше не открыт', 'Назовите основание и номер дела ещё раз'],
  [/^no code of a cell$/, 'Это не код ячейки', 'Начните его с номера раздела и точки, например 3.premises'],
  [/^the cell is of another section$/, 'Эта ячейка из другого раздела', 'Оставьте раздел пустым'],
  [/^the form has no such cell to be entered: the nearest is (\S+)$/, 'Такой ячейки, которую вносят вручную, в форме нет; самая похожая — %1', 'Возьмите её или другую из списка; новую добавляет в настройки формы администратор хаба'],
  [/^the form has no cells to be entered$/, 'В форме нет ячеек, которые вносят вручную', 'Их добавляет в настройки формы администратор хаба'],
  [/^this cell is computed from events$/, 'Эта ячейка считается по событиям', 'Исправьте её значение у самой ячейки, с указанием причины'],
  [/^who has proposed a correction cannot approve it$/, 'Предложивший исправление не может сам его подтвердить', 'Пусть его посмотрит и подтвердит другой сотрудник'],
  [/^no event of this number was put aside$/, 'Под этим номером ничего не ждёт исправления', 'Возьмите номер из списка'],
  [/^No\. (\d+) does not wait any more: it is (\S+)$/, '№ %1 уже не ждёт исправления', 'Посмотрите, что с ним стало: «Отбор», «все»'],
  [/^No\. (\d+) does not wait any more$/, '№ %1 уже не ждёт исправления', 'Посмотрите, что с ним стало: «Отбор», «все»'],
  [/^its sender is not in the configuration any more$/, 'Системы, которая это прислала, в настройках хаба больше нет', 'Снимите событие или обратитесь к администратору хаба'],
  [/^a person in it is blocked: nothing of them is shown or changed$/, 'Обработка данных этого человека остановлена: его сведения не показываются и не меняются', 'Дождитесь решения по запросу на уничтожение'],
  [/^no correction of No\. (\d+) is proposed$/, 'Для № %1 исправление не предложено', 'Возможно, его уже утвердили или отклонили: обновите страницу'],
  [/^a correction of No\. (\d+) is proposed already$/, 'Для № %1 исправление уже предложено', 'Сначала утвердите или отклоните его'],
  [/^the event has no field of this path$/, 'Такого поля у события нет', 'Выберите поле из списка'],
  [/^this is no value of the field$/, 'Такого значения у этого поля быть не может', 'Проверьте, что здесь должно стоять: число, дата или слово из списка'],
  [/^which event it is, and of which type, stays as it is$/, 'Номер, источник и вид события не исправляют', 'Снимите событие: отправитель пришлёт другое'],
  [/^the event has fields that this hub does not know, and would lose$/, 'В событии есть поля, которых хаб не знает: при исправлении они пропали бы', 'Попросите отправителя исправить его самому'],
  [/^nothing would be changed$/, 'Ничего не изменилось бы', 'Исправьте хотя бы одно поле; верное как есть — примите'],
  [/^the answer would be too big$/, 'Ответ слишком большой', 'Запросите меньше сразу'],
  [/^no such page$/, 'Такой страницы нет', 'Вернитесь к «Обзору»'],
];

const FIELDS = {
  number: 'номер', numbers: 'номера', system: 'система', cell: 'ячейка', value: 'значение', unit: 'единица', basis: 'основание', name: 'имя', password: 'пароль', person: 'человек', snils: 'СНИЛС', event: 'событие', state: 'состояние', type: 'тип', id: 'идентификатор', from: 'начало', to: 'конец', before: 'до даты', as_of: 'на дату', reason: 'причина', case: 'номер дела', role: 'роль', section: 'раздел',
  oktmo: 'ОКТМО', ogrn: 'ОГРН', limit: 'сколько сразу', secret: 'приглашение', proposal: 'предложение', set: 'исправления', subscription: 'подписка', passport: 'паспорт', request: 'запрос', grant: 'открытый показ', Cookie: 'вход', operator: 'оператор', 'Content-Type': 'вид содержимого', order_number: 'номер приказа', order_date: 'дата приказа', letter_number: 'номер письма', letter_date: 'дата письма', file: 'файл', organisation: 'организация', source: 'источник', correlation: 'дело', note: 'примечание', answer: 'ответ', log: 'журнал', hub: 'хаб',
};

const filled = (text, found) => text.replace(/%(\d)/g, (_, n) => (/^\d+$/.test(found[n]) ? Number(found[n]).toLocaleString('ru') : found[n]));

// What the hub's rules say of it, by their code: of a correction, or of what is taken as it is.
const NOT_TAKEN = /^(corrected so )?it would not be taken \(([a-z-]+)\): /;

function notTaken(message) {
  const [, corrected, code] = String(message).match(NOT_TAKEN) || [];
  const [reason, cure] = (code && REASONS[code]) || [];
  return reason && {message: `${corrected ? 'И с этим исправлением событие' : 'Событие'} не будет принято: ${reason}`, cure: cure[0].toUpperCase() + cure.slice(1)};
}

// {message, field, cure, said}: said is the hub's own sentence where there is no better one; undefined: none.
export function inRussian({code, message, field}) {
  const where = field && (FIELDS[field] || fieldIn(field, false));
  const judged = notTaken(message);
  if (judged) return {...judged, field: where};
  for (const [pattern, what, cure] of SENTENCES) {
    const found = String(message).match(pattern);
    if (found) return {message: filled(what, found), field: where, cure: filled(cure, found)};
  }
  const kind = KINDS[code]; // without one it is no answer of the hub: this page or the browser says it
  return kind ? {message: kind[0], field: where, cure: kind[1], said: message} : {message, field: where, cure: ''};
}
