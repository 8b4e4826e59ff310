/* The file as a whole: metas, tables, which pages are in use, and the free list. */
#include "store/kv_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/kv_internal.h"
#include "store/kv_page.h"

enum { META_BYTES = 4096, SNAPSHOT_ATTEMPTS = 100, LEAVES_MAX = 8192 };

static const char RESTORE[] = "stop the hub and restore the folder from a backup";

void page_damage(struct mr_kv_pages *pages, const char *table, uint64_t page, const char *what, bool lost,
        struct mr_slice from, struct mr_slice to)
{
    const struct mr_kv_damage damage = {table, page, what, lost, from, to};

    pages->fn(pages->ctx, &damage);
}

static void damage_of_file(struct mr_kv_pages *pages, uint64_t page, const char *what)
{
    page_damage(pages, "", page, what, false, mr_slice(NULL, 0), mr_slice(NULL, 0));
}

static int read_at(int fd, uint64_t offset, size_t size, uint8_t *ret)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(fd, ret + done, size - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mr_err_from_errno(errno);
        if (n == 0)
            return MR_ECORRUPT;
        done += (size_t)n;
    }
    return 0;
}

int page_load(struct mr_kv_pages *pages, uint64_t number, size_t count, uint8_t *ret)
{
    if (number > pages->meta.last || count > pages->meta.last + 1 - number)
        return MR_ECORRUPT;
    pages->read += count;
    return read_at(pages->fd, number * pages->page_bytes, count * pages->page_bytes, ret);
}

bool page_is_inside(const struct mr_kv_pages *pages, uint64_t number, uint64_t count)
{
    return number >= PAGE_META_COUNT && number <= pages->meta.last && count <= pages->meta.last + 1 - number;
}

bool page_take(struct mr_kv_pages *pages, uint64_t number, uint64_t count)
{
    if (!page_is_inside(pages, number, count))
        return false;
    for (uint64_t i = number; i < number + count; i++)
        if (pages->seen[i / 8] & 1 << i % 8)
            return false;
    for (uint64_t i = number; i < number + count; i++)
        pages->seen[i / 8] |= (uint8_t)(1 << i % 8);
    return true;
}

/* ---- metas ---- */

struct metas {
    const char *wrong[PAGE_META_COUNT]; /* NULL: sound */
    struct page_meta meta[PAGE_META_COUNT];
    uint32_t page_bytes;
};

/* Both of them; the second lies where the first one's page size says, or the usual one. */
static int read_metas(struct mr_kv_pages *pages, struct metas *ret)
{
    uint8_t page[META_BYTES];
    uint32_t bytes = META_BYTES;
    int r = 0;

    *ret = (struct metas){.page_bytes = META_BYTES};
    for (unsigned i = 0; i < PAGE_META_COUNT && r == 0; i++) {
        r = read_at(pages->fd, (uint64_t)i * bytes, sizeof page, page);
        if (r == MR_ECORRUPT) {
            ret->wrong[i] = "the file ends before it";
            r = 0;
            continue;
        }
        ret->wrong[i] = page_meta_wrong(page, i, &bytes);
        page_meta_parse(page, &ret->meta[i]);
        if (!ret->wrong[i])
            ret->page_bytes = bytes;
        else
            bytes = META_BYTES;
    }
    return r;
}

/* Each commit writes the meta that is not the newest: two sound ones are one transaction apart. */
static bool one_apart(const struct metas *metas)
{
    uint64_t a = metas->meta[0].txn, b = metas->meta[1].txn;

    return a + 1 == b || b + 1 == a || (a == 0 && b == 0);
}

/*
 * What the older one says of tables is not read by anybody: a meta page that could not be written leaves the
 * next transaction's tables in it, under its old number.
 */
static int choose_newest(struct mr_kv_pages *pages, struct metas *metas)
{
    unsigned newest = metas->meta[1].txn > metas->meta[0].txn;

    if (metas->wrong[newest])
        newest = 1 - newest;
    if (!metas->wrong[newest])
        metas->wrong[newest] = page_meta_tables_wrong(&metas->meta[newest]);
    for (unsigned i = 0; i < PAGE_META_COUNT; i++)
        if (metas->wrong[i])
            damage_of_file(pages, i, metas->wrong[i]);
    if (metas->wrong[0] && metas->wrong[1])
        return MR_ECORRUPT;
    if (metas->wrong[newest]) {
        newest = 1 - newest;
        if (page_meta_tables_wrong(&metas->meta[newest]))
            return MR_ECORRUPT;
    } else if (!metas->wrong[1 - newest] && !one_apart(metas)) {
        damage_of_file(pages, newest, "the two meta pages are not of transactions that follow each other");
    }
    pages->meta = metas->meta[newest];
    return 0;
}

/* A snapshot's roots are those of the meta with its transaction; it may be overwritten before it is read. */
static int choose_live(struct mr_kv_pages *pages)
{
    struct metas metas;
    int r = 0;

    for (int attempt = 0; r == 0 && attempt < SNAPSHOT_ATTEMPTS; attempt++) {
        uint64_t txn = mdb_txn_id(pages->txn->mdb);

        r = read_metas(pages, &metas);
        for (unsigned i = 0; r == 0 && i < PAGE_META_COUNT; i++)
            if (!metas.wrong[i] && metas.meta[i].txn == txn && !page_meta_tables_wrong(&metas.meta[i])) {
                pages->meta = metas.meta[i];
                pages->page_bytes = metas.page_bytes;
                return 0;
            }
        if (r == 0)
            r = mr_kv_renew(pages->txn);
    }
    if (r == 0)
        damage_of_file(pages, 0, "no meta page has the newest transaction");
    return r < 0 ? r : MR_ECORRUPT;
}

/* ---- tables ---- */

static int add_table(struct mr_kv_pages *pages, struct mr_slice key, const struct page_db *db)
{
    struct page_table *tables = realloc(pages->tables, (pages->tables_count + 1) * sizeof *tables);

    if (!tables)
        return MR_ENOMEM;
    pages->tables = tables;
    tables[pages->tables_count] =
            (struct page_table){.name = strndup((const char *)key.data, key.size), .db = *db};
    if (!tables[pages->tables_count].name)
        return MR_ENOMEM;
    pages->tables_count++;
    return 0;
}

static int one_table(struct mr_kv_pages *pages, struct mr_slice key, struct mr_slice value, uint16_t flags)
{
    const char *wrong = "an entry of the list of tables is none";
    struct page_db db = {0};

    if (flags == PAGE_NODE_TABLE && value.size == PAGE_DB_BYTES) {
        page_db_parse(value.data, &db);
        wrong = page_db_wrong(&db, &pages->meta, 0);
    }
    if (!wrong)
        return add_table(pages, key, &db);
    page_damage(pages, "", pages->meta.main.root, wrong, true, mr_slice(NULL, 0), mr_slice(NULL, 0));
    return 0;
}

static int read_tables(struct mr_kv_pages *pages)
{
    struct mr_kv_pages_cursor *cursor;
    struct mr_slice key, value;
    int r = page_cursor_new(&cursor, pages, "", &pages->meta.main, false);

    if (r < 0)
        return r;
    while ((r = mr_kv_pages_cursor_next(cursor, &key, &value)) == 0 &&
            (r = one_table(pages, key, value, page_cursor_flags(cursor))) == 0)
        continue;
    mr_kv_pages_cursor_close(cursor);
    return r == MR_ENOTFOUND ? 0 : r;
}

/* ---- open and close ---- */

static int open_file(struct mr_kv_pages *pages, const char *dir)
{
    char *path = NULL;

    if (asprintf(&path, "%s/data.mdb", dir) < 0)
        return MR_ENOMEM;
    pages->fd = open(path, O_RDONLY | O_CLOEXEC);
    pages->own_fd = pages->fd >= 0;
    free(path);
    return pages->fd < 0 ? mr_err_from_errno(errno) : 0;
}

static int open_live(struct mr_kv_pages *pages, struct mr_kv *kv)
{
    int r = mr_kv_begin_read(kv, &pages->txn);

    if (r == 0 && mdb_env_get_fd(kv->env, &pages->fd))
        r = MR_ESYSTEM;
    return r;
}

static int choose_meta(struct mr_kv_pages *pages)
{
    struct metas metas;
    int r;

    if (pages->txn)
        return choose_live(pages);
    r = read_metas(pages, &metas);
    if (r == 0)
        r = choose_newest(pages, &metas);
    if (r == 0)
        pages->page_bytes = metas.page_bytes;
    return r;
}

static int look_at_file(struct mr_kv_pages *pages)
{
    struct stat st;

    if (fstat(pages->fd, &st) < 0)
        return mr_err_from_errno(errno);
    pages->file_pages = (uint64_t)st.st_size / pages->page_bytes;
    if (pages->file_pages + PAGE_UNWRITTEN_MAX < pages->meta.last + 1) {
        damage_of_file(pages, pages->file_pages, "the file is cut off");
        if (pages->meta.last > pages->file_pages + PAGE_UNWRITTEN_MAX)
            pages->meta.last = pages->file_pages + PAGE_UNWRITTEN_MAX;
    }
    pages->seen = calloc(pages->meta.last / 8 + 1, 1);
    return pages->seen ? 0 : MR_ENOMEM;
}

int mr_kv_pages_open(struct mr_kv_pages **ret, const char *dir, struct mr_kv *kv, mr_kv_damage_fn fn,
        void *ctx, struct mr_error *reterr)
{
    struct mr_kv_pages *pages = calloc(1, sizeof *pages);
    int r;

    if (!pages)
        return MR_ENOMEM;
    *pages = (struct mr_kv_pages){.fd = -1, .fn = fn, .ctx = ctx};
    r = kv ? open_live(pages, kv) : open_file(pages, dir);
    if (r == 0)
        r = choose_meta(pages);
    if (r == 0)
        r = look_at_file(pages);
    if (r == 0)
        r = read_tables(pages);
    if (r < 0) {
        mr_kv_pages_close(pages);
        return mr_error_set(reterr, r, dir, r == MR_ECORRUPT ? RESTORE : "",
                "the store's pages cannot be read: %s", mr_err_text(r));
    }
    *ret = pages;
    return 0;
}

void mr_kv_pages_close(struct mr_kv_pages *pages)
{
    if (!pages)
        return;
    for (size_t i = 0; i < pages->tables_count; i++)
        free(pages->tables[i].name);
    free(pages->tables);
    free(pages->seen);
    mr_kv_abort(pages->txn);
    if (pages->own_fd)
        (void)close(pages->fd);
    free(pages);
}

size_t mr_kv_pages_tables(const struct mr_kv_pages *pages)
{
    return pages->tables_count;
}

const char *mr_kv_pages_table(const struct mr_kv_pages *pages, size_t index)
{
    return pages->tables[index].name;
}

uint64_t mr_kv_pages_rows(const struct mr_kv_pages *pages, size_t index)
{
    return pages->tables[index].db.entries;
}

uint64_t mr_kv_pages_read(const struct mr_kv_pages *pages)
{
    return pages->read;
}

/* ---- the free list ---- */

/* A row: transaction -> count, page numbers descending. */
static void one_free_row(struct mr_kv_pages *pages, struct mr_slice value)
{
    uint64_t count = value.size >= 8 ? page_u64(value.data) : UINT64_MAX;
    uint64_t before = UINT64_MAX;

    if (value.size % 8 != 0 || count > value.size / 8 - 1) {
        damage_of_file(pages, pages->meta.free.root, "a row of the free list is cut");
        return;
    }
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t page = page_u64(value.data + 8 * i);

        if (page >= before || !page_take(pages, page, 1)) {
            damage_of_file(pages, page, "the free list has a page that is in use, or none");
            return;
        }
        before = page;
    }
}

int mr_kv_pages_free_list(struct mr_kv_pages *pages)
{
    struct mr_kv_pages_cursor *cursor;
    struct mr_slice key, value;
    int r = page_cursor_new(&cursor, pages, "", &pages->meta.free, false);

    if (r < 0)
        return r;
    while ((r = mr_kv_pages_cursor_next(cursor, &key, &value)) == 0)
        one_free_row(pages, value);
    mr_kv_pages_cursor_close(cursor);
    return r == MR_ENOTFOUND ? 0 : r;
}

/* ---- the check before LMDB opens it ---- */

static bool is_large(const struct page_table *table)
{
    return table->db.leaf_pages > LEAVES_MAX;
}

struct first_damage {
    const char *dir;
    struct mr_error *reterr;
    bool found;
};

static void on_damage(void *ctx, const struct mr_kv_damage *damage)
{
    struct first_damage *first = ctx;

    if (!first->found)
        mr_error_set(first->reterr, MR_ECORRUPT, first->dir, RESTORE, "table '%s', page %llu: %s",
                damage->table[0] ? damage->table : "(the file)", (unsigned long long)damage->page,
                damage->what);
    first->found = true;
}

/* All pages of a table that is not large; else the branches. */
static int look_through(struct mr_kv_pages *pages, const struct page_table *table)
{
    struct mr_kv_pages_cursor *cursor;
    struct mr_slice key, value;
    int r = page_cursor_new(&cursor, pages, table->name, &table->db, is_large(table));

    if (r < 0)
        return r;
    while ((r = mr_kv_pages_cursor_next(cursor, &key, &value)) == 0)
        continue;
    mr_kv_pages_cursor_close(cursor);
    return r == MR_ENOTFOUND ? 0 : r;
}

/* The page that an append goes to: LMDB must not write into a damaged one. */
static int look_at_end(struct mr_kv_pages *pages, const struct page_table *table)
{
    struct mr_kv_pages_cursor *cursor;
    uint8_t last[PAGE_KEY_MAX];
    int r = page_cursor_new(&cursor, pages, table->name, &table->db, false);

    if (r < 0)
        return r;
    memset(last, 0xff, sizeof last);
    r = mr_kv_pages_cursor_seek(cursor, mr_slice(last, sizeof last));
    mr_kv_pages_cursor_close(cursor);
    return r;
}

/* *ret NULL: there is no file yet; what else is wrong then, opening it says. */
static int open_checked(struct mr_kv_pages **ret, struct first_damage *first)
{
    char *path = NULL;
    struct stat st;
    int r;

    *ret = NULL;
    if (asprintf(&path, "%s/data.mdb", first->dir) < 0)
        return MR_ENOMEM;
    r = stat(path, &st);
    free(path);
    if (r < 0 || st.st_size == 0)
        return 0;
    r = mr_kv_pages_open(ret, first->dir, NULL, on_damage, first, NULL);
    if (r < 0 && !first->found)
        mr_error_set(first->reterr, r, first->dir, RESTORE, "the pages cannot be read: %s", mr_err_text(r));
    return r;
}

int mr_kv_pages_check_metas(const char *dir, struct mr_error *reterr)
{
    struct first_damage first = {.dir = dir, .reterr = reterr};
    struct mr_kv_pages *pages;
    int r = open_checked(&pages, &first);

    mr_kv_pages_close(pages);
    return r < 0 ? r : first.found ? MR_ECORRUPT : 0;
}

int mr_kv_pages_check(const char *dir, struct mr_error *reterr)
{
    struct first_damage first = {.dir = dir, .reterr = reterr};
    struct mr_kv_pages *pages;
    int r = open_checked(&pages, &first);

    if (r < 0 || !pages)
        return r;
    for (size_t i = 0; i < pages->tables_count && r == 0; i++)
        r = look_through(pages, &pages->tables[i]);
    for (size_t i = 0; i < pages->tables_count && r == 0; i++)
        r = is_large(&pages->tables[i]) ? look_at_end(pages, &pages->tables[i]) : 0;
    if (r == 0)
        r = mr_kv_pages_free_list(pages);
    mr_kv_pages_close(pages);
    return r < 0 ? r : first.found ? MR_ECORRUPT : 0;
}
