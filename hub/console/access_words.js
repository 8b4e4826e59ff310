// Words of looking at persons, of «Журнал доступа» and of «Учётные записи».
import {addWords} from '/console/words.js';

addWords({
  a_show: 'Показать персональные данные', a_hide: 'Скрыть', a_why: 'Основание', a_case: 'Номер дела', a_casehint: 'латинские буквы, цифры и знаки - / . _; имён здесь быть не должно',
  a_note: 'Показ откроется вам на 30 минут для этого человека и этого дела. Кто, почему и когда смотрел, записывается в журнал до показа.', a_open: 'Открыто до', a_shown: 'Персональные данные события', a_choose: 'выберите',
  a_journal: 'Журнал доступа', a_who: 'Кто', a_role: 'Роль', a_what: 'Действие', a_record: 'Запись', a_at: 'Когда', a_by: 'Искали по', a_found: 'Найдено', a_filter: 'Отобрать', a_from: 'С даты', a_to: 'До даты', a_none: 'Никто не смотрел', a_older: 'Раньше', a_export: 'Скачать CSV', a_names: 'Журнал никого не называет: к записям человека ведёт «Аудит», отсюда — кто смотрел эти записи.',
  'a_access.open': 'открыл доступ', 'a_access.look': 'посмотрел запись', 'a_log.find-person': 'искал человека', 'a_quarantine.show': 'посмотрел запись на исправлении',
  a_by_snils: 'по СНИЛС', a_by_person: 'по номеру человека в хабе', a_by_local: 'по номеру в системе отправителя', a_by_number: 'по номеру записи',
  a_accounts: 'Учётные записи', a_state: 'Состояние', a_limit: 'Ограничена', a_set: 'Пароль задан', a_acts: 'Действия', a_active: 'действует', a_invited: 'приглашена', a_lapsed: 'приглашение истекло', a_locked: 'заблокирована', 'a_no-operator': 'нет такого оператора',
  a_lock: 'Заблокировать', a_unlock: 'Разблокировать', a_reset: 'Новый пароль', a_new: 'Новая учётная запись', a_kind: 'Чья', a_organisation: 'организации', a_mms: 'ММС муниципалитета', a_operator: 'оператора из конфигурации', a_create: 'Создать', a_link: 'Ссылка для владельца: действует один раз и 72 часа, больше её никто не увидит', a_ogrn: 'ОГРН', a_oktmo: 'ОКТМО', a_namehint: 'строчные латинские буквы, цифры и дефис',
  a_sessions: 'Кто вошёл', a_began: 'Вход', a_used: 'Последнее действие', a_end: 'Завершить', a_this: 'этот сеанс',
}, {
  a_show: 'Show personal data', a_hide: 'Hide', a_why: 'Reason', a_case: 'Number of the case', a_casehint: 'latin letters, digits and - / . _; no names',
  a_note: 'It is open to you for 30 minutes, for this person and this case. Who looked, why and when is written into the journal first.', a_open: 'Open until', a_shown: 'Personal data of the event', a_choose: 'choose',
  a_journal: 'Access journal', a_who: 'Who', a_role: 'Role', a_what: 'What', a_record: 'Record', a_at: 'When', a_by: 'Looked for by', a_found: 'Found', a_filter: 'Filter', a_from: 'Since', a_to: 'Before', a_none: 'Nobody has looked', a_older: 'Earlier', a_export: 'Download CSV', a_names: 'The journal names nobody: «Audit» leads from a person to the records, this page from a record to who looked.',
  'a_access.open': 'opened access', 'a_access.look': 'looked at a record', 'a_log.find-person': 'looked a person up', 'a_quarantine.show': 'looked at what waits for correction',
  a_by_snils: 'by СНИЛС', a_by_person: 'by the id of the hub', a_by_local: 'by an id of the sender', a_by_number: 'by the number of the record',
  a_accounts: 'Accounts', a_state: 'State', a_limit: 'Limited to', a_set: 'Password set', a_acts: 'Actions', a_active: 'active', a_invited: 'invited', a_lapsed: 'invitation lapsed', a_locked: 'locked', 'a_no-operator': 'no such operator',
  a_lock: 'Lock', a_unlock: 'Unlock', a_reset: 'New password', a_new: 'New account', a_kind: 'Whose', a_organisation: 'an organisation', a_mms: 'a municipality (MMS)', a_operator: 'an operator of the configuration', a_create: 'Create', a_link: 'Link for its owner: good once, for 72 hours; nobody sees it again', a_ogrn: 'OGRN', a_oktmo: 'OKTMO', a_namehint: 'small latin letters, digits and a hyphen',
  a_sessions: 'Who is logged in', a_began: 'Since', a_used: 'Last used', a_end: 'End', a_this: 'this login',
});

export const looksAtPersons = (who) => who.roles.includes('auditor') || who.roles.includes('pd-officer');
