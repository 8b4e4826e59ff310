/*
 * OneRoster 1.2 CSV: manifest.csv, orgs.csv, users.csv, roles.csv. org.identifier is the ОГРН; ИНН, ОКТМО and
 * kind are metadata.* columns; a user's СНИЛС is its identifier or the userId of type snils; a role is an
 * employment. A bulk roles file is a full list, a delta one a supplement.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "adapters/school/map_internal.h"

struct roster {
    struct mr_school_file *file;
    struct mr_table *manifest, *orgs, *users, *roles;
};

static const char *at(const struct mr_table *table, size_t row, const char *names)
{
    return mr_table_cell(table, row, mr_table_column(table, names));
}

static bool deleted(const struct mr_table *table, size_t row)
{
    return strcasecmp(at(table, row, "status"), "tobedeleted") == 0;
}

static const char *property(const struct roster *roster, const char *name)
{
    for (size_t row = 0; row < mr_table_rows(roster->manifest); row++)
        if (strcasecmp(at(roster->manifest, row, "propertyName"), name) == 0)
            return at(roster->manifest, row, "value");
    return "";
}

/* Row of users with the sourcedId; SIZE_MAX. */
static size_t find_user(const struct roster *roster, const char *sourced_id)
{
    int column = mr_table_column(roster->users, "sourcedId");

    for (size_t row = 0; roster->users && row < mr_table_rows(roster->users); row++)
        if (strcmp(mr_table_cell(roster->users, row, column), sourced_id) == 0)
            return row;
    return SIZE_MAX;
}

static const char *ogrn_of(const struct roster *roster, const char *sourced_id)
{
    for (size_t row = 0; roster->orgs && row < mr_table_rows(roster->orgs); row++)
        if (strcmp(at(roster->orgs, row, "sourcedId"), sourced_id) == 0)
            return at(roster->orgs, row, "identifier");
    return "";
}

/* "{snils:112-233-445 95},{ldap:x}" or the identifier. */
static void snils_of(const struct roster *roster, size_t row, char out[static 64])
{
    const char *ids = at(roster->users, row, "userIds");
    const char *found = strcasestr(ids, "{snils:");

    (void)snprintf(out, 64, "%s", at(roster->users, row, "identifier"));
    if (!found)
        return;
    found += strlen("{snils:");
    (void)snprintf(out, 64, "%.*s", (int)strcspn(found, "}"), found);
}

static void take_person(
        const struct roster *roster, size_t row, Nms__Event__V1__Person *person, char snils[static 12])
{
    struct mr_school_file *file = roster->file;
    char text[64];

    snils_of(roster, row, text);
    mr_school_snils(file, "identifier", text, snils);
    person->snils = snils;
    person->family_name = (char *)mr_school_needed(file, "familyName", at(roster->users, row, "familyName"));
    person->given_name = (char *)mr_school_needed(file, "givenName", at(roster->users, row, "givenName"));
    person->patronymic = (char *)at(roster->users, row, "middleName");
    person->email = (char *)at(roster->users, row, "email");
}

static int map_orgs(const struct roster *roster)
{
    struct mr_school_file *file = roster->file;
    const struct mr_table *orgs = roster->orgs;
    int r = 0;

    file->sink->table(file->sink, "orgs.csv", mr_table_raw_header(orgs));
    for (size_t row = 0; r == 0 && row < mr_table_rows(orgs); row++) {
        Nms__Event__V1__OrgUpserted org = NMS__EVENT__V1__ORG_UPSERTED__INIT;
        const char *kind = at(orgs, row, "metadata.kind");

        mr_school_row(file, mr_table_line(orgs, row), mr_table_raw(orgs, row));
        if (deleted(orgs, row))
            continue;
        mr_school_own_ogrn(file, "identifier", at(orgs, row, "identifier"));
        org.ogrn = (char *)file->ogrn;
        org.inn = (char *)at(orgs, row, "metadata.inn");
        org.oktmo = (char *)mr_school_needed(file, "metadata.oktmo", at(orgs, row, "metadata.oktmo"));
        org.name = (char *)mr_school_needed(file, "name", at(orgs, row, "name"));
        org.kind = (char *)(*kind ? kind : at(orgs, row, "type"));
        org.local_id = (char *)at(orgs, row, "sourcedId");
        r = mr_school_send_org(file, &org);
    }
    return r;
}

static int map_users(const struct roster *roster)
{
    struct mr_school_file *file = roster->file;
    const struct mr_table *users = roster->users;
    int r = 0;

    file->sink->table(file->sink, "users.csv", mr_table_raw_header(users));
    for (size_t row = 0; r == 0 && row < mr_table_rows(users); row++) {
        Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
        char snils[12];

        mr_school_row(file, mr_table_line(users, row), mr_table_raw(users, row));
        if (deleted(users, row))
            continue; /* what ends is said by roles.csv */
        take_person(roster, row, &person, snils);
        r = mr_school_send_person(file, &person, "oneroster-user", at(users, row, "sourcedId"));
    }
    return r;
}

static const struct {
    const char *role, *post, *group; /* group NULL: not staff */
} role_words[] = {
        {"teacher", "учитель", "PR"},
        {"aide", "ассистент", "PR"},
        {"counselor", "педагог-психолог", "PR"},
        {"proctor", "воспитатель", "PR"},
        {"principal", "директор", "UK"},
        {"siteAdministrator", "заместитель директора", "UK"},
        {"districtAdministrator", "руководитель", "UK"},
        {"student", NULL, NULL},
        {"parent", NULL, NULL},
        {"guardian", NULL, NULL},
        {"relative", NULL, NULL},
};

static int find_role(const char *role)
{
    for (size_t i = 0; i < sizeof role_words / sizeof role_words[0]; i++)
        if (strcasecmp(role_words[i].role, role) == 0)
            return (int)i;
    return -1;
}

static int map_role(const struct roster *roster, size_t row, int role)
{
    struct mr_school_file *file = roster->file;
    const struct mr_table *roles = roster->roles;
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    struct mr_school_employment employment = {.person = &person,
            .key_kind = "oneroster-role",
            .qual_category = "",
            .service_since = "",
            .ended_on = ""};
    char snils[12] = "", begin[11], end[11];
    size_t user = find_user(roster, at(roles, row, "userSourcedId"));

    mr_school_own_ogrn(file, "orgSourcedId", ogrn_of(roster, at(roles, row, "orgSourcedId")));
    mr_school_date(file, "beginDate", at(roles, row, "beginDate"), false, begin);
    mr_school_date(file, "endDate", at(roles, row, "endDate"), deleted(roles, row), end);
    if (user == SIZE_MAX) {
        mr_school_problem(file, "userSourcedId", at(roles, row, "userSourcedId"),
                "такого пользователя нет в users.csv", "добавьте его или исправьте ссылку");
        return 0;
    }
    take_person(roster, user, &person, snils);
    employment.key = at(roles, row, "sourcedId");
    employment.person_kind = "oneroster-user";
    employment.person_key = at(roles, row, "userSourcedId");
    employment.post =
            *at(roles, row, "metadata.post") ? at(roles, row, "metadata.post") : role_words[role].post;
    employment.staff_group = role_words[role].group;
    employment.part_time = strcasecmp(at(roles, row, "roleType"), "secondary") == 0 ? "part-time" : "main";
    employment.started_on = begin;
    if (deleted(roles, row))
        employment.ended_on = end;
    return mr_school_send_employment(file, &employment);
}

static int map_roles(const struct roster *roster)
{
    struct mr_school_file *file = roster->file;
    const struct mr_table *roles = roster->roles;
    int r = 0;

    file->sink->table(file->sink, "roles.csv", mr_table_raw_header(roles));
    for (size_t row = 0; r == 0 && row < mr_table_rows(roles); row++) {
        int role = find_role(at(roles, row, "role"));

        mr_school_row(file, mr_table_line(roles, row), mr_table_raw(roles, row));
        if (role < 0)
            mr_school_problem(file, "role", at(roles, row, "role"), "неизвестная роль",
                    "возьмите роль из OneRoster 1.2");
        else if (role_words[role].group)
            r = map_role(roster, row, role);
    }
    if (r == 0 && strcasecmp(property(roster, "file.roles"), "bulk") == 0)
        r = mr_school_end_absent(file);
    return r;
}

static int read_member(
        const struct mr_zip *zip, const char *name, struct mr_table **ret, struct mr_error *reterr)
{
    struct mr_slice content = mr_zip_entry(zip, name);
    char where[192];
    int r;

    if (!content.data)
        return 0;
    r = mr_table_read(ret, content, name, reterr);
    if (r < 0 && reterr) {
        (void)snprintf(where, sizeof where, "%s %.150s", name, reterr->where);
        (void)snprintf(reterr->where, sizeof reterr->where, "%s", where);
    }
    return r;
}

static int read_roster(struct roster *roster, const struct mr_zip *zip)
{
    struct mr_error *error = roster->file->error;
    int r = read_member(zip, "manifest.csv", &roster->manifest, error);

    if (r == 0 && !roster->manifest)
        return mr_error_set(error, MR_EINVAL, "zip", "положите выгрузку OneRoster 1.2 целиком",
                "в архиве нет manifest.csv");
    if (r == 0 && strncmp(property(roster, "oneroster.version"), "1.2", 3) != 0)
        return mr_error_set(
                error, MR_EINVAL, "manifest.csv", "выгрузите в версии 1.2", "это не OneRoster 1.2");
    if (r == 0)
        r = read_member(zip, "orgs.csv", &roster->orgs, error);
    if (r == 0)
        r = read_member(zip, "users.csv", &roster->users, error);
    if (r == 0)
        r = read_member(zip, "roles.csv", &roster->roles, error);
    if (r == 0 && roster->roles && (!roster->users || !roster->orgs))
        r = mr_error_set(error, MR_EINVAL, "zip", "положите выгрузку целиком",
                "для roles.csv нужны users.csv и orgs.csv");
    return r;
}

int mr_school_map_oneroster(struct mr_school_file *file, struct mr_slice content)
{
    struct roster roster = {.file = file};
    struct mr_zip *zip;
    int r = mr_zip_read(&zip, content, NULL, file->error);

    if (r < 0)
        return r;
    r = read_roster(&roster, zip);
    if (r == 0 && roster.orgs)
        r = map_orgs(&roster);
    if (r == 0 && roster.users)
        r = map_users(&roster);
    if (r == 0 && roster.roles)
        r = map_roles(&roster);
    mr_table_free(roster.manifest);
    mr_table_free(roster.orgs);
    mr_table_free(roster.users);
    mr_table_free(roster.roles);
    mr_zip_free(zip);
    return r;
}
