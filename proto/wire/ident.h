/*
 * Identifiers and dates by their check digits and formats.
 *
 * Sources: СНИЛС, order of the Pension Fund board of 13.06.2006 № 192п and 27-ФЗ; ИНН, order of ФНС
 * of 29.06.2012 ММВ-7-6/435@; ОГРН and ОГРНИП, order of Минфин of 30.10.2017 № 165н; ОКТМО, ОК 033-2013.
 * Vectors in domain.md. Pure functions: nothing is kept, any thread. Texts are NUL-terminated ASCII; NULL is
 * never valid.
 */
#ifndef MR_WIRE_IDENT_H
#define MR_WIRE_IDENT_H

#include <stdbool.h>
#include <stddef.h>

/* Exactly count ASCII digits and nothing else. */
bool mr_ident_digits(const char *text, size_t count);

/* СНИЛС: 11 digits without separators. Numbers up to 001-001-998 carry no check; all zeros is no number. */
bool mr_ident_snils_ok(const char *digits11);
/* ИНН of an organisation (10 digits) or a person (12). */
bool mr_ident_inn_ok(const char *digits);
/* ОГРН (13 digits) or ОГРНИП (15). */
bool mr_ident_ogrn_ok(const char *digits);
/* ОКТМО: 8 or 11 digits, not all zeros; it carries no check. */
bool mr_ident_oktmo_ok(const char *digits);
/* YYYY-MM-DD, a day of the Gregorian calendar, years 1900 to 2100. */
bool mr_ident_date_ok(const char *date);

/*
 * "112-233-445 95", with any of the usual dashes and spaces (UTF-8, no-break ones too), to 11 digits and NUL
 * in out. 0, or 1 when that leaves anything but 11 digits (out is then ""). Check digits are not looked at.
 */
int mr_ident_snils_normalise(const char *in, char out[12]);

/*
 * Does this text have a СНИЛС in it? 11 digits whose check digits hold, with or without " " or "-" after the
 * third, sixth and ninth, and no digit before or behind.
 */
bool mr_ident_snils_within(const char *text);

/* Check digits, for tests and made-up data. -1 when the argument is not that many digits. */
int mr_ident_snils_check(const char *nine);      /* 0..99, the last two digits */
int mr_ident_inn10_check(const char *nine);      /* 0..9, the last digit */
int mr_ident_inn12_check(const char *ten);       /* 0..99, the last two digits */
int mr_ident_ogrn_check(const char *twelve);     /* 0..9, the last digit */
int mr_ident_ogrnip_check(const char *fourteen); /* 0..9, the last digit */

#endif
