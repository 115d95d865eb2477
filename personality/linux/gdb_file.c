/* Files for gdb: with vFile packets it reads the guest's programs and libraries through the stub, as the guest sees
 * them (--root, -L), so that `target remote` alone finds all symbols.
 *
 * For reading only. A file is mapped when it is opened and its descriptor closed: gdb keeps many open, and the guest
 * must not find their numbers taken. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fmt.h"
#include "personality/linux/gdb_int.h"
#include "personality/linux/path.h"

#define MAX_FILES 64

static struct open_file {
    bool used;
    u8 *map; /* NULL for an empty file */
    u64 size;
    struct stat st;
} files[MAX_FILES];

/* gdb's numbers of errors. */
static int error_number(int e)
{
    switch (e) {
    case EPERM:
    case ENOENT:
    case EINTR:
    case EBADF:
    case EACCES:
    case EFAULT:
    case EBUSY:
    case EEXIST:
    case ENODEV:
    case ENOTDIR:
    case EISDIR:
    case EINVAL:
    case ENFILE:
    case EMFILE:
    case EFBIG:
    case ENOSPC:
    case ESPIPE:
    case EROFS:
        return e; /* as in Linux */
    case ENAMETOOLONG:
        return 91;
    default:
        return 9999;
    }
}

static size_t fail(char *out, size_t cap, int e)
{
    return fmt(out, cap, "F-1,%x", error_number(e));
}

static struct open_file *file_of(const char *text, char **end)
{
    u64 i = strtoull(text, end, 16);
    return i < MAX_FILES && files[i].used ? &files[i] : NULL;
}

static int open_file(struct lx_process *p, const char *path)
{
    u32 i = 0;
    while (i < MAX_FILES && files[i].used)
        i++;
    if (i == MAX_FILES)
        return -EMFILE;
    struct open_file *f = &files[i];
    int fd = lx_path_open(p, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0), rc = 0;
    if (fd < 0)
        return fd;
    if (fstat(fd, &f->st)) {
        rc = -errno;
    } else if (!S_ISREG(f->st.st_mode)) {
        rc = S_ISDIR(f->st.st_mode) ? -EISDIR : -EINVAL;
    } else {
        f->size = (u64)f->st.st_size;
        f->map = f->size ? mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
        if (f->map == MAP_FAILED)
            rc = -errno;
    }
    close(fd);
    if (rc)
        return rc;
    f->used = true;
    return (int)i;
}

static void close_file(struct open_file *f)
{
    if (f->map)
        munmap(f->map, f->size);
    f->used = false;
}

void gdb_file_close_all(void)
{
    for (u32 i = 0; i < MAX_FILES; i++)
        if (files[i].used)
            close_file(&files[i]);
}

/* A block of bytes after "F<length>;". */
static size_t answer_bytes(char *out, size_t cap, const void *data, size_t n)
{
    size_t head = fmt(out, cap, "F%zx;", n);
    memcpy(out + head, data, n);
    return head + n;
}

static size_t read_at(struct open_file *f, const char *args, char *out, size_t cap)
{
    char *end;
    u64 n = *args == ',' ? strtoull(args + 1, &end, 16) : 0;
    u64 off = n && *end == ',' ? strtoull(end + 1, NULL, 16) : 0;
    u8 buf[GDB_MAX_PACKET / 4];
    if (off > f->size)
        off = f->size;
    if (n > f->size - off)
        n = f->size - off;
    if (n > sizeof buf)
        n = sizeof buf;
    if (n && mk_copy(buf, f->map + off, n))
        return fail(out, cap, EFAULT); /* it became shorter */
    return answer_bytes(out, cap, buf, n);
}

/* The protocol's struct stat: big-endian, packed. */
static size_t status(const struct open_file *f, char *out, size_t cap)
{
    static const u8 width[] = {4, 4, 4, 4, 4, 4, 4, 8, 8, 8, 4, 4, 4};
    const struct stat *st = &f->st;
    const u64 value[] = {st->st_dev,
                         st->st_ino,
                         st->st_mode,
                         st->st_nlink,
                         st->st_uid,
                         st->st_gid,
                         st->st_rdev,
                         (u64)st->st_size,
                         (u64)st->st_blksize,
                         (u64)st->st_blocks,
                         (u64)st->st_atim.tv_sec,
                         (u64)st->st_mtim.tv_sec,
                         (u64)st->st_ctim.tv_sec};
    u8 buf[64];
    size_t n = 0;
    for (u32 i = 0; i < ARRAY_LEN(width); i++)
        for (u32 k = width[i]; k-- > 0;)
            buf[n++] = (u8)(value[i] >> 8 * k);
    return answer_bytes(out, cap, buf, n);
}

size_t gdb_file(struct lx_process *p, const char *args, char *out, size_t cap)
{
    const char *colon = strchr(args, ':');
    if (!colon)
        return 0;
    const char *rest = colon + 1;
    size_t len = (size_t)(colon - args);
    char path[LX_PATH_MAX], *end;
    struct open_file *f;
    if (len == 5 && !memcmp(args, "setfs", len))
        return fmt(out, cap, "F0"); /* there is one file system: the guest's */
    if (len == 4 && !memcmp(args, "open", len)) {
        size_t n = gdb_from_hex(path, rest, sizeof path - 1);
        path[n] = 0;
        const char *flags = strchr(rest, ',');
        if (!flags || strtoul(flags + 1, NULL, 16))
            return fail(out, cap, EROFS);
        int i = open_file(p, path);
        return i < 0 ? fail(out, cap, -i) : fmt(out, cap, "F%x", i);
    }
    if (len == 5 && !memcmp(args, "pread", len))
        return (f = file_of(rest, &end)) ? read_at(f, end, out, cap) : fail(out, cap, EBADF);
    if (len == 5 && !memcmp(args, "fstat", len))
        return (f = file_of(rest, &end)) ? status(f, out, cap) : fail(out, cap, EBADF);
    if (len == 5 && !memcmp(args, "close", len)) {
        if (!(f = file_of(rest, &end)))
            return fail(out, cap, EBADF);
        close_file(f);
        return fmt(out, cap, "F0");
    }
    return 0; /* the rest would write, or is not needed */
}
