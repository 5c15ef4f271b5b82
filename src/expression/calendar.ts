/**
 * The calendar, as arithmetic on days since 1970-01-01 in whole numbers: dates before and after those of JavaScript's Date, and no object made
 * for asking one field. Years are counted from March, so that a leap day is the last of its year.
 */

export interface CalendarDate {
  readonly year: number;
  /** From 0, January. */
  readonly month: number;
  /** Of the month, from 1. */
  readonly day: number;
}

/** The calendar repeats itself after 400 years. */
const DAYS_PER_ERA = 146_097;
const YEARS_PER_ERA = 400;
/** From 0000-03-01 to 1970-01-01. */
const DAYS_TO_1970 = 719_468;
/** Of the months from March on: 31, 30, 31, 30, 31, and again. */
const DAYS_PER_FIVE_MONTHS = 153;

export function dateOf(days: number): CalendarDate {
  const era = Math.floor((days + DAYS_TO_1970) / DAYS_PER_ERA);
  const inEra = days + DAYS_TO_1970 - era * DAYS_PER_ERA;
  // Without the leap days before it, a day of the era is a day of years of 365 days.
  const leapDays = Math.floor(inEra / 1_460) - Math.floor(inEra / 36_524) + Math.floor(inEra / 146_096);
  const yearOfEra = Math.floor((inEra - leapDays) / 365);
  const inYear = inEra - daysBefore(yearOfEra);
  const fromMarch = Math.floor((5 * inYear + 2) / DAYS_PER_FIVE_MONTHS);
  const day = inYear - Math.floor((DAYS_PER_FIVE_MONTHS * fromMarch + 2) / 5) + 1;
  const isNextYear = fromMarch >= 10;
  return { year: yearOfEra + era * YEARS_PER_ERA + Number(isNextYear), month: fromMarch + (isNextYear ? -10 : 2), day };
}

/** @returns the days from 1970-01-01 to a date. A day beyond its month counts on into the next. */
export function daysTo(year: number, month: number, day: number): number {
  const fromMarch = (month + 10) % 12;
  const marchYear = month < 2 ? year - 1 : year;
  const era = Math.floor(marchYear / YEARS_PER_ERA);
  const inYear = Math.floor((DAYS_PER_FIVE_MONTHS * fromMarch + 2) / 5) + day - 1;
  return era * DAYS_PER_ERA + daysBefore(marchYear - era * YEARS_PER_ERA) + inYear - DAYS_TO_1970;
}

/** Days of an era before one of its years. */
function daysBefore(yearOfEra: number): number {
  return 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
}
