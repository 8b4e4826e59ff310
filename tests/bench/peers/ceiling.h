/* mr-bench-ceiling: its server, and what both of its processes need of ZeroMQ. */
#ifndef MR_TESTS_CEILING_H
#define MR_TESTS_CEILING_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

enum { CEILING_ENDPOINT_MAX = 64, CEILING_WAIT_MS = 1000 };

struct ceiling_ends {
    char producer[CEILING_ENDPOINT_MAX], consumer[CEILING_ENDPOINT_MAX];
};

void ceiling_check(bool good, const char *what); /* or the program ends with ZeroMQ's word for errno */
void *ceiling_socket(void *zmq);
/* A message, when one comes in time. */
bool ceiling_receive(void *socket, zmq_msg_t *message, long timeout_ms);

/*
 * The server's process: writes its struct ceiling_ends to fd, keeps `events` events of `size` bytes in an
 * environment in dir, and ends when the consumer has said that it has them all.
 */
_Noreturn void ceiling_serve(const char *dir, uint64_t events, size_t size, int fd);

#endif
