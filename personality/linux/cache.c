/* The cache on disk: files of stored translations (translator/engine/image.h), and which of them is whose.
 *
 * A file belongs to a mapping: executable pages of a file, at a guest address. Its name is a hash of what the mapping
 * begins with (an ELF file's first page holds its headers and, as a rule, the id of its build), where it lies and how
 * long it is, and of the engine's key. So nothing needs to be known of the guest's file, a copy of it finds the same
 * translations, and a changed one others. Names only say where to look: whether a translation holds is for the engine
 * to find out, which compares hashes of the guest's pages. For the same file to lie at the same address in all
 * programs, mm.c gives executable mappings a place by what they begin with.
 *
 * Files are never changed: a new one is written beside the old and takes its name. Who has mapped the old one keeps it.
 * So there is no lock, and of two who store at the same time, the last one's file stays; each takes over from the file
 * that is there what it does not know itself.
 *
 * Nothing that goes wrong here concerns the guest. No directory, none that is ours alone, no room on the disk, a file
 * that is cut short or foreign: then there is no stored translation, or none gets stored.
 *
 * Storing takes place when the process ends or executes another program, and before its memory is first shared (which
 * makes other code, engine_shared). A child that was forked stores what it has made itself; one of vfork, which runs in
 * its parent's memory, leaves it to the parent.
 *
 * The directory is bounded: now and then, after a file was written, the oldest ones are removed until it is small
 * again. A file's time is when it was written or, to within a day, used. */
#define _GNU_SOURCE
#include "personality/linux/cache.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/fmt.h"
#include "lib/hash.h"
#include "lib/heap.h"
#include "personality/linux/mm.h"

#define LEAST    8           /* blocks: fewer new ones are stored by chance, if at all */
#define MOST     (64u << 20) /* bytes: no file is larger */
#define NAME_LEN LX_CACHE_NAME_LEN
#define DAY      86400
#define SUFFIX   LX_CACHE_SUFFIX
#define STALE    3600 /* seconds: an unfinished file that is so old was given up by who wrote it */

/* A file that was looked for. */
struct image {
    struct image *next;
    char name[NAME_LEN + 1];
    const void *data; /* mapped for good, or NULL */
    size_t size;
};

struct lx_cache {
    const char *dir;
    u64 limit;
    struct image *images; /* guarded by the engine's lock */
    /* of the saving under way */
    const void *present;
    size_t present_size;
};

/* --- this program --- */

extern const char __ehdr_start[] __attribute__((visibility("hidden"))); /* an Elf64_Ehdr, and what lies behind it */
extern const char __executable_start[] __attribute__((visibility("hidden")));
extern const char end[] __attribute__((visibility("hidden")));

void lx_cache_own(hva_t *start, size_t *size)
{
    *start = (hva_t)__executable_start;
    *size = (size_t)(end - __executable_start);
}

/* A hash of the id that the linker gave to this build; 0 if it gave none. */
static u64 build_key(void)
{
    const char *base = __ehdr_start;
    const Elf64_Ehdr *eh = (const void *)base;
    const Elf64_Phdr *ph = (const void *)(base + eh->e_phoff);
    u64 first = 0; /* address that the file gives to its header */
    for (u32 i = 0; i < eh->e_phnum; i++)
        if (ph[i].p_type == PT_LOAD && !ph[i].p_offset)
            first = ph[i].p_vaddr;
    for (u32 i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type != PT_NOTE)
            continue;
        const char *at = base + (ph[i].p_vaddr - first), *stop = at + ph[i].p_memsz;
        while (at + sizeof(Elf64_Nhdr) <= stop) {
            const Elf64_Nhdr *n = (const void *)at;
            const char *name = at + sizeof *n, *desc = name + ((n->n_namesz + 3) & ~3u);
            if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 && !memcmp(name, "GNU", 4) && n->n_descsz >= 8)
                return hash_bytes(desc, n->n_descsz, 0) | 1;
            at = desc + ((n->n_descsz + 3) & ~3u);
        }
    }
    return 0;
}

/* --- the directory --- */

bool lx_cache_is_ours(const struct stat *st)
{
    return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static bool path_of(const struct lx_cache *c, const char *name, const char *suffix, char *path, size_t cap)
{
    return fmt(path, cap, "%s/%s%s", c->dir, name, suffix) < cap;
}

u64 lx_cache_start(struct lx_process *p)
{
    struct stat st;
    const char *dir = p->opt->cache_dir;
    if (!dir || p->opt->tier == ENGINE_INTERP)
        return 0;
    if (!lstat(dir, &st) ? !S_ISDIR(st.st_mode) || !lx_cache_is_ours(&st) : errno != ENOENT)
        return 0;
    const u64 key = build_key();
    struct lx_cache *c = key ? heap_calloc(1, sizeof *c) : NULL;
    if (!c)
        return 0;
    c->dir = dir;
    c->limit = p->opt->cache_limit;
    p->mm->cache = c;
    return key;
}

/* Makes the directory, and those above it. */
static void make_dir(const char *dir)
{
    char path[4096];
    if (fmt(path, sizeof path, "%s", dir) >= sizeof path)
        return;
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        mkdir(path, 0700);
        *at = '/';
    }
    mkdir(path, 0700);
}

/* Maps a file of the cache that is ours; NULL otherwise. */
static const void *map_file(const struct lx_cache *c, const char *name, size_t *size)
{
    char path[4096];
    struct stat st;
    void *data = MAP_FAILED;
    if (!path_of(c, name, "", path, sizeof path))
        return NULL;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode) && lx_cache_is_ours(&st) && st.st_size > 0 && st.st_size <= MOST) {
        *size = (size_t)st.st_size;
        data = mmap(NULL, *size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0); /* it may be run in place */
        if (data == MAP_FAILED)
            data = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0); /* not from there */
        struct timespec now;                                         /* by a system call, as mk_clock's first */
        if (!syscall(SYS_clock_gettime, CLOCK_REALTIME, &now) && now.tv_sec - st.st_mtime > DAY)
            (void)futimens(fd, NULL);
    }
    close(fd);
    return data == MAP_FAILED ? NULL : data;
}

/* --- which file --- */

/* The name for the mapping at `start`; false when there is nothing to read there. */
static bool name_of(struct lx_mm *mm, gva_t start, u64 len, u64 key, char *name)
{
    u8 head[4096];
    if (len < sizeof head || mk_copy(head, (const void *)(mm->base + start), sizeof head))
        return false;
    const u64 what[] = {hash_bytes(head, sizeof head, 0), start, len, key};
    fmt(name, NAME_LEN + 1, "%016lx%016lx", hash_bytes(what, sizeof what, 1), hash_bytes(what, sizeof what, 2));
    return true;
}

void lx_cache_image(void *cx, gva_t pc, u64 key, struct engine_image *out)
{
    struct lx_mm *mm = cx;
    struct lx_cache *c = mm->cache;
    struct lx_vma v;
    char name[NAME_LEN + 1];
    *out = (struct engine_image){0};
    if (!lx_mm_find(mm, pc, &v))
        return;
    out->start = v.start;
    out->len = v.end - v.start;
    const u32 prot = PROT_READ | PROT_WRITE | PROT_EXEC;
    if (!c || (v.flags & (VMA_FILE | VMA_SHARED)) != VMA_FILE || (v.prot & prot) != (PROT_READ | PROT_EXEC) ||
        !name_of(mm, v.start, out->len, key, name))
        return;
    struct image *i = c->images;
    while (i && strcmp(i->name, name))
        i = i->next;
    if (!i) {
        i = heap_calloc(1, sizeof *i);
        if (!i)
            return;
        memcpy(i->name, name, sizeof name);
        i->data = map_file(c, name, &i->size);
        i->next = c->images;
        c->images = i;
    }
    out->keep = true;
    out->known = v.known;
    out->data = i->data;
    out->size = i->size;
    out->id = (u64)(uintptr_t)i;
}

/* --- storing --- */

static bool write_file(int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, (const char *)data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* Files of the directory, for trim. */
struct entry {
    char name[NAME_LEN + 1];
    u64 size;
    struct timespec when;
};

static int older(const void *a, const void *b)
{
    const struct timespec *x = &((const struct entry *)a)->when, *y = &((const struct entry *)b)->when;
    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

/* Removes the oldest files where there are more bytes than the limit, and what was given up. */
static void trim(const struct lx_cache *c)
{
    struct entry *list = NULL;
    size_t n = 0, cap = 0;
    u64 total = 0;
    DIR *d = opendir(c->dir);
    if (!d)
        return;
    for (struct dirent *f; (f = readdir(d));) {
        struct stat st;
        const size_t len = strlen(f->d_name);
        const bool unfinished = len > sizeof SUFFIX && !strcmp(f->d_name + len - (sizeof SUFFIX - 1), SUFFIX);
        if ((!unfinished && len != NAME_LEN) || fstatat(dirfd(d), f->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
            !S_ISREG(st.st_mode))
            continue;
        if (unfinished) {
            if (time(NULL) - st.st_mtime > STALE)
                unlinkat(dirfd(d), f->d_name, 0);
            continue;
        }
        if (n == cap) {
            struct entry *more = realloc(list, (cap ? cap *= 2 : (cap = 256)) * sizeof *list);
            if (!more)
                break;
            list = more;
        }
        memcpy(list[n].name, f->d_name, NAME_LEN + 1);
        list[n].size = (u64)st.st_blocks * 512;
        list[n++].when = st.st_mtim;
        total += (u64)st.st_blocks * 512;
    }
    if (total > c->limit) {
        qsort(list, n, sizeof *list, older);
        for (size_t i = 0; i < n && total > c->limit / 4 * 3; i++)
            if (!unlinkat(dirfd(d), list[i].name, 0))
                total -= list[i].size;
    }
    free(list);
    closedir(d);
}

static void save_present(void *cx, const struct engine_image *area, const void **data, size_t *size)
{
    struct lx_cache *c = cx;
    const struct image *i = (const struct image *)(uintptr_t)area->id;
    c->present = map_file(c, i->name, &c->present_size);
    *data = c->present;
    *size = c->present_size;
}

static void save_store(void *cx, const struct engine_image *area, const void *data, size_t size)
{
    struct lx_cache *c = cx;
    const struct image *i = (const struct image *)(uintptr_t)area->id;
    char path[4096], temp[4096], suffix[48];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    fmt(suffix, sizeof suffix, "-%x-%lx%s", (u32)getpid(), (u64)now.tv_nsec, SUFFIX);
    if (c->present)
        munmap((void *)(uintptr_t)c->present, c->present_size);
    c->present = NULL;
    if (!data || !path_of(c, i->name, "", path, sizeof path) || !path_of(c, i->name, suffix, temp, sizeof temp))
        return;
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = open(temp, flags, 0600);
    if (fd < 0 && errno == ENOENT) {
        make_dir(c->dir);
        fd = open(temp, flags, 0600);
    }
    if (fd < 0)
        return;
    bool ok = !fchmod(fd, 0600) && write_file(fd, data, size);
    ok &= !close(fd);
    if (!ok || rename(temp, path)) {
        unlink(temp);
        return;
    }
    if (now.tv_nsec % 32 == 0 || size > c->limit / 16)
        trim(c);
}

void lx_cache_save(struct lx_process *p)
{
    struct lx_cache *c = p->mm ? p->mm->cache : NULL;
    struct rlimit most;
    struct timespec now;
    if (!c || p->vfork_child || !engine_save_wanted(p->engine, LEAST, 0)) /* nothing is, with the best luck */
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const u32 luck = (u32)hash_u64((u64)now.tv_nsec);
    if (!engine_save_wanted(p->engine, LEAST, luck))
        return;
    /* Writing more than the guest may would be a signal. */
    if (getrlimit(RLIMIT_FSIZE, &most) || most.rlim_cur < MOST)
        return;
    engine_save(p->engine, &(struct engine_saver){LEAST, luck, c, save_present, save_store});
}

void lx_cache_shared(struct lx_process *p)
{
    if (engine_is_shared(p->engine))
        return;
    lx_cache_save(p);
    engine_shared(p->engine);
}
