/* ELF files: what they promise is checked against what they are before anything is mapped.
 *
 * A file may be truncated, corrupt or hostile: each number in it is checked against the file's size and the guest's
 * address space, without overflow, and copied once, so that a file that changes meanwhile cannot undo a check. */
#include "personality/linux/elf.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/fmt.h"
#include "lib/heap.h"
#include "personality/linux/abi.h"
#include "personality/linux/mm.h"
#include "personality/linux/provider.h"
#include "personality/linux/syscalls_gen.h"

#define PAGE       4096ull
#define PAGE_OF(a) ((a) & ~(PAGE - 1))
#define PAGE_UP(a) (((a) + PAGE - 1) & ~(PAGE - 1))

static int refuse(int rc, char *why, size_t cap, const char *text)
{
    fmt(why, cap, "%s", text);
    return rc;
}

int lx_file_read(int fd, void *dst, u64 n, u64 off)
{
    for (u64 done = 0; done < n;) {
        s64 r = prov_call_now(LX_NR_pread64, (u64)fd, (u64)dst + done, n - done, off + done, 0, 0);
        if (r == -EINTR)
            continue;
        if (r <= 0)
            return r < 0 ? (int)r : -EIO;
        done += (u64)r;
    }
    return 0;
}

static const char *machine_name(u32 machine)
{
    static const struct {
        u16 id;
        const char *name;
    } names[] = {{EM_386, "i386"},   {EM_X86_64, "x86_64"}, {EM_ARM, "arm"},         {EM_PPC64, "ppc64"},
                 {EM_S390, "s390x"}, {EM_MIPS, "mips"},     {EM_SPARCV9, "sparc64"}, {258, "loongarch64"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].id == machine)
            return names[i].name;
    return NULL;
}

static int check_header(struct lx_elf *e, const struct lx_abi *abi, char *why, size_t cap)
{
    const Elf64_Ehdr *h = &e->eh;
    if (h->e_ident[EI_CLASS] == ELFCLASS32)
        return refuse(-ENOEXEC, why, cap, "a 32-bit program; only 64-bit guests can be run");
    if (h->e_ident[EI_CLASS] != ELFCLASS64)
        return refuse(-ENOEXEC, why, cap, "damaged ELF file (class)");
    if (h->e_ident[EI_DATA] != ELFDATA2LSB)
        return refuse(-ENOEXEC, why, cap, "a big-endian program; only little-endian guests can be run");
    for (size_t i = 0; lx_abis[i] && !e->abi; i++)
        if (lx_abis[i]->elf_machine == h->e_machine)
            e->abi = lx_abis[i];
    if (!e->abi) {
        const char *name = machine_name(h->e_machine);
        if (name)
            fmt(why, cap, "a program for %s, which is no guest CPU of ours", name);
        else
            fmt(why, cap, "a program for an unknown CPU (ELF machine %u)", h->e_machine);
        return -ENOEXEC;
    }
    if (abi && abi != e->abi)
        return refuse(-ELIBBAD, why, cap, "for another CPU than its program");
    if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
        return refuse(-ENOEXEC, why, cap,
                      h->e_type == ET_REL    ? "an object file, not linked yet"
                      : h->e_type == ET_CORE ? "a core dump"
                                             : "no program (ELF type)");
    if (h->e_ident[EI_VERSION] != EV_CURRENT || h->e_phentsize != sizeof(Elf64_Phdr))
        return refuse(-ENOEXEC, why, cap, "damaged ELF file (header)");
    if (!h->e_phnum || h->e_phnum > 65536 / sizeof(Elf64_Phdr))
        return refuse(-ENOEXEC, why, cap, "damaged ELF file (number of program headers)");
    return 0;
}

static int check_segments(struct lx_elf *e, u64 size, char *why, size_t cap)
{
    u64 lo = ~0ull, hi = 0;
    e->align = PAGE;
    for (u32 i = 0; i < e->eh.e_phnum; i++) {
        const Elf64_Phdr *p = &e->ph[i];
        if (p->p_type != PT_LOAD)
            continue;
        if (p->p_filesz > p->p_memsz)
            return refuse(-ENOEXEC, why, cap, "damaged ELF file (a segment is larger in the file than in memory)");
        if (p->p_filesz && (p->p_offset > size || p->p_filesz > size - p->p_offset))
            return refuse(-ENOEXEC, why, cap, "truncated ELF file (a segment lies beyond its end)");
        if ((p->p_offset ^ p->p_vaddr) & (PAGE - 1))
            return refuse(-ENOEXEC, why, cap, "damaged ELF file (a segment is not aligned to pages)");
        if (p->p_vaddr >= e->abi->window || p->p_memsz > e->abi->window - p->p_vaddr)
            return refuse(-ENOEXEC, why, cap, "a segment lies outside of the guest's address space");
        if (!p->p_memsz)
            continue;
        if (p->p_align > e->align && !(p->p_align & (p->p_align - 1)) && p->p_align <= 1ull << 30)
            e->align = p->p_align;
        if (PAGE_OF(p->p_vaddr) < lo)
            lo = PAGE_OF(p->p_vaddr);
        if (PAGE_UP(p->p_vaddr + p->p_memsz) > hi)
            hi = PAGE_UP(p->p_vaddr + p->p_memsz);
    }
    if (lo >= hi)
        return refuse(-ENOEXEC, why, cap, "damaged ELF file (nothing to load)");
    if (e->eh.e_type == ET_EXEC && !lo)
        return refuse(-ENOEXEC, why, cap, "damaged ELF file (it wants to lie at address 0)");
    e->lo = lo;
    e->hi = hi;
    return 0;
}

/* What a file begins with: most often all that there is to read of it, and read at once. */
struct head {
    int fd;
    u64 have;
    u8 bytes[1024];
};

static int read_head(struct head *h, int fd)
{
    s64 r;
    do
        r = prov_call_now(LX_NR_pread64, (u64)fd, (u64)h->bytes, sizeof h->bytes, 0, 0, 0);
    while (r == -EINTR);
    h->fd = fd;
    h->have = r < 0 ? 0 : (u64)r;
    return r < 0 ? (int)r : 0;
}

static int read_part(const struct head *h, void *dst, u64 n, u64 off)
{
    if (off > h->have || n > h->have - off)
        return lx_file_read(h->fd, dst, n, off);
    memcpy(dst, h->bytes + off, n);
    return 0;
}

static int read_interp(struct lx_elf *e, const struct head *head, u64 size, char *why, size_t cap)
{
    for (u32 i = 0; i < e->eh.e_phnum; i++) {
        const Elf64_Phdr *p = &e->ph[i];
        if (p->p_type == PT_GNU_STACK)
            e->exec_stack = p->p_flags & PF_X;
        if (p->p_type != PT_INTERP || e->interp[0])
            continue;
        if (p->p_filesz < 2 || p->p_filesz > sizeof e->interp || p->p_offset > size ||
            p->p_filesz > size - p->p_offset || read_part(head, e->interp, p->p_filesz, p->p_offset) ||
            e->interp[p->p_filesz - 1] || !e->interp[0])
            return refuse(-ENOEXEC, why, cap, "damaged ELF file (name of the interpreter)");
    }
    return 0;
}

int lx_elf_read(struct lx_elf *e, int fd, const struct lx_abi *abi, char *why, size_t cap)
{
    memset(e, 0, sizeof *e);
    struct {
        u8 before[48];
        s64 size;
        u8 after[LX_SIZE_stat - 56];
    } st;
    s64 r = prov_call_now(LX_NR_fstat, (u64)fd, (u64)&st, 0, 0, 0, 0);
    if (r)
        return refuse((int)r, why, cap, "cannot be read");
    u64 size = (u64)st.size;
    if (size < sizeof e->eh)
        return refuse(-ENOEXEC, why, cap, size ? "truncated ELF file (header)" : "an empty file");
    struct head head;
    int rc = read_head(&head, fd);
    if (!rc)
        rc = read_part(&head, &e->eh, sizeof e->eh, 0);
    if (rc)
        return refuse(rc, why, cap, "cannot be read");
    if (memcmp(e->eh.e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(-ENOEXEC, why, cap, "neither an ELF program nor a script that begins with #!");
    rc = check_header(e, abi, why, cap);
    if (rc)
        return rc;
    u64 table = (u64)e->eh.e_phnum * sizeof(Elf64_Phdr);
    if (e->eh.e_phoff > size || table > size - e->eh.e_phoff)
        return refuse(-ENOEXEC, why, cap, "truncated ELF file (program headers)");
    e->ph = heap_alloc(table);
    if (!e->ph)
        return refuse(-ENOMEM, why, cap, "no memory");
    rc = read_part(&head, e->ph, table, e->eh.e_phoff);
    if (rc)
        refuse(rc, why, cap, "cannot be read");
    if (!rc)
        rc = check_segments(e, size, why, cap);
    if (!rc)
        rc = read_interp(e, &head, size, why, cap);
    if (rc)
        lx_elf_free(e);
    return rc;
}

void lx_elf_free(struct lx_elf *e)
{
    heap_free(e->ph);
    e->ph = NULL;
}

/* --- mapping --- */

static u32 prot_of(const Elf64_Phdr *p)
{
    return (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) |
           (p->p_flags & PF_X ? PROT_EXEC : 0);
}

static s64 map_segment(struct lx_thread *t, const Elf64_Phdr *p, int fd, u64 bias)
{
    struct lx_process *proc = t->proc;
    u32 prot = prot_of(p);
    gva_t start = PAGE_OF(p->p_vaddr + bias), file_end = p->p_vaddr + bias + p->p_filesz;
    gva_t end = PAGE_UP(p->p_vaddr + bias + p->p_memsz);
    if (p->p_filesz) {
        s64 r = lx_mm_map(proc, start, PAGE_UP(file_end) - start, prot, MAP_PRIVATE | MAP_FIXED, fd,
                          PAGE_OF(p->p_offset), 0);
        if (r < 0)
            return r;
        /* The file's bytes behind the segment do not belong to it; a page that can't be written keeps them, as under
         * Linux. */
        static const u8 zeros[PAGE];
        u64 tail = PAGE_UP(file_end) - file_end;
        if (p->p_memsz > p->p_filesz && tail && (prot & PROT_WRITE) && lx_write(t, file_end, zeros, tail))
            return -EFAULT;
        start = PAGE_UP(file_end);
    }
    if (start >= end)
        return 0;
    s64 r = lx_mm_map(proc, start, end - start, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, 0);
    return r < 0 ? r : 0;
}

int lx_elf_map(struct lx_thread *t, const struct lx_elf *e, int fd, gva_t base, u64 *bias, char *why, size_t cap)
{
    struct lx_process *p = t->proc;
    u64 len = e->hi - e->lo;
    s64 at;
    u32 flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (e->eh.e_type == ET_EXEC) {
        at = lx_mm_map(p, e->lo, len, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0, 0);
    } else {
        /* Room with the alignment that its segments ask for. */
        at = lx_mm_map(p, base ? base : lx_mm_home(p->mm, fd, 0, len), len + e->align - PAGE, PROT_NONE, flags, -1, 0,
                       0);
        if (at >= 0) {
            gva_t got = (gva_t)at, want = (got + e->align - 1) & ~(e->align - 1);
            if (want > got)
                at = lx_mm_unmap(p, got, want - got);
            if (at >= 0 && got + e->align - PAGE > want)
                at = lx_mm_unmap(p, want + len, got + e->align - PAGE - want);
            if (at >= 0)
                at = (s64)want;
        }
    }
    if (at < 0) {
        fmt(why, cap, "no room for it in the guest's address space (%s)",
            at == -EPERM ? "its addresses are too low" : strerror((int)-at));
        return (int)at;
    }
    *bias = (gva_t)at - e->lo;
    for (u32 i = 0; i < e->eh.e_phnum; i++) {
        const Elf64_Phdr *ph = &e->ph[i];
        if (ph->p_type != PT_LOAD || !ph->p_memsz)
            continue;
        s64 r = map_segment(t, ph, fd, *bias);
        if (r) {
            fmt(why, cap, "its segment at %lx cannot be mapped: %s", ph->p_vaddr, strerror((int)-r));
            return (int)r;
        }
    }
    /* What lies between segments stays inaccessible under Linux too, but is free there. */
    gva_t hole = (gva_t)at;
    for (;;) {
        gva_t next = (gva_t)at + len;
        bool moved = false;
        for (u32 i = 0; i < e->eh.e_phnum; i++) {
            const Elf64_Phdr *ph = &e->ph[i];
            if (ph->p_type != PT_LOAD || !ph->p_memsz)
                continue;
            gva_t s = PAGE_OF(ph->p_vaddr + *bias), end = PAGE_UP(ph->p_vaddr + *bias + ph->p_memsz);
            if (s <= hole && end > hole) {
                hole = end;
                moved = true;
            } else if (s > hole && s < next) {
                next = s;
            }
        }
        if (moved)
            continue;
        if (hole >= (gva_t)at + len)
            return 0;
        s64 r = lx_mm_unmap(p, hole, next - hole);
        if (r)
            return (int)r;
        hole = next;
    }
}
