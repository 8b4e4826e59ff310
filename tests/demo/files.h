/*
 * The files of the made-up region, in the forms that offices really send: staff lists in cp1251 with
 * semicolons, one school's OneRoster zip, an assessment centre's results, the portal's feed. Files are
 * written as temporary ones and renamed, so an adapter never sees half of one. All functions return 0 or a
 * negative code.
 */
#ifndef MR_TESTS_DEMO_FILES_H
#define MR_TESTS_DEMO_FILES_H

#include "proto/base/buf.h"
#include "tests/demo/region.h"

/* A school's index whose lists come as OneRoster instead of a staff list. */
enum { FILES_ONEROSTER_ORG = 0 };

/* in/<OGRN>/ for every organisation: who it is and who works there. */
int files_write_orgs(const struct region *region, const char *in_dir);
int files_write_staff(const struct region *region, const char *in_dir);

/* The assessment centre's results: everybody diagnosed; those diagnosed again after their course. */
int files_write_diagnostics(const struct region *region, const char *in_dir);
int files_write_rediagnostics(const struct region *region, const char *in_dir);

/* The portal's feed, one CloudEvent (JSON) a line: programmes; then enrolments, courses and documents; then
 * contests. */
void files_feed_programmes(const struct region *region, struct mr_buf *out);
void files_feed_courses(const struct region *region, struct mr_buf *out);
void files_feed_contests(const struct region *region, struct mr_buf *out);

/* JSON bodies for the ЦНППМ adapter: the route of one teacher; xAPI statements of finished courses. */
void files_route_json(const struct region *region, int teacher, struct mr_buf *out);
int files_xapi_json(
        const struct region *region, int from, int max, struct mr_buf *out); /* returns next teacher */

/* Writes name atomically below dir (created when missing). */
int files_put(const char *dir, const char *name, struct mr_slice content);

#endif
