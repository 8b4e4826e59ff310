/* A protobuf message of numbers, of kinds that our schemas have few of. A value; any thread. */
#ifndef MR_TESTS_NUMBERS_MESSAGE_H
#define MR_TESTS_NUMBERS_MESSAGE_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

struct numbers {
    ProtobufCMessage base;
    size_t n_ints, n_fixed, n_wide, n_bools, n_zigzag;
    int32_t *ints;
    uint32_t *fixed;
    uint64_t *wide;
    protobuf_c_boolean *bools;
    int kind;
    uint32_t one;
    int64_t *zigzag;
    double ratio;
};

extern const ProtobufCMessageDescriptor numbers_descriptor;

#endif
