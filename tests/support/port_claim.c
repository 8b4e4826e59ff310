#include "tests/support/port_claim.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST = 10000, COUNT = 22000, TRIES = 200 }; /* Linux gives those from 32768 on by itself */

static bool is_free(uint16_t port)
{
    struct sockaddr_in address = {
            .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;

    if (fd >= 0)
        (void)close(fd);
    return is;
}

/* An abstract socket of the port's name: it goes with the last process that has it. */
static int claim_of(uint16_t port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int n = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "marshrut-test-port-%u", port);

    if (fd >= 0 && bind(fd, (const struct sockaddr *)&name,
                           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

bool port_claim_make(struct port_claim *claim)
{
    for (int i = 0; i < TRIES; i++) {
        uint32_t random = 0;

        if (getrandom(&random, sizeof random, 0) != sizeof random)
            continue;
        claim->port = (uint16_t)(FIRST + random % COUNT);
        claim->fd = claim_of(claim->port);
        if (claim->fd >= 0 && is_free(claim->port))
            return true;
        port_claim_end(claim);
    }
    return false;
}

void port_claim_end(struct port_claim *claim)
{
    if (claim->fd >= 0)
        (void)close(claim->fd);
    *claim = (struct port_claim){.fd = -1};
}
