/* Times as people of the region read them: "22.11.2026 17:15:00 (UTC+07:00)". */
#ifndef MR_SDK_LOCAL_TIME_H
#define MR_SDK_LOCAL_TIME_H

#include <stdint.h>

enum { MR_LOCAL_TIME_TEXT_MAX = 48 };

/*
 * zone: IANA name, looked up in /usr/share/zoneinfo; UTC when it is NULL or not there. Only changes that the
 * file lists are known, not a rule for the years behind them. Any thread. Returns out.
 */
char *mr_local_time(const char *zone, int64_t time_us, char out[static MR_LOCAL_TIME_TEXT_MAX]);

#endif
