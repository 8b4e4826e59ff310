#include "tests/demo/setup.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/buf.h"
#include "proto/base/hex.h"
#include "proto/base/list.h"
#include "proto/loop/curvekey.h"
#include "tests/demo/files.h"
#include "tests/support/port_claim.h"

static const char *const key_names[] = {"hub", "school", "copmkp", "cnppm", "portal"};
enum { KEYS = 5 };

static const char *const folders[] = {"keys", "run", "store", "state", "school", "school/in", "school/out",
        "school/done", "school/rejected", "copmkp", "copmkp/in", "copmkp/out", "copmkp/done",
        "copmkp/rejected", "cnppm", "cnppm/in", "cnppm/done", "cnppm/rejected", "portal", "outside"};

static int make_folders(const struct setup *setup, struct mr_error *reterr)
{
    for (size_t i = 0; i < MR_COUNT(folders); i++) {
        char path[PATH_MAX];

        (void)snprintf(path, sizeof path, "%s/%s", setup->dir, folders[i]);
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return mr_error_set(reterr, mr_err_from_errno(errno), path,
                    "choose a folder that you may write to", "cannot make the folder: %s", strerror(errno));
    }
    return 0;
}

static int make_keys(
        const struct setup *setup, char public_keys[KEYS][MR_CURVEKEY_TEXT_MAX], struct mr_error *reterr)
{
    for (size_t i = 0; i < KEYS; i++) {
        char secret_path[PATH_MAX];
        char public_path[PATH_MAX];
        struct mr_curvekey key;
        int r;

        (void)snprintf(secret_path, sizeof secret_path, "%s/keys/%s.key", setup->dir, key_names[i]);
        (void)snprintf(public_path, sizeof public_path, "%s/keys/%s.pub", setup->dir, key_names[i]);
        r = mr_curvekey_create_files(secret_path, public_path, &key, reterr);
        if (r < 0)
            return r;
        memcpy(public_keys[i], key.public_key, MR_CURVEKEY_TEXT_MAX);
        mr_curvekey_wipe(&key);
    }
    return 0;
}

static int make_token(const struct setup *setup, const char *name, char token[static 33])
{
    char dir[300];
    uint8_t raw[16];

    randombytes_buf(raw, sizeof raw);
    (void)mr_hex_encode(raw, sizeof raw, token);
    (void)snprintf(dir, sizeof dir, "%s/keys", setup->dir);
    return files_put(dir, name, mr_slice_str(token));
}

static const char config_systems[] =
        "systems:\n"
        "  - {name: school, kind: school, source: 'urn:marshrut:24:school', public_key: '%s',\n"
        "     publish: [nms.org., nms.person., nms.employment.]}\n"
        "  - {name: copmkp, kind: copmkp, source: 'urn:marshrut:24:copmkp', public_key: '%s',\n"
        "     publish: [nms.diagnostic., nms.rediagnostic., nms.deficit.]}\n"
        "  - {name: cnppm, kind: cnppm, source: 'urn:marshrut:24:cnppm', public_key: '%s',\n"
        "     publish: [nms.route., nms.diagnostic., nms.rediagnostic., nms.deficit., nms.course., "
        "nms.document.,\n"
        "               nms.programme., nms.mentoring., nms.contest., nms.event.annulled.v1]}\n"
        "  - {name: portal, kind: portal, source: 'urn:marshrut:24:portal', public_key: '%s',\n"
        "     publish: [nms.programme., nms.course., nms.document., nms.contest., nms.event.annulled.v1,\n"
        "               nms.passport.campaign.opened.v1]}\n\n";

static const char config_subscriptions[] =
        "subscriptions:\n"
        "  # Schools: deficits, routes and courses of their own staff, no scores.\n"
        "  - name: school-staff\n    system: school\n    personal: full\n    scope: staff\n    filters:\n"
        "      - any:\n          - prefix: {type: nms.deficit.}\n          - prefix: {type: nms.route.}\n"
        "          - prefix: {type: nms.course.}\n"
        "  # The assessment centre: who finished a course, to be diagnosed again.\n"
        "  - name: copmkp-courses\n    system: copmkp\n    personal: full\n    filters:\n"
        "      - exact: {type: nms.course.finished.v1}\n"
        "  - name: cnppm-diagnostics\n    system: cnppm\n    personal: full\n    filters:\n"
        "      - any:\n          - prefix: {type: nms.diagnostic.}\n          - prefix: {type: "
        "nms.rediagnostic.}\n"
        "          - prefix: {type: nms.deficit.}\n"
        "  # The portal: the passport, and routes without names.\n"
        "  - name: portal-passport\n    system: portal\n    personal: none\n    filters:\n"
        "      - prefix: {type: nms.passport.}\n"
        "  - name: portal-routes\n    system: portal\n    personal: none\n    filters:\n"
        "      - prefix: {type: nms.route.}\n\n";

static const char config_codes[] =
        "codelists:\n"
        "  - name: area\n    values:\n"
        "      - {code: subject, title: Предметная}\n      - {code: methodical, title: Методическая}\n"
        "      - {code: psychological, title: Психолого-педагогическая}\n"
        "      - {code: communicative, title: Коммуникативная}\n      - {code: legal, title: "
        "Нормативно-правовая}\n"
        "      - {code: ict, title: ИКТ}\n      - {code: management, title: Управленческая}\n"
        "  - name: level\n    values:\n"
        "      - {code: low, title: низкий}\n      - {code: medium, title: средний}\n      - {code: high, "
        "title: высокий}\n"
        "  - name: qual_category\n    values:\n"
        "      - {code: none, title: нет}\n      - {code: first, title: первая}\n      - {code: highest, "
        "title: высшая}\n"
        "  - name: org_kind\n    values:\n"
        "      - {code: school, title: школа}\n      - {code: kindergarten, title: детский сад}\n"
        "      - {code: institute, title: институт}\n\n"
        "operators:\n"
        "  - {name: orlova, roles: [cnppm]}\n"
        "  - {name: belov, roles: [ministry]}\n"
        "  - {name: akademia, roles: [federal]}\n"
        "  - {name: auditor, roles: [auditor]}\n"
        "  - {name: zotova, roles: [pd-officer]}\n"
        "  - {name: gromov, roles: [pd-officer]}\n"
        "  - {name: smirnov, roles: [admin]}\n\n"
        "erasure:\n  controller: Министерство образования (выдуманное)\n  address: г. Красноярск\n\n"
        "passport:\n"
        "  form: образец-2021\n  period_from: '2026-01-01'\n  period_to: '2026-12-31'\n  suppress_below: 5\n"
        "  indicators: ['1', '3']\n"
        "  cells:\n    - {code: 1.vacancies, title: Вакансии, unit: ед.}\n"
        "    - {code: 3.premises, title: Учебные помещения, unit: ед.}\n"
        "    - {code: 3.equipment, title: Комплекты оборудования, unit: ед.}\n"
        "    - {code: 3.computers, title: Компьютеры, unit: ед.}\n"
        "    - {code: 3.internship-sites, title: Стажировочные площадки, unit: ед.}\n"
        "    - {code: 3.mentor-sites, title: Площадки наставников, unit: ед.}\n"
        "    - {code: 3.agreements, title: Соглашения о сетевой форме, unit: ед.}\n"
        "    - {code: 3.libraries, title: Библиотеки, unit: ед.}\n"
        "    - {code: 3.places, title: Учебные места, unit: ед.}\n"
        "    - {code: 4.budget, title: 'Средства бюджета', unit: тыс. руб.}\n"
        "    - {code: 6.sites, title: Сайты и системы дистанционного обучения, unit: ед.}\n"
        "  age_bands:\n    - {code: under-35, from_years: 0, to_years: 35}\n"
        "    - {code: 35-54, from_years: 35, to_years: 55}\n    - {code: from-55, from_years: 55, to_years: "
        "0}\n"
        "  service_bands:\n    - {code: under-3, from_years: 0, to_years: 3}\n"
        "    - {code: 3-20, from_years: 3, to_years: 20}\n    - {code: from-20, from_years: 20, to_years: "
        "0}\n\n";

static void put_adapters(const struct setup *setup, struct mr_buf *out)
{
    static const char *const file_adapters[] = {"school", "copmkp"};

    mr_buf_put_str(out, "adapters:\n");
    for (size_t i = 0; i < MR_COUNT(file_adapters); i++)
        mr_buf_printf(out,
                "  %1$s:\n    system: %1$s\n    secret_key_file: keys/%1$s.key\n    state: state/%1$s\n"
                "    in: %1$s/in\n    out: %1$s/out\n    done: %1$s/done\n    rejected: %1$s/rejected\n"
                "    settle_ms: 200\n",
                file_adapters[i]);
    mr_buf_printf(out,
            "  cnppm:\n    system: cnppm\n    secret_key_file: keys/cnppm.key\n    state: state/cnppm\n"
            "    listen: 127.0.0.1:%u\n    token_file: keys/cnppm.token\n    webhook: "
            "http://127.0.0.1:%u/diagnostics\n"
            "    in: cnppm/in\n    done: cnppm/done\n    rejected: cnppm/rejected\n    settle_ms: 200\n",
            setup->cnppm_port, setup->cnppm_outside);
    mr_buf_printf(out,
            "  portal:\n    system: portal\n    secret_key_file: keys/portal.key\n    state: state/portal\n"
            "    listen: 127.0.0.1:%u\n    token_file: keys/portal.token\n    poll_url: "
            "http://127.0.0.1:%u/events\n"
            "    poll_interval_ms: 500\n    push_url: http://127.0.0.1:%u/push\n",
            setup->portal_port, setup->portal_outside, setup->portal_outside);
}

static int write_config(const struct setup *setup, char keys[KEYS][MR_CURVEKEY_TEXT_MAX])
{
    struct mr_buf text = MR_BUF_INIT;
    int r;

    mr_buf_printf(&text,
            "# Made by the demo: a region that does not exist. docs/configuration.md explains every key.\n"
            "version: 1\nregion: '24'\ntimezone: Asia/Krasnoyarsk\n\n"
            "hub:\n  source: 'urn:marshrut:24:hub'\n  listen: ['tcp://127.0.0.1:%u']\n  admin: run/hub.sock\n"
            "  store: store\n  root_key: keys/root\n  secret_key_file: keys/hub.key\n  public_key: '%s'\n"
            "  http_listen: 127.0.0.1:%u\n\n",
            setup->hub_port, keys[0], setup->http_port);
    mr_buf_printf(&text, config_systems, keys[1], keys[2], keys[3], keys[4]);
    mr_buf_put_str(&text, config_subscriptions);
    mr_buf_put_str(&text, config_codes);
    put_adapters(setup, &text);
    r = mr_buf_failed(&text) ? MR_ENOMEM : files_put(setup->dir, "marshrut.yaml", mr_buf_slice(&text));
    mr_buf_fini(&text);
    return r;
}

static int make_dir(struct setup *setup, const char *dir, struct mr_error *reterr)
{
    char real[PATH_MAX];

    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return mr_error_set(reterr, mr_err_from_errno(errno), dir, "choose another folder with --dir",
                "cannot make the folder: %s", strerror(errno));
    if (!realpath(dir, real) || strlen(real) >= 90)
        return mr_error_set(reterr, MR_EINVAL, dir, "choose a shorter one with --dir",
                "the folder's path must be shorter than 90 bytes (a socket lies in it)");
    (void)snprintf(setup->dir, sizeof setup->dir, "%s", real);
    (void)snprintf(setup->config, sizeof setup->config, "%s/marshrut.yaml", real);
    if (access(setup->config, F_OK) == 0)
        return mr_error_set(reterr, MR_EEXISTS, setup->config, "give an empty folder, or remove this one",
                "there is a demo in this folder already");
    return 0;
}

int setup_make(struct setup *ret, const char *dir, struct mr_error *reterr)
{
    char keys[KEYS][MR_CURVEKEY_TEXT_MAX];
    uint16_t *const ports[] = {&ret->hub_port, &ret->http_port, &ret->cnppm_port, &ret->portal_port,
            &ret->cnppm_outside, &ret->portal_outside};
    int r;

    *ret = (struct setup){0};
    r = make_dir(ret, dir, reterr);
    if (r == 0)
        r = make_folders(ret, reterr);
    if (r == 0)
        r = make_keys(ret, keys, reterr);
    for (size_t i = 0; i < MR_COUNT(ports) && r == 0; i++) {
        struct port_claim claim = {.fd = -1}; /* it is the demo's to its end */

        if (port_claim_make(&claim))
            *ports[i] = claim.port;
        else
            r = mr_error_set(
                    reterr, MR_ESYSTEM, "127.0.0.1", "look at the limits of open files", "no free port");
    }
    if (r == 0)
        r = make_token(ret, "cnppm.token", ret->cnppm_token);
    if (r == 0)
        r = make_token(ret, "portal.token", ret->portal_token);
    if (r == 0)
        r = write_config(ret, keys);
    return r;
}
