/*
 * A moment as the clocks of a region show it, by the files of the IANA database below /usr/share/zoneinfo
 * (RFC 9636, version 2 and later). The process's own zone is not touched. Any thread.
 */
#ifndef MR_BASE_ZONE_H
#define MR_BASE_ZONE_H

#include <stdint.h>

enum { MR_ZONE_TEXT_MAX = 96 };

/* Seconds east of UTC. MR_ENOTFOUND: no such file; MR_EUNSUPPORTED: it is not read (older than version 2, or
 * the moment is behind its last transition and the zone still changes its clocks each year). */
int mr_zone_offset(const char *zone, int64_t wall_us, int32_t *ret_seconds);

/* "28.11.2026 17:04:05 (Asia/Krasnoyarsk, UTC+07:00)"; where the offset is not known "28.11.2026 10:04:05
 * (UTC)". Returns out. */
char *mr_zone_format(const char *zone, int64_t wall_us, char out[static MR_ZONE_TEXT_MAX]);

#endif
