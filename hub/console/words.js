// What the screens say, Russian first. A word that is missing in English is shown in Russian.

const russian = {
  title: 'Маршрут', overview: 'Обзор', passport: 'Паспорт', audit: 'Аудит', quarantine: 'На исправлении',
  saidhub: 'Сообщение сервера', nopage: 'Нет такой страницы', tooverview: 'К «Обзору»',
  skip: 'К содержанию', logout: 'Выйти', other: 'English', menu: 'Разделы',
  login: 'Вход', name: 'Имя', password: 'Пароль', enter: 'Войти', loading: 'Загрузка…',
  invited: 'Новый пароль', choose: 'Придумайте пароль: не меньше 12 знаков, например несколько слов', save: 'Сохранить', again: 'Пароль ещё раз', differ: 'Пароли не совпадают',
  failed: 'Не получилось', cure: 'Что сделать', field: 'Где', retry: 'Повторить', unanswered: 'Хаб не отвечает: нет связи с ним, или он перезапускается',
  balance: 'Сверка', balanced: 'сходится', unbalanced: 'не сходится', compare: 'Сверить сейчас', differences: 'Расхождения', expected: 'должно быть', found: 'есть',
  head: 'Событий в журнале', rate: 'событий в секунду', behind: 'Индекс отстаёт, событий', signed: 'Подписано контрольной точкой', all: 'все', of: 'из',
  disk: 'Свободно на диске, МБ', readonly: 'Места нет: новые события не принимаются', commit: 'Последняя запись, мс',
  systems: 'Системы', system: 'Система', state: 'Состояние', connected: 'на связи', away: 'не на связи', subscription: 'Подписка', received: 'Получено от систем', stored: 'Принято', duplicate: 'Повторов', refused: 'Отказано', delivered: 'доставлено', waiting: 'ждёт', parked: 'отложено', suppressed: 'не отправляется: данные человека уничтожены или заблокированы', discarded: 'снято', expired_delivery: 'срок доставки прошёл',
  waits: 'Ждут исправления', erasures: 'Запросы на уничтожение', overdue: 'просрочено', scrub: 'Повреждённых записей найдено',
  search: 'Поиск', find: 'Найти', hint: 'type:nms.course. system:portal org:ОГРН corr:… from:2026-09-01 to:2026-10-01 — или номер, идентификатор, номер документа',
  number: 'Номер', time: 'Время', type: 'Тип', source: 'Источник', nothing: 'Ничего не найдено', nonewaits: 'Ничего не ждёт исправления', more: 'Дальше', results: 'Найденные события', unknown: 'Нет такого условия',
  event: 'Событие', data: 'Открытые данные', sealed: 'Персональные поля запечатаны и здесь не показываются', way: 'Путь через хаб', delivery: 'Доставка', acked: 'Подтверждено', attempts: 'Попытка',
  cells: 'Ячейки паспорта', reason: 'Причина', since: 'С',
  proof: 'Доказательство', checking: 'Этот браузер проверяет доказательство…', proved: 'Этот браузер проверил: запись входит в подписанный журнал', notproved: 'Доказательство не сошлось: журнал или запись изменены', notyet: 'Контрольная точка ещё не покрывает эту запись', expired: 'Срок хранения прошёл: проверить можно только хеш',
  signatureright: 'подпись верна', signatureunknown: 'подпись этим браузером не проверена (нет Ed25519)', keyfrom: 'Ключ взят у этого же хаба: сравните его с тем, что получили иначе', treesize: 'Размер дерева', root: 'Корень', key: 'Ключ',
  cell: 'Ячейка', value: 'Значение', events: 'Событий', notcounted: 'не засчитано', rule: 'Правило', version: 'версия', asof: 'На номер журнала', show: 'Показать', workflow: 'Ход паспорта', from: 'Из чего', close: 'Закрыть', sample: 'образец', gone: 'Данные уничтожены, лиц', printit: 'Печать', nopassport: 'В конфигурации этого хаба нет паспорта',
  code: 'Код', denied: 'Вашей роли этот раздел не показывается', inaddress: 'Похоже на сведения о человеке: в адресе им не место',
  r_cnppm: 'ЦНППМ', r_ministry: 'министерство', r_federal: 'Федеральный оператор', r_mms: 'ММС', r_ipk: 'ИПК', r_admin: 'администратор хаба', r_auditor: 'аудитор', 'r_pd-officer': 'ответственный за персональные данные', r_organisation: 'организация',
};

const english = {
  title: 'Marshrut', overview: 'Overview', passport: 'Passport', audit: 'Audit', quarantine: 'To be corrected',
  saidhub: 'The server says', nopage: 'No such page', tooverview: 'To the overview',
  skip: 'To the content', logout: 'Log out', other: 'Русский', menu: 'Pages',
  login: 'Log in', name: 'Name', password: 'Password', enter: 'Log in', loading: 'Loading…',
  invited: 'A new password', choose: 'Choose a password: 12 characters or more, some words for example', save: 'Save', again: 'The password again', differ: 'The passwords differ',
  failed: 'That did not work', cure: 'What to do', field: 'Where', retry: 'Try again', unanswered: 'The hub does not answer: there is no connection to it, or it is starting again',
  balance: 'Balance', balanced: 'adds up', unbalanced: 'does not add up', compare: 'Draw it now', differences: 'Differences', expected: 'expected', found: 'found',
  head: 'Events in the log', rate: 'events a second', behind: 'Index behind, events', signed: 'Signed by a checkpoint', all: 'all', of: 'of',
  disk: 'Free on the disk, MB', readonly: 'No space: new events are not taken', commit: 'Last commit, ms',
  systems: 'Systems', system: 'System', state: 'State', connected: 'connected', away: 'not connected', subscription: 'Subscription', received: 'Received from systems', stored: 'Stored', duplicate: 'Repeats', refused: 'Refused', delivered: 'delivered', waiting: 'waiting', parked: 'parked', suppressed: 'not sent: the person is erased or blocked', discarded: 'discarded', expired_delivery: 'its deadline has passed',
  waits: 'Waiting for correction', erasures: 'Requests for erasure', overdue: 'overdue', scrub: 'Damaged records found',
  search: 'Search', find: 'Find', hint: 'type:nms.course. system:portal org:OGRN corr:… from:2026-09-01 to:2026-10-01 — or a number, an id, the number of a document',
  number: 'Number', time: 'Time', type: 'Type', source: 'Source', nothing: 'Nothing found', nonewaits: 'Nothing waits for correction', more: 'More', results: 'Events found', unknown: 'No such condition',
  event: 'Event', data: 'Open data', sealed: 'Personal fields are sealed and not shown here', way: 'Way through the hub', delivery: 'Delivery', acked: 'Acknowledged', attempts: 'Attempt',
  cells: 'Cells of the passport', reason: 'Reason', since: 'Since',
  proof: 'Proof', checking: 'This browser checks the proof…', proved: 'This browser has checked it: the record is in the signed log', notproved: 'The proof does not hold: the log or the record was changed', notyet: 'No checkpoint covers this record yet', expired: 'Its term has passed: only the hash can be checked',
  signatureright: 'the signature is right', signatureunknown: 'this browser has not checked the signature (no Ed25519)', keyfrom: 'The key comes from this same hub: compare it with one that you have otherwise', treesize: 'Size of the tree', root: 'Root', key: 'Key',
  cell: 'Cell', value: 'Value', events: 'Events', notcounted: 'not counted', rule: 'Rule', version: 'version', asof: 'As of log number', show: 'Show', workflow: 'Way of the passport', from: 'Made of', close: 'Close', sample: 'sample', gone: 'Persons erased', printit: 'Print', nopassport: 'The configuration of this hub has no passport',
  code: 'Code', denied: 'Your role does not see this page', inaddress: 'This looks like something of a person, which has no place in an address',
  r_cnppm: 'ЦНППМ', r_ministry: 'the ministry', r_federal: 'the federal operator', r_mms: 'ММС', r_ipk: 'ИПК', r_admin: 'the administrator of the hub', r_auditor: 'auditor', 'r_pd-officer': 'the personal-data officer', r_organisation: 'an organisation',
};

// More words, of a page that brings its own.
export function addWords(more, moreEnglish) { Object.assign(russian, more); Object.assign(english, moreEnglish); }

export const language = () => (localStorage.getItem('language') === 'en' ? 'en' : 'ru');
export function setLanguage(code) { localStorage.setItem('language', code); document.documentElement.lang = code; }
export const w = (key) => (language() === 'en' && english[key]) || russian[key] || key;
// A role, or several with commas.
export const roleWord = (roles) => String(roles).split(',').map((role) => (russian[`r_${role}`] ? w(`r_${role}`) : role)).join(', ');
export const missing = () => Object.keys(russian).filter((key) => !english[key]);

// Numbers, days (YYYY-MM-DD) and times as the language writes them; times say their zone.
export const count = (n) => new Intl.NumberFormat(language()).format(n);
export const day = (text) => new Intl.DateTimeFormat(language(), {dateStyle: language() === 'ru' ? 'short' : 'medium', timeZone: 'UTC'}).format(new Date(`${text}T00:00:00Z`));
let region; // the zone, once it is known who is logged in
export const setRegionZone = (name) => { region = name; };
export const regionZone = () => region;
export const when = (text, timeZone = region) => (text ? new Intl.DateTimeFormat(language(), {dateStyle: 'medium', timeStyle: 'long', timeZone}).format(new Date(text)) : '');
