/*
 * Is a person in these bytes, as people write them in the files that an adapter reads and gives back: the
 * СНИЛС with any of the usual dashes and spaces, the id that the hub gave, the id in the own system as a word
 * of its own, or family and given name in one line, whatever the case, the encoding (UTF-8, UTF-16, cp1251)
 * and Latin look-alikes. Archives (zip, workbooks) are looked into. Pure functions, any thread.
 */
#ifndef MR_SDK_ERASURE_SEARCH_H
#define MR_SDK_ERASURE_SEARCH_H

#include "event/erasure.pb-c.h"
#include "proto/base/slice.h"

/* 1: yes, or it is an archive that cannot be looked into; 0: no; MR_ENOMEM. name: of the file, looked at too.
 */
int mr_erasure_search(
        const Nms__Event__V1__HubErasureNotice *notice, const char *name, struct mr_slice content);

#endif
