/* `dragoman doctor`: what this host offers, and what is missing. */
#define _GNU_SOURCE
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "personality/linux/abi.h"
#include "translator/host/host.h"

static void line(bool ok, const char *what, const char *why)
{
    printf("%-4s %-26s %s\n", ok ? "ok" : "NO", what, why);
}

int cmd_doctor(int argc, char **argv)
{
    if (argc > 1)
        return cmd_error("doctor: takes no arguments");
    struct utsname u;
    uname(&u);
    char text[256];
    bool good = true;

    snprintf(text, sizeof text, "%s %s, page size %ld", u.sysname, u.release, sysconf(_SC_PAGESIZE));
    line(true, "kernel", text);

    host_native.probe(0);
    size_t n = (size_t)snprintf(text, sizeof text, "%s:", host_native.name);
    for (size_t i = 0; host_native.features[i] && n < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, " %s%s", host_native.have() >> i & 1 ? "" : "no-",
                              host_native.features[i]);
    line(true, "host ISA", text);

    const bool granule = host_native.granule();
    line(granule, "16 aligned bytes",
         granule ? "are accessed in one piece" : "may be accessed in pieces: guests cannot have LSE2");

    u64 window = 0;
    n = 0;
    for (size_t i = 0; lx_abis[i] && n < sizeof text; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i ? " " : "", lx_abis[i]->name);
        window = lx_abis[i]->window > window ? lx_abis[i]->window : window;
    }
    line(true, "guest ISAs", text);

    void *p = mmap(NULL, window, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool ok = p != MAP_FAILED;
    if (ok)
        munmap(p, window);
    good &= ok;
    snprintf(text, sizeof text, ok ? "%llu GiB can be reserved" : "%llu GiB cannot be reserved: raise `ulimit -v`",
             (unsigned long long)window >> 30);
    line(ok, "guest address space", text);

    int fd = memfd_create("doctor", MFD_CLOEXEC);
    ok = fd >= 0 && !ftruncate(fd, 4096);
    void *x = ok ? mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) : MAP_FAILED;
    ok = x != MAP_FAILED;
    if (ok)
        munmap(x, 4096);
    if (fd >= 0)
        close(fd);
    good &= ok;
    line(ok, "executable memory",
         ok ? "memfd can be mapped executable"
            : "memfd cannot be mapped executable (SELinux or a noexec /dev/shm policy)");

    ok = access("/proc/self/exe", X_OK) == 0;
    good &= ok;
    line(ok, "/proc", ok ? "mounted" : "not mounted: guests cannot start programs");

    struct rlimit nofile;
    getrlimit(RLIMIT_NOFILE, &nofile);
    snprintf(text, sizeof text, "%llu descriptors, at most %llu", (unsigned long long)nofile.rlim_cur,
             (unsigned long long)nofile.rlim_max);
    line(nofile.rlim_max >= 256, "descriptors", text);
    return good ? 0 : 1;
}
