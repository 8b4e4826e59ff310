#include "proto/loop/poly1305.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>

enum { OPENSSL_MIN = 2048 }; /* below it what OpenSSL does around a tag is more than it saves */

_Static_assert((int)MR_POLY1305_KEY_BYTES == crypto_onetimeauth_KEYBYTES, "key");
_Static_assert((int)MR_POLY1305_TAG_BYTES == crypto_onetimeauth_BYTES, "tag");

/*
 * exit() does not end libzmq's threads, and they make boxes to the last: OpenSSL would be taken to pieces
 * under them. Before main, because whoever is first to use OpenSSL in a process decides it.
 */
__attribute__((constructor)) static void keep_openssl_whole(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

/* Looked up once a process and never given back; in a context of our own, since the common one is as the
 * machine's openssl.cnf says. */
static struct {
    pthread_once_t once;
    EVP_MAC *mac; /* NULL: this OpenSSL has none */
} openssl = {.once = PTHREAD_ONCE_INIT};

static void look_up(void)
{
    OSSL_LIB_CTX *own;

    (void)ERR_set_mark();
    own = OSSL_LIB_CTX_new();
    openssl.mac = own ? EVP_MAC_fetch(own, "POLY1305", NULL) : NULL;
    if (!openssl.mac)
        OSSL_LIB_CTX_free(own);
    (void)ERR_pop_to_mark();
}

static bool by_openssl(uint8_t *ret, struct mr_slice data, const uint8_t *key)
{
    EVP_MAC_CTX *ctx;
    size_t size = 0;
    bool ok;

    if (pthread_once(&openssl.once, look_up) != 0 || !openssl.mac)
        return false;
    (void)ERR_set_mark();
    ctx = EVP_MAC_CTX_new(openssl.mac);
    ok = ctx && EVP_MAC_init(ctx, key, MR_POLY1305_KEY_BYTES, NULL) == 1 &&
         EVP_MAC_update(ctx, data.data, data.size) == 1 &&
         EVP_MAC_final(ctx, ret, &size, MR_POLY1305_TAG_BYTES) == 1 && /* wipes the key */
         size == MR_POLY1305_TAG_BYTES;
    EVP_MAC_CTX_free(ctx);
    (void)ERR_pop_to_mark();
    return ok;
}

void mr_poly1305(uint8_t ret[static MR_POLY1305_TAG_BYTES], struct mr_slice data,
        const uint8_t key[static MR_POLY1305_KEY_BYTES])
{
    if (data.size < OPENSSL_MIN || !by_openssl(ret, data, key))
        (void)crypto_onetimeauth(ret, data.data, data.size, key);
}
