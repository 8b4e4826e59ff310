// Words of «Обзор».
import {addWords, language} from '/console/words.js';

addWords({
  o_live: 'Обновляется само каждые 3 секунды', o_pause: 'Остановить обновление', o_go: 'Обновлять', o_lost: 'Хаб не отвечает; показано последнее, что он сказал',
  o_thing: 'Что', o_many: 'Сколько', o_what: 'Что ждёт и почему', o_calm: 'Ничего не ждёт', o_rate: 'Поток, событий в секунду', o_lag: 'Отставание индекса, событий', o_commit: 'Запись на диск, мс', o_unsigned: 'Ещё не подписано, событий', o_last: 'сейчас', o_top: 'наибольшее', o_for: 'за последние минуты',
  o_checkpoint: 'Последняя контрольная точка', o_upto: 'до номера', o_recorded: 'записан', o_disk: 'Диск', o_free: 'свободно МБ', o_mark: 'порог МБ', o_low: 'меньше порога: новые события не принимаются',
  o_lastevent: 'Последнее событие', o_since: 'Принято с запуска', o_never: 'не было', o_flow: 'Поток', o_waits: 'Ждёт с', o_sent: 'В пути', o_why: 'Почему',
  o_away: 'получатель не на связи', o_retrying: 'получатель просит подождать, будет повтор', o_parkedhere: 'часть отложена: получатель не принимает', o_going: 'отправляется', o_none: 'всё доставлено',
  o_putaside: 'Всего на исправление', o_still: 'ещё ждёт', o_asis: 'принято как есть', o_corrected: 'исправлено у нас', o_replaced: 'исправлено отправителем', o_ever: 'Всего отложено', o_quarantine: 'На исправлении', o_oldest: 'первое с', o_parked: 'Отложено доставок', o_waitingsubs: 'Подписки ждут получателя', o_erasures: 'Запросы на уничтожение данных', o_backup: 'Нет резервной копии ключей нынешнего корня', o_backupcure: 'сделать: marshrut backup', o_indexlag: 'Индекс отстаёт', o_damaged: 'Повреждённые записи', o_damagedcure: 'marshrut scrub и docs/operations.md', o_alert: 'Тревога', o_goto: 'перейти',
}, {
  o_live: 'Renews itself every 3 seconds', o_pause: 'Stop renewing', o_go: 'Renew', o_lost: 'The hub does not answer; this is what it said last',
  o_thing: 'What', o_many: 'How many', o_what: 'What waits, and why', o_calm: 'Nothing waits', o_rate: 'Events a second', o_lag: 'The index is behind, events', o_commit: 'Commit to the disk, ms', o_unsigned: 'Not signed yet, events', o_last: 'now', o_top: 'most', o_for: 'in the last minutes',
  o_checkpoint: 'Last checkpoint', o_upto: 'up to number', o_recorded: 'recorded', o_disk: 'Disk', o_free: 'MB free', o_mark: 'MB watermark', o_low: 'below the watermark: new events are not taken',
  o_lastevent: 'Last event', o_since: 'Taken since the start', o_never: 'none yet', o_flow: 'Flow', o_waits: 'Waiting since', o_sent: 'On its way', o_why: 'Why',
  o_away: 'the receiver is not connected', o_retrying: 'the receiver asks to wait, it will be tried again', o_parkedhere: 'some are parked: the receiver does not take them', o_going: 'being sent', o_none: 'all delivered',
  o_putaside: 'Put aside in all', o_still: 'still waiting', o_asis: 'taken as it was', o_corrected: 'corrected here', o_replaced: 'corrected by its sender', o_ever: 'Parked in all', o_quarantine: 'To be corrected', o_oldest: 'the oldest since', o_parked: 'Deliveries parked', o_waitingsubs: 'Subscriptions wait for their receiver', o_erasures: 'Requests to erase data', o_backup: 'There is no backup of the keys of the present root', o_backupcure: 'do: marshrut backup', o_indexlag: 'The index is behind', o_damaged: 'Damaged records', o_damagedcure: 'marshrut scrub, and docs/operations.md', o_alert: 'Alarm', o_goto: 'go there',
});

// What does not hold, of «Сверка»: the hub says it in English.
const verdicts = {
  'received = stored + duplicate + quarantined + refused': 'получено = принято + повторы + на исправлении + отказано',
  'stored = records in the log': 'принято = записей в журнале',
  'quarantined = records in the log': 'на исправлении = записей в журнале',
  'matched = delivered + waiting + parked + discarded + expired + suppressed': 'подошло = доставлено + ждёт + отложено + снято + срок прошёл + не отправляется',
  'quarantined = waiting + released + corrected + replaced + discarded': 'на исправление = ждёт + принято как есть + исправлено у нас + исправлено отправителем + снято',
  'rows of the quarantine = quarantined records': 'строк стола исправлений = записей на исправление',
  'parked = still + delivered + discarded + expired + suppressed': 'отложено = ещё отложено + доставлено + снято + срок прошёл + не отправляется',
  'damaged records': 'повреждённых записей',
};
export const verdictOf = (what) => (language() === 'ru' && verdicts[what]) || what;
