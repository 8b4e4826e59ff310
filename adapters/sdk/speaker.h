/* For whom an adapter speaks: the attributes that all of its events share. Borrowed from the configuration.
 */
#ifndef MR_SDK_SPEAKER_H
#define MR_SDK_SPEAKER_H

#include "proto/config/config.h"
#include "proto/wire/codec.h"

struct mr_speaker {
    const char *source; /* URI of the system */
    const char *region;
    const char *actor; /* opaque id: the system's name, where no person is told */
};

#define MR_SPEAKER_BASIS                                                                                     \
    "education" /* 273-FZ: what the systems of education may process without a consent                       \
                 */
#define MR_SPEAKER_ROLE "system"

static inline struct mr_speaker mr_speaker_of(
        const struct mr_config *config, const struct mr_config_link *link)
{
    const struct mr_config_system *system = mr_config_system(config, link->system);

    return (struct mr_speaker){
            .source = system ? system->source : "",
            .region = system && system->regions_count > 0 ? system->regions[0] : config->region,
            .actor = link->system,
    };
}

static inline struct mr_attributes mr_speaker_attributes(const struct mr_speaker *speaker, const char *type)
{
    return (struct mr_attributes){
            .source = speaker->source,
            .type = type,
            .regioncode = speaker->region,
            .basis = MR_SPEAKER_BASIS,
            .actor = speaker->actor,
            .actorrole = MR_SPEAKER_ROLE,
    };
}

#endif
