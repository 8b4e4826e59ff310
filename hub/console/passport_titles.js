// English words for what the hub names in Russian: titles of sections and cells, units, what is missing. A code that
// is not known here, or a text that somebody entered, stays as it is.
import {language} from '/console/words.js';

const sections = ['', 'Staff', 'Programmes of further education, also in the federal register', 'Infrastructure', 'Funding', 'Taking part in the events of the system', 'Information resources', 'Results of the system', 'Correlation with the results of pupils'];
const cells = {
  '1.total': 'All staff (ПР and УК)', '1.pr': 'Teaching staff (ПР)', '1.uk': 'Managing staff (УК)', '1.both': 'Both ПР and УК',
  '2.programmes.own': 'Programmes of the region', '2.programmes.federal': 'Programmes in the federal register', '2.hours': 'Hours of programmes', '2.enrolled': 'Enrolled', '2.finished': 'Finished',
  '5.total': 'Took part in anything', '5.route': 'Were given an ИОМ', '5.contest': 'Took part in contests', '5.mentor': 'Mentors', '5.mentee': 'Mentored', '5.internship': 'Internships', '5.activity': 'Took part in activities',
  '7.deficits.identified': 'Deficits identified', '7.deficits.closed': 'Deficits closed', '7.deficits.share': 'Share of deficits closed',
  '7.median.diagnostic-route': 'Median days: diagnostic to ИОМ', '7.median.route-course': 'Median days: ИОМ to the end of the course', '7.median.course-rediagnostic': 'Median days: end of the course to re-diagnostic', '7.median.diagnostic-rediagnostic': 'Median days: diagnostic to re-diagnostic',
  '7.indicator.aksay-2021.1': 'Share of staff with further or new qualification', '7.indicator.aksay-2021.3': 'Share of staff who took part in contests',
};
// Of a breakdown: what it is by; the part keeps its own name when it has none here.
const families = {'1.age.': 'Age', '1.service.': 'Years of service', '1.qual.': 'Qualification', '1.municipality.': 'Municipality', '1.orgkind.': 'Kind of organisation', '5.contest.': 'Took part in contests, level'};
const parts = {unknown: 'not told', expired: 'expired', none: 'none', first: 'first', highest: 'highest'};
const kinds = {pk: 'ПК', pp: 'ПП'};
const units = {'чел.': 'persons', 'ед.': '', 'ч': 'h', 'чел.-курсов': 'courses of persons', 'дн.': 'days'};
const misses = {
  'birth-date': 'the date of birth was not told', bands: 'in none of the configured bands', blocked: 'processing is stopped at the request of the person', 'closed-org': 'the organisation is closed', destroyed: 'the data are destroyed at the request of the person',
  ended: 'the job ended before the last day of the period', hours: 'no hours are given', kind: 'the kind of the programme (ПК or ПП) is not given', 'no-baseline': 'there is no diagnostic to compare with', 'no-course': 'no course was finished before the re-diagnostic', 'no-diagnostic': 'no diagnostic before the ИОМ',
  'no-document': 'the course is finished, the document not yet issued', 'no-route': 'no ИОМ before the course', 'no-staff': 'no staff: nothing to divide by', 'no-value': 'nothing to compute it from', 'not-begun': 'the job begins after the last day of the period', 'not-staff': 'no job in the period is known',
  organisation: 'nothing was told of the organisation', service: 'the begin of service was not told', unidentified: 'nobody told that this deficit was identified', university: 'teaching staff of a university', withdrawn: 'the deficit was withdrawn',
};

// "under-35", "35-54", "from-55": bands of years.
const band = (part) => part.replace(/^under-(\d+)$/, 'under $1').replace(/^from-(\d+)$/, '$1 and more').replace(/^(\d+)-(\d+)$/, '$1 to $2');

function englishTitle({cell, title}) {
  if (cells[cell]) return cells[cell];
  const kind = cell.match(/^(2\..+)\.(pk|pp)$/);
  if (kind && cells[kind[1]]) return `${cells[kind[1]]}: ${kinds[kind[2]]}`;
  const family = Object.keys(families).find((begin) => cell.startsWith(begin));
  if (!family) return title;
  const part = cell.slice(family.length);
  return `${families[family]}: ${parts[part] || (/^(under-|from-)?\d+(-\d+)?$/.test(part) && !/^\d{8,}$/.test(part) ? band(part) : (title || part).split(': ').at(-1))}`;
}

const isEnglish = () => language() === 'en';
export const titleOf = (cell) => (isEnglish() ? englishTitle(cell) : cell.title) || cell.cell;
export const sectionTitle = ({section, title}) => (isEnglish() && sections[section]) || title;
export const unitOf = (unit) => (isEnglish() && units[unit] !== undefined ? units[unit] : unit);
export const missOf = ({code, title}) => (isEnglish() && misses[code]) || title || code;
