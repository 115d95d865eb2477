/* `dragoman cache`: what is in the cache of translations, how large it is, whether it is sound; empties it. */
#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "personality/linux/cache.h"

struct tally {
    u64 files, bytes, blocks, unfinished, foreign, damaged;
};

static void count(struct tally *t, const struct lx_cached *f)
{
    t->files += f->kind == LX_CACHED_IMAGE;
    t->bytes += f->bytes;
    t->blocks += f->blocks;
    t->unfinished += f->kind == LX_CACHED_UNFINISHED;
    t->foreign += f->kind == LX_CACHED_FOREIGN;
    t->damaged += f->kind == LX_CACHED_DAMAGED;
}

static const char *const kinds[] = {"", "unfinished", "foreign", "damaged"};

static bool list_one(void *cx, const struct lx_cached *f)
{
    char when[32] = "";
    const time_t t = f->used;
    struct tm tm;
    if (localtime_r(&t, &tm))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M", &tm);
    if (f->kind == LX_CACHED_IMAGE)
        printf("%s  %s  %8llu KiB  %6u blocks of %4u pages  %llx-%llx\n", f->name, when,
               (unsigned long long)f->bytes >> 10, f->blocks, f->pages, (unsigned long long)f->start,
               (unsigned long long)(f->start + f->len));
    else
        printf("%s  %s  %8llu KiB  %s\n", f->name, when, (unsigned long long)f->bytes >> 10, kinds[f->kind]);
    count(cx, f);
    return false;
}

static bool size_one(void *cx, const struct lx_cached *f)
{
    count(cx, f);
    return false;
}

static bool clear_one(void *cx, const struct lx_cached *f)
{
    count(cx, f);
    return true;
}

static bool verify_one(void *cx, const struct lx_cached *f)
{
    if (f->kind != LX_CACHED_IMAGE)
        printf("%s: %s\n", f->name, kinds[f->kind]);
    count(cx, f);
    return false;
}

static int report(const char *verb, const char *dir, const struct tally *t)
{
    if (!strcmp(verb, "clear")) {
        printf("%s: %llu files removed, %llu KiB\n", dir,
               (unsigned long long)(t->files + t->unfinished + t->foreign + t->damaged),
               (unsigned long long)t->bytes >> 10);
        return 0;
    }
    printf("%s: %llu images, %llu KiB, %llu blocks", dir, (unsigned long long)t->files,
           (unsigned long long)t->bytes >> 10, (unsigned long long)t->blocks);
    if (t->unfinished)
        printf("; %llu unfinished", (unsigned long long)t->unfinished);
    if (t->foreign)
        printf("; %llu foreign", (unsigned long long)t->foreign);
    if (t->damaged)
        printf("; %llu damaged", (unsigned long long)t->damaged);
    puts("");
    return !strcmp(verb, "verify") && t->damaged ? 1 : 0;
}

int cmd_cache(int argc, char **argv)
{
    static const struct {
        const char *name;
        bool whole;
        bool (*each)(void *cx, const struct lx_cached *f);
    } verbs[] = {{"list", false, list_one},
                 {"size", false, size_one},
                 {"clear", false, clear_one},
                 {"verify", true, verify_one}};
    const char *dir = getenv("DRAGOMAN_CACHE");
    if (!dir || !*dir)
        dir = cmd_cache_dir();
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        const char *word = argv[i] + 1 + (argv[i][1] == '-');
        if (!strncmp(word, "cache=", 6))
            dir = word + 6;
        else if (!strcmp(word, "cache") && i + 1 < argc)
            dir = argv[++i];
        else
            return cmd_error("%s: no such option: dragoman cache [--cache DIR] list|size|clear|verify", argv[i]);
    }
    size_t v = 0;
    while (i + 1 == argc && v < ARRAY_LEN(verbs) && strcmp(argv[i], verbs[v].name))
        v++;
    if (i + 1 != argc || v == ARRAY_LEN(verbs))
        return cmd_error("cache: list, size, clear or verify?");
    if (!dir || !strcmp(dir, "off"))
        return cmd_error("cache: there is none: it is switched off, or there is no home directory");
    struct tally t = {0};
    const int rc = lx_cache_walk(dir, verbs[v].whole, verbs[v].each, &t);
    if (rc == -EPERM)
        return cmd_error("%s: it is not yours alone to write, and therefore not used", dir);
    if (rc && rc != -ENOENT)
        return cmd_error("%s: %s", dir, strerror(-rc));
    return report(verbs[v].name, dir, &t);
}
