#include "hub/intake/mention.h"

#include <string.h>

#include "event/annulment.pb-c.h"
#include "event/common.pb-c.h"
#include "proto/base/list.h"

struct mention {
    const char *type;
    const char *field; /* of the payload, an EventRef */
    bool own_source;   /* only what its own source said is looked for */
    bool released;     /* ... and a quarantined record is not enough */
    const char *code, *reason, *cure;
};

#define EVIDENCE(type, field, what)                                                                          \
    {                                                                                                        \
        type, field, true, true, "evidence-unknown", what,                                                   \
                "Send the event that it names, or its correction, and then this one again."                  \
    }

static const struct mention mentions[] = {
        {"nms.event.annulled.v1", "event", false, false, "annul-unknown", "The annulled event is not known.",
                "Correct source and id of the event, or send that event first."},
        EVIDENCE("nms.deficit.identified.v1", "evidence", "The event that shows the deficit is not known."),
        EVIDENCE("nms.deficit.closed.v1", "evidence", "The event that shows the outcome is not known."),
        EVIDENCE("nms.rediagnostic.completed.v1", "baseline", "The diagnostic compared with is not known."),
};

static const Nms__Event__V1__EventRef *ref_in(const ProtobufCMessage *payload, const char *name)
{
    const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(payload->descriptor, name);
    const Nms__Event__V1__EventRef *ref;

    memcpy(&ref, (const char *)payload + field->offset, sizeof ref);
    return ref;
}

/* 1 known, 0 not. */
static int known(struct mr_dedup *dedup, const struct mr_keyring *keyring, const struct mention *mention,
        const Nms__Event__V1__EventRef *ref)
{
    struct mr_dedup_entry entry = {0};
    int r;

    mr_dedup_digests(keyring, ref->source, ref->id, (struct mr_slice){0}, &entry);
    r = mr_dedup_find(dedup, &entry);
    if (r > 0)
        r = !(mention->released && entry.quarantined);
    return r;
}

int mr_mention_check(struct mr_dedup *dedup, const struct mr_keyring *keyring, const struct mr_event *event,
        struct mr_decision *decision)
{
    for (size_t i = 0; i < MR_COUNT(mentions); i++) {
        const struct mention *mention = &mentions[i];
        const Nms__Event__V1__EventRef *ref;
        int r;

        if (strcmp(event->type->name, mention->type) != 0)
            continue;
        ref = ref_in(event->payload, mention->field);
        if (!ref || (mention->own_source && strcmp(ref->source, event->a.source) != 0))
            return 0;
        r = known(dedup, keyring, mention, ref);
        if (r == 0)
            mr_decide(decision, MR_VERDICT_QUARANTINED, mention->code, mention->field, mention->reason,
                    mention->cure);
        return r < 0 ? r : 0;
    }
    return 0;
}
