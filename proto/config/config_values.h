/* Values that have a form of their own. */
#ifndef MR_CONFIG_VALUES_H
#define MR_CONFIG_VALUES_H

#include <stdbool.h>
#include <stdint.h>

/* ADDRESS:PORT with a port from port_min to 65535; an IPv6 address in brackets. */
bool mr_config_address_ok(const char *text, uint32_t port_min);
/* tcp://ADDRESS:PORT with a port from 1. */
bool mr_config_endpoint_ok(const char *text);

/* A name of the IANA database that this machine has. Where there is no database at all, its form decides. */
bool mr_config_timezone_ok(const char *name);

bool mr_config_date_ok(const char *text); /* YYYY-MM-DD */

#endif
