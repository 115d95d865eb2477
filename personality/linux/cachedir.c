/* Looking after a cache of translations from outside: what is in it, whether it is sound.
 *
 * Only files that have a cache's names are looked at, so nothing else in the directory is ever removed. Files are
 * removed by name, as whoever bounds the cache does (cache.c); who has one mapped keeps it. */
#include "personality/linux/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "translator/engine/image.h"

static bool is_name(const char *name)
{
    const size_t n = strspn(name, "0123456789abcdef");
    return n == LX_CACHE_NAME_LEN && (!name[n] || name[n] == '-');
}

static bool is_unfinished(const char *name)
{
    const size_t n = strlen(name), suffix = sizeof LX_CACHE_SUFFIX - 1;
    return n > LX_CACHE_NAME_LEN && !strcmp(name + n - suffix, LX_CACHE_SUFFIX);
}

/* What the file says of itself, which is not believed. */
static u32 look(const void *data, size_t size, bool whole, struct lx_cached *f)
{
    struct image_head h;
    if (size < sizeof h)
        return LX_CACHED_DAMAGED;
    memcpy(&h, data, sizeof h);
    if (h.magic != IMAGE_MAGIC)
        return LX_CACHED_FOREIGN;
    if (!image_check(data, size, h.key, h.start, h.len))
        return LX_CACHED_DAMAGED;
    f->start = h.start;
    f->len = h.len;
    f->key = h.key;
    f->pages = h.npages;
    f->blocks = image_blocks(data);
    const struct image_page *p = image_pages(data);
    for (u32 i = 0; whole && i < h.npages; i++) {
        struct image_view v;
        if (!image_open(data, image_text(data), &p[i], &v) || !image_sound(&v))
            return LX_CACHED_DAMAGED;
    }
    return LX_CACHED_IMAGE;
}

static u32 look_at(int dir, bool whole, struct lx_cached *f)
{
    struct stat st;
    u32 kind = LX_CACHED_FOREIGN;
    int fd = openat(dir, f->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return kind;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode) && lx_cache_is_ours(&st)) {
        const size_t size = (size_t)st.st_size;
        void *data = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
        kind = LX_CACHED_DAMAGED;
        if (data != MAP_FAILED) {
            kind = look(data, size, whole, f);
            munmap(data, size);
        }
    }
    close(fd);
    return kind;
}

int lx_cache_walk(const char *dir, bool whole, bool (*each)(void *cx, const struct lx_cached *f), void *cx)
{
    struct stat st;
    int rc = 0, fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) || !lx_cache_is_ours(&st)) {
        close(fd);
        return -EPERM;
    }
    DIR *d = fdopendir(fd);
    if (!d) {
        rc = -errno;
        close(fd);
        return rc;
    }
    for (struct dirent *e; (e = readdir(d));) {
        if (!is_name(e->d_name) || (e->d_name[LX_CACHE_NAME_LEN] && !is_unfinished(e->d_name)) ||
            fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) || S_ISDIR(st.st_mode))
            continue;
        struct lx_cached f = {.name = e->d_name, .bytes = (u64)st.st_blocks * 512, .used = st.st_mtime};
        f.kind = e->d_name[LX_CACHE_NAME_LEN] ? LX_CACHED_UNFINISHED : look_at(fd, whole, &f);
        if (each(cx, &f) && unlinkat(fd, e->d_name, 0) && errno != ENOENT)
            rc = -errno;
    }
    closedir(d);
    return rc;
}
