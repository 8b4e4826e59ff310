#include "proto/wire/rules_table.h"

#include "event/annulment.pb-c.h"
#include "event/assessment.pb-c.h"
#include "event/common.pb-c.h"
#include "event/course.pb-c.h"
#include "event/employment.pb-c.h"
#include "event/erasure.pb-c.h"
#include "event/informal.pb-c.h"
#include "event/org.pb-c.h"
#include "event/passport.pb-c.h"
#include "event/person.pb-c.h"
#include "event/route.pb-c.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define NEED(field)                                                                                          \
    {                                                                                                        \
        field, MR_RULE_REQUIRED, MR_RULE_REFUSE, NULL, 0, 0                                                  \
    }
#define NEED_ELSE_HOLD(field)                                                                                \
    {                                                                                                        \
        field, MR_RULE_REQUIRED, MR_RULE_QUARANTINE, NULL, 0, 0                                              \
    }
#define SNILS(field)                                                                                         \
    {                                                                                                        \
        field, MR_RULE_SNILS, MR_RULE_QUARANTINE, NULL, 0, 0                                                 \
    }
#define INN(field)                                                                                           \
    {                                                                                                        \
        field, MR_RULE_INN, MR_RULE_REFUSE, NULL, 0, 0                                                       \
    }
#define OGRN(field)                                                                                          \
    {                                                                                                        \
        field, MR_RULE_OGRN, MR_RULE_REFUSE, NULL, 0, 0                                                      \
    }
#define OKTMO(field)                                                                                         \
    {                                                                                                        \
        field, MR_RULE_OKTMO, MR_RULE_REFUSE, NULL, 0, 0                                                     \
    }
#define DATE(field)                                                                                          \
    {                                                                                                        \
        field, MR_RULE_DATE, MR_RULE_REFUSE, NULL, 0, 0                                                      \
    }
#define ENUM(field, values)                                                                                  \
    {                                                                                                        \
        field, MR_RULE_ENUM, MR_RULE_REFUSE, values, 0, 0                                                    \
    }
#define CODE(field, list)                                                                                    \
    {                                                                                                        \
        field, MR_RULE_CODELIST, MR_RULE_QUARANTINE, list, 0, 0                                              \
    }
#define MAX_LEN(field, max)                                                                                  \
    {                                                                                                        \
        field, MR_RULE_MAX_LEN, MR_RULE_REFUSE, NULL, 0, max                                                 \
    }
#define RANGE(field, min, max)                                                                               \
    {                                                                                                        \
        field, MR_RULE_RANGE, MR_RULE_REFUSE, NULL, min, max                                                 \
    }
#define PERSON_ID(field)                                                                                     \
    {                                                                                                        \
        field, MR_RULE_PERSON_ID, MR_RULE_REFUSE, NULL, 0, 0                                                 \
    }
#define DIGITS(field, min, max)                                                                              \
    {                                                                                                        \
        field, MR_RULE_DIGITS, MR_RULE_REFUSE, NULL, min, max                                                \
    }
#define NOT_AFTER(field, later)                                                                              \
    {                                                                                                        \
        field, MR_RULE_NOT_AFTER, MR_RULE_REFUSE, later, 0, 0                                                \
    }
#define NOT_MORE(field, bound)                                                                               \
    {                                                                                                        \
        field, MR_RULE_NOT_MORE, MR_RULE_REFUSE, bound, 0, 0                                                 \
    }
#define DIGEST(field)                                                                                        \
    {                                                                                                        \
        field, MR_RULE_BYTES, MR_RULE_REFUSE, NULL, 32, 32                                                   \
    }
#define LEGAL_HOURS(field)                                                                                   \
    {                                                                                                        \
        field, MR_RULE_HOURS, MR_RULE_REFUSE, "kind", 0, 0                                                   \
    }

/* What recurs. Lengths are ours: generous for people, small against event_bytes_max. */
#define ID(field)    MAX_LEN(field, 128)
#define LINE(field)  MAX_LEN(field, 500)
#define TEXT(field)  MAX_LEN(field, 4000)
#define HOURS(field) RANGE(field, 1, 10000)
#define KIND         ENUM("kind", "PK|PP")
#define FORM         ENUM("form", "formal|non-formal|informal")

/* clang-format off */
static const struct mr_rule person[] = {
    PERSON_ID("person_id"), SNILS("snils"), MAX_LEN("family_name", 100), MAX_LEN("given_name", 100),
    MAX_LEN("patronymic", 100), DATE("birth_date"), ENUM("sex", "M|F"), DIGITS("citizenship", 3, 3),
    MAX_LEN("email", 254), MAX_LEN("phone", 32), ID("local_id"),
};
static const struct mr_rule event_ref[] = {
    NEED("source"), NEED("id"), MAX_LEN("source", 256), MAX_LEN("id", 256),
};
static const struct mr_rule person_registered[] = {
    NEED("person"), NEED("person.family_name"), NEED("person.given_name"), OGRN("org_ogrn"),
};
static const struct mr_rule person_updated[] = {
    NEED("person"), OGRN("org_ogrn"),
};
static const struct mr_rule person_merged[] = {
    NEED("person"), NEED("previous"), TEXT("reason"),
};
static const struct mr_rule employment_started[] = {
    NEED("person"), NEED("employment_id"), ID("employment_id"), NEED("org_ogrn"), OGRN("org_ogrn"),
    NEED("post"), LINE("post"), NEED("staff_group"), ENUM("staff_group", "PR|UK"),
    CODE("qual_category", "qual_category"), ENUM("part_time", "main|part-time"), RANGE("rate_thousandths", 1, 5000),
    DATE("started_on"), DATE("service_since"), DATE("qual_category_until"), CODE("subject_code", "subject"),
    CODE("education_level", "education_level"),
};
static const struct mr_rule employment_ended[] = {
    NEED("person"), NEED("employment_id"), ID("employment_id"), NEED("org_ogrn"), OGRN("org_ogrn"),
    NEED("ended_on"), DATE("ended_on"), CODE("reason_code", "employment_end"),
};
static const struct mr_rule org_upserted[] = {
    NEED("ogrn"), OGRN("ogrn"), INN("inn"), MAX_LEN("kpp", 9), NEED("name"), TEXT("name"), LINE("short_name"),
    NEED("kind"), CODE("kind", "org_kind"), NEED("oktmo"), OKTMO("oktmo"), LINE("address"), OGRN("parent_ogrn"),
    ID("local_id"), LINE("website"),
};
static const struct mr_rule org_closed[] = {
    NEED("ogrn"), OGRN("ogrn"), NEED("closed_on"), DATE("closed_on"), OGRN("successor_ogrn"), TEXT("reason"),
};
static const struct mr_rule area_score[] = {
    NEED("area"), CODE("area", "area"), CODE("level", "level"), RANGE("score_thousandths", 0, 1000000000),
    RANGE("max_thousandths", 1, 1000000000), NOT_MORE("score_thousandths", "max_thousandths"),
};
static const struct mr_rule area_change[] = {
    NEED("area"), CODE("area", "area"), CODE("level_before", "level"), CODE("level_after", "level"),
    RANGE("change_thousandths", -1000000000, 1000000000),
};
static const struct mr_rule diagnostic_completed[] = {
    NEED("person"), NEED("diagnostic_id"), ID("diagnostic_id"), CODE("instrument", "instrument"),
    ID("instrument_version"), NEED("scale_id"), CODE("scale_id", "scale"), CODE("level", "level"), NEED("areas"),
    NEED("completed_on"), DATE("completed_on"), OGRN("assessor_ogrn"), OGRN("org_ogrn"),
};
static const struct mr_rule deficit_identified[] = {
    NEED("person"), NEED("deficit_id"), ID("deficit_id"), NEED("area"), CODE("area", "area"),
    CODE("competence", "competence"), CODE("severity", "severity"), NEED("identified_on"), DATE("identified_on"),
    TEXT("recommendation"),
};
static const struct mr_rule deficit_closed[] = {
    NEED("person"), NEED("deficit_id"), ID("deficit_id"), CODE("area", "area"), CODE("competence", "competence"),
    NEED("outcome"), ENUM("outcome", "eliminated|withdrawn"), NEED("closed_on"), DATE("closed_on"),
};
static const struct mr_rule rediagnostic_completed[] = {
    NEED("person"), NEED("diagnostic_id"), ID("diagnostic_id"), NEED_ELSE_HOLD("baseline"),
    CODE("instrument", "instrument"), ID("instrument_version"), NEED("scale_id"), CODE("scale_id", "scale"),
    CODE("level", "level"), NEED("areas"), NEED("completed_on"), DATE("completed_on"), OGRN("assessor_ogrn"),
};
static const struct mr_rule route_step[] = {
    NEED("step_id"), ID("step_id"), NEED("form"), FORM, LINE("title"), HOURS("hours"),
    CODE("study_form", "study_form"), CODE("technology", "technology"), CODE("pace", "pace"), ID("programme_id"),
    DATE("starts_on"), DATE("ends_on"), NOT_AFTER("starts_on", "ends_on"), ID("deficit_ids"), OGRN("provider_ogrn"),
};
static const struct mr_rule route_assigned[] = {
    NEED("person"), NEED("route_id"), ID("route_id"), ID("deficit_ids"), TEXT("content"), NEED("assigned_on"),
    DATE("assigned_on"), DATE("starts_on"), DATE("ends_on"), NOT_AFTER("starts_on", "ends_on"),
};
static const struct mr_rule route_revised[] = {
    NEED("person"), NEED("route_id"), ID("route_id"), NEED("revision"), RANGE("revision", 1, 1000000),
    ID("deficit_ids"), TEXT("content"), NEED("revised_on"), DATE("revised_on"), DATE("starts_on"), DATE("ends_on"),
    NOT_AFTER("starts_on", "ends_on"), TEXT("reason"),
};
static const struct mr_rule route_step_completed[] = {
    NEED("person"), NEED("route_id"), ID("route_id"), NEED("step_id"), ID("step_id"), FORM, HOURS("hours"),
    NEED("completed_on"), DATE("completed_on"),
};
static const struct mr_rule route_closed[] = {
    NEED("person"), NEED("route_id"), ID("route_id"), NEED("outcome"),
    ENUM("outcome", "completed|cancelled|superseded"), NEED("closed_on"), DATE("closed_on"), TEXT("reason"),
};
static const struct mr_rule programme_listed[] = {
    NEED("programme_id"), ID("programme_id"), NEED("title"), LINE("title"), NEED("kind"), KIND, NEED("hours"),
    HOURS("hours"), LEGAL_HOURS("hours"), NEED("provider_ogrn"), OGRN("provider_ogrn"), NEED("registry"),
    ENUM("registry", "own|federal"), DATE("listed_on"), DATE("valid_until"), NOT_AFTER("listed_on", "valid_until"),
    CODE("study_form", "study_form"), CODE("areas", "area"), CODE("competences", "competence"), LINE("url"),
};
static const struct mr_rule programme_removed[] = {
    NEED("programme_id"), ID("programme_id"), OGRN("provider_ogrn"), NEED("registry"),
    ENUM("registry", "own|federal"), NEED("removed_on"), DATE("removed_on"), TEXT("reason"),
};
static const struct mr_rule course_enrolled[] = {
    NEED("person"), NEED("programme_id"), ID("programme_id"), LINE("programme_title"), KIND, HOURS("hours"),
    OGRN("provider_ogrn"), ID("group_id"), NEED("enrolled_on"), DATE("enrolled_on"), DATE("starts_on"),
    DATE("ends_on"), NOT_AFTER("starts_on", "ends_on"), CODE("funding", "funding"), CODE("study_form", "study_form"),
    ID("route_id"), ID("step_id"),
};
static const struct mr_rule course_finished[] = {
    NEED("person"), NEED("programme_id"), ID("programme_id"), LINE("programme_title"), KIND, HOURS("hours"),
    OGRN("provider_ogrn"), ID("group_id"), DATE("started_on"), NEED("ended_on"), DATE("ended_on"),
    NOT_AFTER("started_on", "ended_on"), CODE("funding", "funding"), CODE("study_form", "study_form"),
    CODE("result", "course_result"), ID("document_number"), ID("route_id"), ID("step_id"),
};
static const struct mr_rule course_failed[] = {
    NEED("person"), NEED("programme_id"), ID("programme_id"), KIND, HOURS("hours"), OGRN("provider_ogrn"),
    ID("group_id"), DATE("started_on"), NEED("ended_on"), DATE("ended_on"), NOT_AFTER("started_on", "ended_on"),
    CODE("funding", "funding"), TEXT("reason"),
};
static const struct mr_rule course_withdrawn[] = {
    NEED("person"), NEED("programme_id"), ID("programme_id"), KIND, HOURS("hours"), OGRN("provider_ogrn"),
    ID("group_id"), NEED("withdrawn_on"), DATE("withdrawn_on"), CODE("funding", "funding"), TEXT("reason"),
};
static const struct mr_rule original_document[] = {
    ENUM("document_kind", "certificate|diploma"), ID("series"), NEED("number"), ID("number"),
    ID("registration_number"), DATE("issued_on"),
};
static const struct mr_rule document_issued[] = {
    NEED("person"), NEED("document_kind"), ENUM("document_kind", "certificate|diploma"),
    ENUM("status", "original|duplicate"), ID("series"), NEED("number"), ID("number"), ID("registration_number"),
    NEED("issued_on"), DATE("issued_on"), NEED("programme_id"), ID("programme_id"), LINE("programme_title"), KIND,
    HOURS("hours"), OGRN("provider_ogrn"), DATE("started_on"), DATE("ended_on"), NOT_AFTER("started_on", "ended_on"),
    CODE("study_form", "study_form"), CODE("funding", "funding"), LINE("professional_area"),
    LINE("specialty_group"), LINE("qualification"), CODE("education_level", "education_level"),
    ID("education_series"), ID("education_number"),
};
static const struct mr_rule contest_participated[] = {
    NEED("person"), NEED("contest_id"), ID("contest_id"), LINE("title"), NEED("level"), CODE("level", "contest_level"),
    CODE("result", "contest_result"), NEED("held_on"), DATE("held_on"), OGRN("org_ogrn"),
};
static const struct mr_rule mentoring_started[] = {
    NEED("person"), NEED("mentee"), NEED("mentoring_id"), ID("mentoring_id"), CODE("form", "mentoring_form"),
    CODE("area", "area"), NEED("started_on"), DATE("started_on"), DATE("ends_on"), NOT_AFTER("started_on", "ends_on"),
    OGRN("org_ogrn"),
};
static const struct mr_rule mentoring_ended[] = {
    NEED("person"), NEED("mentee"), NEED("mentoring_id"), ID("mentoring_id"),
    ENUM("outcome", "completed|broken-off"), NEED("ended_on"), DATE("ended_on"), OGRN("org_ogrn"),
};
static const struct mr_rule internship_completed[] = {
    NEED("person"), NEED("internship_id"), ID("internship_id"), OGRN("site_ogrn"), HOURS("hours"), DATE("started_on"),
    NEED("ended_on"), DATE("ended_on"), NOT_AFTER("started_on", "ended_on"),
};
static const struct mr_rule activity_attended[] = {
    NEED("person"), NEED("activity_id"), ID("activity_id"), LINE("title"), NEED("kind"),
    CODE("kind", "activity_kind"), CODE("level", "contest_level"), HOURS("hours"), NEED("held_on"), DATE("held_on"),
    OGRN("organiser_ogrn"),
};
static const struct mr_rule passport_version[] = {
    NEED("campaign_id"), ID("campaign_id"), NEED("region_code"), DIGITS("region_code", 2, 3), NEED("version"),
    NEED("digest"), DIGEST("digest"),
};
static const struct mr_rule passport_cell[] = {
    NEED("cell"), ID("cell"), NEED("value"), TEXT("value"), ID("unit"),
};
static const struct mr_rule passport_remark[] = {
    RANGE("section", 1, 8), ID("cell"), NEED("text"), TEXT("text"),
};
static const struct mr_rule passport_campaign_opened[] = {
    NEED("campaign_id"), ID("campaign_id"), LINE("title"), NEED("period_from"), DATE("period_from"),
    NEED("period_to"), DATE("period_to"), NOT_AFTER("period_from", "period_to"), NEED("deadline_on"),
    DATE("deadline_on"), ID("form_id"), ID("form_version"),
};
static const struct mr_rule passport_section_filled[] = {
    NEED("campaign_id"), ID("campaign_id"), NEED("region_code"), DIGITS("region_code", 2, 3), NEED("section"),
    RANGE("section", 1, 8), OKTMO("oktmo"), NEED("cells"), NEED("basis"), TEXT("basis"), LINE("file_name"),
    DIGEST("file_digest"),
};
static const struct mr_rule passport_section_overridden[] = {
    NEED("campaign_id"), ID("campaign_id"), NEED("region_code"), DIGITS("region_code", 2, 3), NEED("section"),
    RANGE("section", 1, 8), OKTMO("oktmo"), NEED("cell"), TEXT("computed_value"), NEED("reason"), TEXT("reason"),
    LINE("file_name"), DIGEST("file_digest"),
};
static const struct mr_rule passport_section_copied[] = {
    NEED("passport"), NEED("section"), RANGE("section", 1, 8), NEED("cells"),
};
static const struct mr_rule passport_filled[] = {
    NEED("passport"), TEXT("note"),
};
static const struct mr_rule passport_approved[] = {
    NEED("passport"), ID("order_number"), DATE("order_date"),
};
static const struct mr_rule passport_handedback[] = {
    NEED("passport"), NEED("reason"), TEXT("reason"),
};
static const struct mr_rule passport_sent[] = {
    NEED("passport"), ID("letter_number"), DATE("letter_date"), NEED("channel"),
    ENUM("channel", "letter|cabinet|portal"),
};
static const struct mr_rule passport_agreed[] = {
    NEED("passport"), ID("letter_number"), DATE("letter_date"),
};
static const struct mr_rule passport_returned[] = {
    NEED("passport"), ID("letter_number"), DATE("letter_date"), NEED("reason"), TEXT("reason"),
};
static const struct mr_rule event_annulled[] = {
    NEED("event"), NEED("reason"), TEXT("reason"), ID("second_actor"),
};
static const struct mr_rule erasure_acknowledged[] = {
    NEED("request"), NEED("outcome"), ENUM("outcome", "done|refused"), MAX_LEN("code", 40), RANGE("files", 0, 1000000000),
};

#define SET(name) {&nms__event__v1__##name##__descriptor, name, LENGTH(name)}
static const struct mr_rule_set sets[] = {
    SET(person), SET(event_ref), SET(person_registered), SET(person_updated), SET(person_merged),
    SET(employment_started), SET(employment_ended), SET(org_upserted), SET(org_closed), SET(area_score),
    SET(area_change), SET(diagnostic_completed), SET(deficit_identified), SET(deficit_closed),
    SET(rediagnostic_completed), SET(route_step), SET(route_assigned), SET(route_revised), SET(route_step_completed),
    SET(route_closed), SET(programme_listed), SET(programme_removed), SET(course_enrolled), SET(course_finished),
    SET(course_failed), SET(course_withdrawn), SET(original_document), SET(document_issued),
    SET(contest_participated), SET(mentoring_started), SET(mentoring_ended), SET(internship_completed),
    SET(activity_attended), SET(passport_version), SET(passport_cell), SET(passport_remark),
    SET(passport_campaign_opened), SET(passport_section_filled), SET(passport_section_overridden),
    SET(passport_section_copied),
    SET(passport_filled), SET(passport_approved), SET(passport_handedback), SET(passport_sent), SET(passport_agreed),
    SET(passport_returned), SET(event_annulled), SET(erasure_acknowledged),
};
/* clang-format on */

const struct mr_rule_set *mr_rules_set_at(size_t index)
{
    return index < LENGTH(sets) ? &sets[index] : NULL;
}

const struct mr_rule_set *mr_rules_set_find(const ProtobufCMessageDescriptor *message)
{
    for (size_t i = 0; i < LENGTH(sets); i++) {
        if (sets[i].message == message)
            return &sets[i];
    }
    return NULL;
}
