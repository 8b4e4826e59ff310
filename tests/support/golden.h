/*
 * Outputs that are promised, kept in tests/golden/. What varies from run to run is replaced before comparing:
 * times, UUIDs, hashes, ports, folders. MR_UPDATE_GOLDEN=1 writes the files anew; look at the difference
 * then.
 */
#ifndef MR_TESTS_GOLDEN_H
#define MR_TESTS_GOLDEN_H

/* name: below tests/golden ("tool/publish.txt"). dir: replaced by DIR; NULL: none. Fails the test when the
 * text differs, naming the first line that does. */
void golden_expect(const char *name, const char *text, const char *dir);

#endif
