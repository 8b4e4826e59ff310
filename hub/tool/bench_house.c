#include "hub/tool/bench_house.h"

#include <sodium.h>
#include <stdlib.h>

enum { PERSONS_A_COMMIT = 1000 };

/* Keys of nobody: no hub listens here. */
static const char hub_text[] = "version: 1\n"
                               "region: \"24\"\n"
                               "timezone: Asia/Krasnoyarsk\n"
                               "hub:\n"
                               "  source: urn:marshrut:24:bench\n"
                               "  listen: [\"tcp://127.0.0.1:7400\"]\n"
                               "  admin: run/hub.sock\n"
                               "  store: store\n"
                               "  root_key: root\n"
                               "  secret_key_file: keys/hub.key\n"
                               "  public_key: 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7'\n";
static const char rest_text[] = "systems:\n"
                                "  - name: copmkp\n"
                                "    kind: copmkp\n"
                                "    source: urn:marshrut:24:copmkp\n"
                                "    public_key: 'JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6'\n"
                                "    publish: [nms.deficit.]\n"
                                "  - name: portal\n"
                                "    kind: portal\n"
                                "    source: urn:marshrut:24:portal\n"
                                "    public_key: 'ctnlKzDTd/2mGf-P1$lD4hNGHJxLsOPqkCMi?(Lz'\n"
                                "    publish: [nms.programme.]\n"
                                "subscriptions:\n"
                                "  - name: portal-deficits\n"
                                "    system: portal\n"
                                "    personal: pseudonymous\n"
                                "    filters: [{prefix: {type: nms.deficit.}}]\n"
                                "  - name: copmkp-programmes\n"
                                "    system: copmkp\n"
                                "    personal: none\n"
                                "    filters: [{prefix: {type: nms.programme.}}]\n"
                                "codelists:\n"
                                "  - name: area\n"
                                "    values: [{code: ict, title: ИКТ}]\n"
                                "operators: [{name: op-1, roles: [admin]}]\n"
                                "passport:\n"
                                "  form: образец-2021\n"
                                "  period_from: \"2026-01-01\"\n"
                                "  period_to: \"2026-12-31\"\n"
                                "  suppress_below: 5\n"
                                "  indicators: []\n"
                                "  age_bands: []\n"
                                "  service_bands: []\n";

int bench_house_init(
        struct bench_house *ret, const char *dir, uint32_t segment_events, struct mr_error *reterr)
{
    struct mr_buf text = MR_BUF_INIT;
    int r;

    *ret = (struct bench_house){0};
    mr_buf_printf(&text, "%s  segment_events: %u\n%s", hub_text, segment_events, rest_text);
    r = mr_buf_failed(&text) ? MR_ENOMEM
                             : mr_config_parse(&ret->config, mr_buf_slice(&text), "bench", dir, reterr);
    mr_buf_fini(&text);
    return r;
}

int bench_house_open(struct bench_house *bench, struct mr_error *reterr)
{
    int r = mr_house_open(&bench->house, bench->config, /* read_only= */ false, reterr);

    bench->open = r == 0;
    return r;
}

void bench_house_close(struct bench_house *bench)
{
    if (bench->open)
        mr_house_close(&bench->house);
    bench->open = false;
}

void bench_house_fini(struct bench_house *bench)
{
    bench_house_close(bench);
    if (bench->persons)
        sodium_memzero(bench->persons, bench->persons_count * sizeof *bench->persons);
    free(bench->persons);
    mr_config_free(bench->config);
    *bench = (struct bench_house){0};
}

/* One commit's share, from `first` on. */
static int make_some(struct bench_house *bench, size_t first, size_t count)
{
    struct mr_keyring_txn *txn;
    int r = mr_keyring_begin(bench->house.keyring, &txn);

    if (r < 0)
        return r;
    for (size_t i = first; r == 0 && i < first + count; i++)
        r = mr_person_create(txn, bench->persons[i].id, &bench->persons[i].key);
    if (r == 0)
        return mr_keyring_commit(txn);
    mr_keyring_abort(txn);
    return r;
}

int bench_house_people(struct bench_house *bench, size_t count, struct mr_error *reterr)
{
    int r = 0;

    bench->persons = calloc(count, sizeof *bench->persons);
    if (!bench->persons)
        return mr_error_set(reterr, MR_ENOMEM, "persons", "take fewer events", "out of memory");
    bench->persons_count = count;
    for (size_t i = 0; r == 0 && i < count; i += PERSONS_A_COMMIT)
        r = make_some(bench, i, count - i < PERSONS_A_COMMIT ? count - i : PERSONS_A_COMMIT);
    return r < 0 ? mr_error_set(reterr, r, "keys", "", "persons cannot be made: %s", mr_err_text(r)) : 0;
}
