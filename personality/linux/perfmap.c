/* The perf map; see perfmap.h.
 *
 * One line a translation: where its host code begins, how long it is, `guest:PC`, the guest function's name where its
 * file has one (else FILE+0xADDRESS, as the file counts), and the file's name in parentheses. The file only grows:
 * after a flush of the code cache, lines of old and new translations overlap, so give the cache room (--cache-size)
 * when measuring. A vfork child runs its parent's translations, which perf does not find under its number.
 *
 * Written with the engine's lock held; fork is made with that lock held, so a child knows how much of the parent's file
 * holds for it, too. */
#define _GNU_SOURCE
#include "personality/linux/perfmap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/fmt.h"
#include "lib/log.h"
#include "personality/linux/fd.h"
#include "personality/linux/process.h"
#include "personality/linux/provider.h"
#include "personality/linux/symbols.h"
#include "personality/linux/syscalls_gen.h"

static int map_fd = -1;
static u64 written;

static s64 write_now(const void *text, u64 n)
{
    return prov_call_now(LX_NR_write, (u64)map_fd, (u64)text, n, 0, 0, 0);
}

/* A new file: what lies there is of a process that had the number before, or not ours. */
static void begin(void)
{
    char path[64];
    fmt(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    map_fd = fd < 0 ? -errno : lx_fd_high(fd);
    if (map_fd < 0)
        log_warn("%s: %s: no perf map", path, strerror(-map_fd));
}

static void in_child(void)
{
    char buf[4096];
    int parent = map_fd;
    if (parent < 0)
        return;
    begin();
    for (u64 done = 0; map_fd >= 0 && done < written;) {
        u64 want = written - done < sizeof buf ? written - done : sizeof buf;
        s64 n = prov_call_now(LX_NR_pread64, (u64)parent, (u64)buf, want, done, 0, 0);
        if (n <= 0 || write_now(buf, (u64)n) != n)
            break;
        done += (u64)n;
    }
    lx_fd_close(parent);
}

void lx_perf_start(struct lx_process *p)
{
    begin();
    if (map_fd >= 0)
        lx_at_fork(NULL, NULL, in_child);
}

void lx_perf_made(void *cx, hva_t code, size_t size, gva_t pc)
{
    char line[640], name[400], file[64];
    u64 addr;
    size_t n;
    if (map_fd < 0)
        return;
    if (pc == ENGINE_MADE_COMMON)
        n = fmt(line, sizeof line, "%lx %zx dragoman:common\n", code, size);
    else if (lx_symbol_file(cx, pc, &addr, file, sizeof file) && lx_symbol(cx, pc, name, sizeof name))
        n = fmt(line, sizeof line, "%lx %zx guest:%lx %s (%s)\n", code, size, pc, name, file);
    else if (lx_symbol_file(cx, pc, &addr, file, sizeof file))
        n = fmt(line, sizeof line, "%lx %zx guest:%lx %s+%#lx (%s)\n", code, size, pc, file, addr, file);
    else
        n = fmt(line, sizeof line, "%lx %zx guest:%lx\n", code, size, pc);
    if (write_now(line, n) == (s64)n)
        written += n;
}
