#include "proto/base/nearest.h"

#include <stdint.h>
#include <string.h>

size_t mr_text_distance(const char *a, const char *b)
{
    size_t row[MR_NEAREST_TEXT_MAX + 1];
    size_t n = strlen(b);

    if (n > MR_NEAREST_TEXT_MAX || strlen(a) > MR_NEAREST_TEXT_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = corner + (a[i - 1] != b[j - 1]);

            corner = row[j];
            best = best < row[j] + 1 ? best : row[j] + 1;
            row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
        }
    }
    return row[n];
}
