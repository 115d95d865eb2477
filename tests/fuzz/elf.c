/* Fuzzer of the reader of ELF files: any file is refused with a reason, or mapped as it says into a guest's address
 * space, and nothing else is touched. Its symbols are looked at, too. There is one for each guest ISA: a program of
 * another is read only, as it would get a process of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/hosted/hosted.h"
#include "mk/mk.h"
#include "personality/linux/abi.h"
#include "personality/linux/elf.h"
#include "personality/linux/mm.h"
#include "personality/linux/symbols.c" /* for read_module */
#include "personality/linux/thread.h"
#include "tests/fuzz/elf_guest.h"
#include "tests/fuzz/fuzz.h"

static struct lx_process process;
static struct lx_thread *thread;
static int fd;

static _Noreturn void broken(const char *why)
{
    fprintf(stderr, "%s\n", why);
    abort();
}

static bool no_fault(struct mk_fault *f, void *cx)
{
    return false;
}

static void start(void)
{
    const struct lx_limit none = {~0ull, ~0ull};
    process.limits = (struct lx_limits){.as = none, .data = none, .stack = none, .nofile = none};
    process.abi = fuzz_abi;
    process.root_fd = process.exe_fd = process.self_fd = -1;
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || mk_fault_handler(no_fault, NULL) || mk_thread_enter() ||
        lx_mm_create(&process.mm, process.abi->window))
        broken("no address space");
    const struct engine_config cfg = {
        .guest = process.abi->isa,
        .ops = &lx_engine_ops,
        .cx = process.mm,
        .mem_base = process.mm->base,
        .mem_size = process.mm->size,
        .tier = ENGINE_INTERP,
        .cache_size = 1 << 20,
    };
    if (engine_create(&process.engine, &cfg) || lx_thread_create(&thread, &process, NULL))
        broken("no engine");
}

static int in_window(void *cx, const struct lx_vma *v)
{
    const struct lx_mm *mm = cx;
    static gva_t last;
    if (v == mm->vma)
        last = 0;
    if (v->start >= v->end || v->end > mm->size || v->start < last || (v->start | v->end) & (mm->page - 1))
        broken("the list of mappings is out of order");
    last = v->end;
    return 0;
}

/* The segment that was mapped last shows the file's bytes. */
static void check_last(const struct lx_elf *e, u64 bias, const u8 *data)
{
    for (u32 i = e->eh.e_phnum; i-- > 0;) {
        const Elf64_Phdr *p = &e->ph[i];
        u8 have[64];
        if (p->p_type != PT_LOAD || !p->p_memsz)
            continue;
        const u64 n = p->p_filesz < sizeof have ? p->p_filesz : sizeof have;
        if (!(p->p_flags & (PF_R | PF_W | PF_X)) || !n)
            return;
        if (lx_read(thread, have, p->p_vaddr + bias, n) || memcmp(have, data + p->p_offset, n) != 0)
            broken("a segment is not what the file holds");
        return;
    }
}

static void try_map(const struct lx_elf *e, const u8 *data)
{
    char why[256] = "";
    u64 bias;
    const int rc = lx_elf_map(thread, e, fd, 0, &bias, why, sizeof why);
    if (rc > 0 || (rc < 0) != !!why[0])
        broken("an error without a reason");
    if (!rc)
        check_last(e, bias, data);
    (void)lx_mm_each(process.mm, in_window, process.mm);
    if (lx_mm_unmap(&process, process.mm->page, process.mm->size - process.mm->page) || process.mm->n)
        broken("what was mapped is not unmapped");
}

static void try_symbols(void)
{
    struct module m = {0};
    read_module(&m, fd);
    for (u32 i = 0; i < m.n; i++)
        if (memchr(m.names + m.functions[i].name, 0, 1 << 20) == NULL ||
            (i && m.functions[i].addr < m.functions[i - 1].addr))
            broken("a function's name or place");
    heap_free(m.functions);
    heap_free(m.names);
    heap_free(m.load);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lx_elf e;
    char why[256] = "";
    if (!thread)
        start();
    if (ftruncate(fd, 0) || ftruncate(fd, (off_t)size) || pwrite(fd, data, size, 0) != (ssize_t)size)
        broken("the file cannot be made");
    const int rc = lx_elf_read(&e, fd, size & 1 ? NULL : fuzz_abi, why, sizeof why);
    if (rc > 0 || (rc < 0) != !!why[0])
        broken("an error without a reason");
    if (!rc) {
        if (e.lo >= e.hi || e.hi > e.abi->window || !memchr(e.interp, 0, sizeof e.interp))
            broken("bounds");
        if (e.abi == fuzz_abi)
            try_map(&e, data);
        else if (!(size & 1))
            broken("an interpreter for another ISA");
        lx_elf_free(&e);
    }
    try_symbols();
    return 0;
}
