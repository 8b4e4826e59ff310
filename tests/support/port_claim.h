/*
 * A port of the loopback for a program that is started later, and perhaps again: not of those that the system
 * gives to outgoing connections (one of them, or a client that asks for the port before the program is there,
 * would have it when the program wants it), and claimed against all other tests of this machine.
 */
#ifndef MR_TESTS_PORT_CLAIM_H
#define MR_TESTS_PORT_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

struct port_claim {
    uint16_t port;
    int fd; /* the claim; forked processes have it too */
};

/* False: there is none. */
bool port_claim_make(struct port_claim *claim);
void port_claim_end(struct port_claim *claim);

#endif
