#include "tests/support/hub_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/assessment.pb-c.h"
#include "event/course.pb-c.h"
#include "event/employment.pb-c.h"
#include "tests/support/tmpdir.h"

static const char config_text[] =
        "version: 1\n"
        "region: \"24\"\n"
        "timezone: Asia/Krasnoyarsk\n"
        "hub:\n"
        "  source: urn:marshrut:24:hub\n"
        "  listen: [\"tcp://127.0.0.1:7400\"]\n"
        "  admin: run/hub.sock\n"
        "  store: store\n"
        "  root_key: root\n"
        "  secret_key_file: keys/hub.key\n"
        "  public_key: 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7'\n"
        "systems:\n"
        "  - name: school\n"
        "    kind: school\n"
        "    source: urn:marshrut:24:school\n"
        "    public_key: 'Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID'\n"
        "    publish: [nms.person., nms.org., nms.employment.]\n"
        "  - name: copmkp\n"
        "    kind: copmkp\n"
        "    source: urn:marshrut:24:copmkp\n"
        "    public_key: 'JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6'\n"
        "    publish: [nms.diagnostic., nms.deficit., nms.rediagnostic., nms.person., "
        "nms.event.annulled.v1]\n"
        "  - name: cnppm\n"
        "    kind: cnppm\n"
        "    source: urn:marshrut:24:cnppm\n"
        "    public_key: 'D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs'\n"
        "    publish: [nms.route., nms.course., nms.mentoring.]\n"
        "  - name: portal\n"
        "    kind: portal\n"
        "    source: urn:marshrut:24:portal\n"
        "    public_key: 'ctnlKzDTd/2mGf-P1$lD4hNGHJxLsOPqkCMi?(Lz'\n"
        "    regions: [\"24\"]\n"
        "    publish: [nms.programme., nms.course.finished.v1]\n"
        "subscriptions:\n"
        "  - name: school-staff\n"
        "    system: school\n"
        "    personal: full\n"
        "    scope: staff\n"
        "    filters: [{any: [{prefix: {type: nms.deficit.}}, {prefix: {type: nms.route.}}]}]\n"
        "  - name: cnppm-deficits\n"
        "    system: cnppm\n"
        "    personal: full\n"
        "    filters: [{prefix: {type: nms.deficit.}}]\n"
        "  - name: portal-deficits\n"
        "    system: portal\n"
        "    personal: pseudonymous\n"
        "    filters: [{prefix: {type: nms.deficit.}}]\n"
        "  - name: portal-routes\n"
        "    system: portal\n"
        "    personal: none\n"
        "    filters: [{prefix: {type: nms.}}, {not: {prefix: {type: nms.person.}}}]\n"
        "codelists:\n"
        "  - name: area\n"
        "    values: [{code: subject, title: Предметная}, {code: ict, title: ИКТ}]\n"
        "operators: [{name: op-1, roles: [admin]}, {name: op-2, roles: [auditor]},\n"
        "  {name: pd-1, roles: [pd-officer]}, {name: pd-2, roles: [pd-officer]}]\n"
        "passport:\n"
        "  form: образец-2021\n"
        "  period_from: \"2026-01-01\"\n"
        "  period_to: \"2026-12-31\"\n"
        "  suppress_below: 5\n"
        "  indicators: []\n"
        "  cells: [{code: 3.premises, title: Помещения, unit: ед.}, {code: 3.x}]\n"
        "  age_bands: []\n"
        "  service_bands: []\n";

static void fail_with(const struct mr_error *error)
{
    print_error("%s: %s (%s)\n", error->where, error->what, error->cure);
    fail();
}

static void check(int r, const struct mr_error *error)
{
    if (r < 0)
        fail_with(error);
}

void hub_env_open(struct hub_env *env)
{
    struct mr_error error = {0};
    struct mr_writer_options options = {.batch_jobs_max = 64};

    check(mr_house_open(&env->house, env->config, false, &error), &error);
    check(mr_matcher_create(&env->matcher, env->config, env->house.names, &error), &error);
    options.log = env->house.log;
    assert_int_equal(mr_writer_start(&env->writer, &options), 0);
    check(mr_prepare_start(&env->prepare, &env->house, env->matcher, env->writer, &error), &error);
}

void hub_env_close(struct hub_env *env)
{
    if (!env->house.log) /* a test left it closed */
        return;
    mr_prepare_stop(env->prepare);
    mr_writer_stop(env->writer);
    mr_matcher_free(env->matcher);
    mr_house_close(&env->house);
    env->prepare = NULL;
    env->writer = NULL;
    env->matcher = NULL;
}

int hub_env_setup(void **state)
{
    struct hub_env *env = calloc(1, sizeof *env);
    struct mr_error error = {0};

    env->dir = mr_tmpdir_new();
    check(mr_config_parse(&env->config, mr_slice_str(config_text), "marshrut.yaml", env->dir, &error),
            &error);
    hub_env_open(env);
    *state = env;
    return 0;
}

int hub_env_teardown(void **state)
{
    struct hub_env *env = *state;

    hub_env_close(env);
    mr_config_free(env->config);
    mr_tmpdir_free(env->dir);
    free(env);
    return 0;
}

/* ---- publishing ---- */

static void on_done(struct mr_intake *intake)
{
    (void)sem_post(intake->owner);
}

struct mr_intake *hub_env_submit(struct hub_env *env, const char *system, const struct mr_buf *events,
        size_t count, uint64_t first_sequence, void *semaphore)
{
    struct mr_intake *intake = mr_intake_new(count);
    size_t at = 0;

    assert_non_null(intake);
    intake->sender = strcmp(system, "hub") == 0 ? NULL : mr_config_system(env->config, system);
    intake->system = mr_names_id(env->house.names, MR_NAME_SYSTEM, system);
    intake->epoch = intake->sender ? 7 : 0;
    intake->first_sequence = first_sequence;
    intake->owner = semaphore;
    intake->done = on_done;
    for (size_t i = 0; i < count; i++)
        mr_buf_put_slice(&intake->bytes, mr_buf_slice(&events[i]));
    for (size_t i = 0; i < count; i++) {
        intake->items[i].event = mr_slice(intake->bytes.data + at, events[i].size);
        at += events[i].size;
    }
    mr_prepare_submit(env->prepare, intake);
    return intake;
}

struct mr_intake *hub_env_publish(struct hub_env *env, const char *system, const struct mr_buf *events,
        size_t count, uint64_t first_sequence)
{
    sem_t done;
    struct mr_intake *intake;

    assert_int_equal(sem_init(&done, 0, 0), 0);
    intake = hub_env_submit(env, system, events, count, first_sequence, &done);
    while (sem_wait(&done) != 0)
        continue;
    (void)sem_destroy(&done);
    assert_int_equal(intake->status, 0);
    return intake;
}

void hub_env_index_idents(struct hub_env *env)
{
    struct mr_record_view *view = malloc(sizeof *view);
    uint64_t head = mr_log_head(env->house.log);
    struct mr_index_batch *batch;
    struct mr_log_reader *reader;

    assert_non_null(view);
    assert_int_equal(mr_log_reader_open(env->house.log, &reader), 0);
    assert_int_equal(mr_index_batch_begin(env->house.index, &batch), 0);
    for (uint64_t n = mr_index_through(env->house.index) + 1; n <= head; n++) {
        assert_int_equal(mr_log_read(reader, n, view, NULL), 0);
        assert_int_equal(mr_index_batch_put(batch, MR_INDEX_IDENT, view->record.ident, n), 0);
    }
    assert_int_equal(mr_index_batch_commit(batch, head), 0);
    mr_log_reader_close(reader);
    free(view);
}

/* ---- events ---- */

struct mr_attributes hub_env_attributes(const char *source, const char *id, const char *type)
{
    return (struct mr_attributes){.id = id,
            .source = source,
            .type = type,
            .time = "2026-11-01T10:00:00Z",
            .regioncode = "24",
            .basis = "152-fz-6-1",
            .actor = "op-17",
            .actorrole = "methodist"};
}

void hub_env_encode(
        struct mr_buf *out, const struct mr_attributes *attributes, const ProtobufCMessage *payload)
{
    assert_int_equal(mr_event_encode(out, attributes, payload), 0);
}

static char *text(const char *s)
{
    return s ? (char *)s : (char *)protobuf_c_empty_string;
}

void hub_env_deficit(struct mr_buf *out, const char *id, const char *snils, const char *local_id)
{
    struct mr_attributes a = hub_env_attributes("urn:marshrut:24:copmkp", id, "nms.deficit.identified.v1");
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    Nms__Event__V1__DeficitIdentified deficit = NMS__EVENT__V1__DEFICIT_IDENTIFIED__INIT;

    person.snils = text(snils);
    person.local_id = text(local_id);
    person.family_name = (char *)"Петрова";
    deficit.person = &person;
    deficit.deficit_id = (char *)"d-1";
    deficit.area = (char *)"ict";
    deficit.identified_on = (char *)"2026-10-30";
    hub_env_encode(out, &a, &deficit.base);
}

void hub_env_programme(struct mr_buf *out, const char *id)
{
    struct mr_attributes a = hub_env_attributes("urn:marshrut:24:portal", id, "nms.programme.listed.v1");
    Nms__Event__V1__ProgrammeListed programme = NMS__EVENT__V1__PROGRAMME_LISTED__INIT;

    programme.programme_id = (char *)"p-1";
    programme.title = (char *)"Цифровые инструменты учителя";
    programme.kind = (char *)"PK";
    programme.hours = 36;
    programme.provider_ogrn = (char *)"1022402127461";
    programme.registry = (char *)"own";
    programme.listed_on = (char *)"2026-01-15";
    hub_env_encode(out, &a, &programme.base);
}

void hub_env_employment(struct mr_buf *out, const char *id, const char *snils, const char *employment_id,
        const char *ogrn, bool started)
{
    struct mr_attributes a = hub_env_attributes(
            "urn:marshrut:24:school", id, started ? "nms.employment.started.v1" : "nms.employment.ended.v1");
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    Nms__Event__V1__EmploymentStarted start = NMS__EVENT__V1__EMPLOYMENT_STARTED__INIT;
    Nms__Event__V1__EmploymentEnded end = NMS__EVENT__V1__EMPLOYMENT_ENDED__INIT;

    person.snils = text(snils);
    start.person = &person;
    start.employment_id = text(employment_id);
    start.org_ogrn = text(ogrn);
    start.post = (char *)"учитель";
    start.staff_group = (char *)"PR";
    start.started_on = (char *)"2020-09-01";
    end.person = &person;
    end.employment_id = text(employment_id);
    end.org_ogrn = text(ogrn);
    end.ended_on = (char *)"2026-08-31";
    hub_env_encode(out, &a, started ? &start.base : &end.base);
}
