#include "hub/erasure/identity.h"

#include <string.h>

#include "proto/base/list.h"
#include "proto/wire/ident.h"

enum { ROOM_FIRST = 16 };

void mr_identity_init(struct mr_identity *identity, struct mr_arena *arena, mr_erasure_secret *secret)
{
    *identity = (struct mr_identity){.arena = arena, .secret = secret};
    secret->n_records = secret->n_quarantined = secret->n_proposals = secret->n_names = secret->n_snils = 0;
    secret->n_local_ids = secret->n_categories = secret->n_known = 0;
}

void mr_identity_resume(struct mr_identity *identity, struct mr_arena *arena, mr_erasure_secret *secret)
{
    *identity = (struct mr_identity){.arena = arena,
            .secret = secret,
            .records_room = secret->n_records,
            .quarantined_room = secret->n_quarantined,
            .proposals_room = secret->n_proposals,
            .names_room = secret->n_names,
            .snils_room = secret->n_snils,
            .local_ids_room = secret->n_local_ids,
            .categories_room = secret->n_categories,
            .known_room = secret->n_known};
}

/* Room for one more pointer. */
static int grow(struct mr_identity *identity, void *array, size_t count, size_t *room)
{
    void **old, **wider;
    size_t wanted = *room ? 2 * *room : ROOM_FIRST;

    if (count < *room)
        return 0;
    wider = mr_arena_alloc(identity->arena, wanted * sizeof *wider);
    if (!wider)
        return MR_ENOMEM;
    memcpy(&old, array, sizeof old);
    if (count > 0)
        memcpy(wider, old, count * sizeof *wider);
    memcpy(array, &wider, sizeof wider);
    *room = wanted;
    return 0;
}

#define GROW(identity, member)                                                                               \
    grow(identity, &(identity)->secret->member, (identity)->secret->n_##member, &(identity)->member##_room)

int mr_identity_touched(struct mr_identity *identity, uint64_t number, uint16_t slots)
{
    mr_erasure_secret *secret = identity->secret;
    Marshrut__Erasure__V1__Touched *touched = mr_arena_alloc(identity->arena, sizeof *touched);

    if (!touched || GROW(identity, records) < 0)
        return MR_ENOMEM;
    marshrut__erasure__v1__touched__init(touched);
    touched->number = number;
    touched->slots = slots;
    secret->records[secret->n_records++] = touched;
    return 0;
}

/* NULL: out of memory. */
static Marshrut__Erasure__V1__Waiting *waiting_new(
        struct mr_identity *identity, uint64_t number, const uint8_t *item)
{
    Marshrut__Erasure__V1__Waiting *waiting = mr_arena_alloc(identity->arena, sizeof *waiting);
    uint8_t *copy = mr_arena_dup(identity->arena, item, MR_PERSON_ID_BYTES);

    if (!waiting || !copy)
        return NULL;
    marshrut__erasure__v1__waiting__init(waiting);
    waiting->number = number;
    waiting->item = (ProtobufCBinaryData){MR_PERSON_ID_BYTES, copy};
    return waiting;
}

int mr_identity_waiting(
        struct mr_identity *identity, uint64_t number, const uint8_t item[static MR_PERSON_ID_BYTES])
{
    mr_erasure_secret *secret = identity->secret;
    Marshrut__Erasure__V1__Waiting *waiting = waiting_new(identity, number, item);

    if (!waiting || GROW(identity, quarantined) < 0)
        return MR_ENOMEM;
    secret->quarantined[secret->n_quarantined++] = waiting;
    return 0;
}

int mr_identity_proposal(
        struct mr_identity *identity, uint64_t number, const uint8_t item[static MR_PERSON_ID_BYTES])
{
    mr_erasure_secret *secret = identity->secret;
    Marshrut__Erasure__V1__Waiting *waiting = waiting_new(identity, number, item);

    if (!waiting || GROW(identity, proposals) < 0)
        return MR_ENOMEM;
    secret->proposals[secret->n_proposals++] = waiting;
    return 0;
}

/* ---- texts ---- */

static bool given(const char *text)
{
    return text && *text;
}

static int add_text(
        struct mr_identity *identity, char ***texts, size_t *count, size_t *room, const char *text)
{
    int r;

    for (size_t i = 0; i < *count; i++)
        if (strcmp((*texts)[i], text) == 0)
            return 0;
    r = grow(identity, texts, *count, room);
    if (r < 0)
        return r;
    (*texts)[*count] = mr_arena_strdup(identity->arena, text);
    return (*texts)[(*count)++] ? 0 : MR_ENOMEM;
}

static int add_category(struct mr_identity *identity, const char *text)
{
    return add_text(identity, &identity->secret->categories, &identity->secret->n_categories,
            &identity->categories_room, text);
}

static int add_snils(struct mr_identity *identity, const char *text)
{
    char digits[12];
    int r = 0;

    if (given(text) && mr_ident_snils_normalise(text, digits) == 0)
        r = add_text(identity, &identity->secret->snils, &identity->secret->n_snils, &identity->snils_room,
                digits);
    explicit_bzero(digits, sizeof digits);
    return r;
}

static int add_local(struct mr_identity *identity, const char *system, const char *id)
{
    mr_erasure_secret *secret = identity->secret;
    Marshrut__Erasure__V1__LocalId *local;

    if (!given(id) || !given(system))
        return 0;
    for (size_t i = 0; i < secret->n_local_ids; i++)
        if (strcmp(secret->local_ids[i]->system, system) == 0 && strcmp(secret->local_ids[i]->id, id) == 0)
            return 0;
    local = mr_arena_alloc(identity->arena, sizeof *local);
    if (!local || GROW(identity, local_ids) < 0)
        return MR_ENOMEM;
    marshrut__erasure__v1__local_id__init(local);
    local->system = mr_arena_strdup(identity->arena, system);
    local->id = mr_arena_strdup(identity->arena, id);
    secret->local_ids[secret->n_local_ids++] = local;
    return local->system && local->id ? 0 : MR_ENOMEM;
}

static int add_name(struct mr_identity *identity, const Nms__Event__V1__Person *person)
{
    mr_erasure_secret *secret = identity->secret;
    Marshrut__Erasure__V1__Name *name;

    if (!given(person->family_name) && !given(person->given_name) && !given(person->birth_date))
        return 0;
    for (size_t i = 0; i < secret->n_names; i++)
        if (strcmp(secret->names[i]->family_name, person->family_name) == 0 &&
                strcmp(secret->names[i]->given_name, person->given_name) == 0 &&
                strcmp(secret->names[i]->patronymic, person->patronymic) == 0 &&
                strcmp(secret->names[i]->birth_date, person->birth_date) == 0)
            return 0;
    name = mr_arena_alloc(identity->arena, sizeof *name);
    if (!name || GROW(identity, names) < 0)
        return MR_ENOMEM;
    marshrut__erasure__v1__name__init(name);
    name->family_name = mr_arena_strdup(identity->arena, person->family_name);
    name->given_name = mr_arena_strdup(identity->arena, person->given_name);
    name->patronymic = mr_arena_strdup(identity->arena, person->patronymic);
    name->birth_date = mr_arena_strdup(identity->arena, person->birth_date);
    secret->names[secret->n_names++] = name;
    return name->family_name && name->given_name && name->patronymic && name->birth_date ? 0 : MR_ENOMEM;
}

int mr_identity_person(struct mr_identity *identity, const char *system, const Nms__Event__V1__Person *person)
{
    const struct {
        const char *value, *category;
    } fields[] = {{person->snils, "СНИЛС"}, {person->family_name, "фамилия, имя, отчество"},
            {person->birth_date, "дата рождения"}, {person->sex, "пол"}, {person->citizenship, "гражданство"},
            {person->email, "адрес электронной почты"}, {person->phone, "номер телефона"},
            {person->local_id, "идентификатор в системе-источнике"}};
    int r = add_snils(identity, person->snils);

    if (r == 0)
        r = add_name(identity, person);
    if (r == 0)
        r = add_local(identity, system, person->local_id);
    for (size_t i = 0; r == 0 && i < MR_COUNT(fields); i++)
        if (given(fields[i].value))
            r = add_category(identity, fields[i].category);
    return r;
}

/* The longest beginning counts first. */
static const struct {
    const char *type, *category;
} categories[] = {
        {"nms.person.", "сведения о личности"},
        {"nms.employment.", "сведения о трудовой деятельности"},
        {"nms.diagnostic.", "результаты диагностики профессиональных дефицитов"},
        {"nms.rediagnostic.", "результаты диагностики профессиональных дефицитов"},
        {"nms.deficit.", "сведения о профессиональных дефицитах"},
        {"nms.route.", "индивидуальный образовательный маршрут"},
        {"nms.course.", "сведения о повышении квалификации и переподготовке"},
        {"nms.document.", "сведения о документах об образовании и квалификации"},
        {"nms.contest.", "сведения об участии в профессиональных конкурсах"},
        {"nms.mentoring.", "сведения о наставничестве"},
        {"nms.internship.", "сведения о стажировках"},
        {"nms.activity.", "сведения об участии в методических мероприятиях"},
};

int mr_identity_type(struct mr_identity *identity, const char *type)
{
    for (size_t i = 0; i < MR_COUNT(categories); i++)
        if (strncmp(type, categories[i].type, strlen(categories[i].type)) == 0)
            return add_category(identity, categories[i].category);
    return add_category(identity, "иные сведения о лице");
}

int mr_identity_known(struct mr_identity *identity, const char *system, bool sent, enum mr_personal personal,
        uint32_t withheld)
{
    mr_erasure_secret *secret = identity->secret;
    Marshrut__Erasure__V1__Known *known = NULL;

    for (size_t i = 0; i < secret->n_known && !known; i++)
        if (strcmp(secret->known[i]->system, system) == 0)
            known = secret->known[i];
    if (!known) {
        known = mr_arena_alloc(identity->arena, sizeof *known);
        if (!known || GROW(identity, known) < 0)
            return MR_ENOMEM;
        marshrut__erasure__v1__known__init(known);
        known->system = mr_arena_strdup(identity->arena, system);
        known->withheld = UINT32_MAX;
        if (!known->system)
            return MR_ENOMEM;
        secret->known[secret->n_known++] = known;
    }
    known->sent |= sent;
    if (sent)
        known->withheld = 0;
    else if (personal == MR_PERSONAL_FULL)
        known->withheld &= withheld;
    if (known->personal < (uint32_t)personal)
        known->personal = (uint32_t)personal;
    return 0;
}

/* ---- is it? ---- */

/* The next letter of a name as it is compared: small, ё as е; spaces, dashes and points left out. 0 at the
 * end. */
static unsigned next_letter(const char **text)
{
    for (;;) {
        unsigned char c = (unsigned char)*(*text)++;
        unsigned letter = c;

        if (c == 0) {
            --*text;
            return 0;
        }
        if (c == ' ' || c == '-' || c == '.')
            continue;
        if (c >= 'A' && c <= 'Z')
            return c + 0x20u;
        if ((c == 0xd0 || c == 0xd1) && ((unsigned char)**text & 0xc0) == 0x80) /* Cyrillic, two bytes */
            letter = 0x400u + ((c & 1u) << 6) + ((unsigned char)*(*text)++ & 0x3fu);
        if (letter >= 0x410 && letter <= 0x42f)
            return letter + 0x20;
        return letter == 0x401 || letter == 0x451 ? 0x435 : letter;
    }
}

static bool same_word(const char *a, const char *b)
{
    unsigned letter;

    do {
        letter = next_letter(&a);
        if (letter != next_letter(&b))
            return false;
    } while (letter != 0);
    return true;
}

static bool differ(const char *a, const char *b)
{
    return given(a) && given(b) && !same_word(a, b);
}

static bool same_name(const Marshrut__Erasure__V1__Name *name, const Nms__Event__V1__Person *person)
{
    if (!given(person->family_name) || !given(person->given_name) ||
            !same_word(name->family_name, person->family_name) ||
            !same_word(name->given_name, person->given_name))
        return false;
    return !differ(name->patronymic, person->patronymic) && !differ(name->birth_date, person->birth_date);
}

bool mr_identity_is(
        const struct mr_identity *identity, const char *system, const Nms__Event__V1__Person *person)
{
    const mr_erasure_secret *secret = identity->secret;
    char snils[12] = "";
    bool is = false;

    if (given(person->snils) && mr_ident_snils_normalise(person->snils, snils) == 0)
        for (size_t i = 0; i < secret->n_snils; i++)
            is |= strcmp(secret->snils[i], snils) == 0;
    explicit_bzero(snils, sizeof snils);
    for (size_t i = 0; given(person->local_id) && system && i < secret->n_local_ids; i++)
        is |= strcmp(secret->local_ids[i]->system, system) == 0 &&
              strcmp(secret->local_ids[i]->id, person->local_id) == 0;
    for (size_t i = 0; i < secret->n_names; i++)
        is |= same_name(secret->names[i], person);
    return is;
}
