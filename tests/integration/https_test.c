/* hub.http_tls: the API over TLS, with a certificate made here; what plain HTTP and strangers get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <curl/curl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/http_ask.h"

enum { PATH_BYTES = 256, DAY_S = 86400 };

struct env {
    struct spawn spawn;
    char certificate[PATH_BYTES], key[PATH_BYTES];
    uint16_t port;
};

/* ---- a certificate for 127.0.0.1 ---- */

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");

    assert_non_null(san);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    (void)X509_set_version(certificate, 2);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_S);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), DAY_S);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"hub", -1, -1, 0);
    (void)X509_set_issuer_name(certificate, name);
    (void)X509_set_pubkey(certificate, key);
    (void)X509_add_ext(certificate, san, -1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    X509_EXTENSION_free(san);
    return certificate;
}

static void make_files(struct env *env)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key);
    FILE *file;

    (void)snprintf(env->certificate, PATH_BYTES, "%s/tls.crt", env->spawn.dir);
    (void)snprintf(env->key, PATH_BYTES, "%s/tls.key", env->spawn.dir);
    assert_non_null(file = fopen(env->certificate, "we"));
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    (void)fclose(file);
    assert_non_null(file = fopen(env->key, "we"));
    assert_int_equal(chmod(env->key, 0600), 0);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    (void)fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* ---- support ---- */

static void init(struct env *env, const char *http)
{
    char hub[512];

    (void)snprintf(hub, sizeof hub, "  ballast_mb: 1\n  space_watermark_mb: 1\n%s", http);
    spawn_init_hub(&env->spawn, "", hub);
    make_files(env);
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    init(env, "  http_listen: 127.0.0.1:0\n  http_tls: {certificate: tls.crt, key: tls.key}\n");
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    spawn_fini(&env->spawn);
    free(env);
    return 0;
}

static size_t drop(char *data, size_t size, size_t count, void *ctx)
{
    (void)data;
    (void)ctx;
    return size * count;
}

/* The HTTP status; negative: libcurl's error. trusted NULL: nobody. */
static long get(const struct env *env, const char *trusted, long version)
{
    CURL *curl = curl_easy_init();
    char url[64];
    long status = 0;
    CURLcode r;

    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/healthz", (unsigned)env->port);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_CAINFO, trusted);
    (void)curl_easy_setopt(curl, CURLOPT_SSLVERSION, version);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    r = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    return r == CURLE_OK ? status : -(long)r;
}

/* ---- tests ---- */

static void it_is_served_over_tls(void **state)
{
    struct env *env = *state;

    spawn_start(&env->spawn);
    env->port = http_ask_port(&env->spawn);
    assert_int_equal(get(env, env->certificate, CURL_SSLVERSION_TLSv1_3), 200);
    assert_int_equal(get(env, env->certificate, CURL_SSLVERSION_TLSv1_2), 200);
    assert_int_equal(get(env, NULL, CURL_SSLVERSION_DEFAULT), -CURLE_PEER_FAILED_VERIFICATION);
    assert_true(get(env, env->certificate, CURL_SSLVERSION_TLSv1_1 | CURL_SSLVERSION_MAX_TLSv1_1) < 0);
    spawn_stop(&env->spawn);
}

/* The key may not be open to others; the pair must fit. */
static void a_bad_pair_is_told(void **state)
{
    struct env *env = *state;

    assert_int_equal(chmod(env->key, 0644), 0);
    assert_int_not_equal(spawn_start_fails(&env->spawn), 0);
    assert_true(spawn_logged(&env->spawn, "tls.key"));
    spawn_forget(&env->spawn);
    assert_int_equal(rename(env->key, env->certificate), 0);
    assert_int_not_equal(spawn_start_fails(&env->spawn), 0);
    spawn_forget(&env->spawn);
}

static int setup_open(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    init(env, "  http_listen: 0.0.0.0:0\n");
    *state = env;
    return 0;
}

static void plain_http_stays_on_this_machine(void **state)
{
    struct env *env = *state;

    assert_int_equal(spawn_start_fails(&env->spawn), 78);
    assert_true(spawn_logged(&env->spawn, "plain HTTP beyond this machine"));
    spawn_forget(&env->spawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(it_is_served_over_tls, setup, teardown),
            cmocka_unit_test_setup_teardown(a_bad_pair_is_told, setup, teardown),
            cmocka_unit_test_setup_teardown(plain_http_stays_on_this_machine, setup_open, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
