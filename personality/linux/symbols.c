/* Names of guest code; see symbols.h.
 *
 * A mapping has a number of its own (lx_vma.id), so what was found out about one stays true. Which file it shows, the
 * host kernel tells in /proc/self/maps. Of a file the functions are read once, from .symtab or, when that is stripped,
 * from .dynsym, as a sorted array and their names.
 *
 * Files are the guest's and may be anything: every number in them is checked, and a file that does not make sense has
 * no names. What is read is bounded by MAX_TABLE. */
#define _GNU_SOURCE
#include "personality/linux/symbols.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fmt.h"
#include "lib/heap.h"
#include "personality/linux/elf.h"
#include "personality/linux/mm.h"

#define MAX_TABLE (256u << 20) /* bytes of a symbol or string table */

struct function {
    u64 addr; /* as in the file */
    u32 size, name;
};

struct module {
    struct module *next;
    u64 dev, ino;
    struct function *functions; /* sorted by address */
    u32 n;
    char *names;
    u64 names_size;
    Elf64_Phdr *load;
    u32 nload;
    char file[64]; /* its name */
};

/* What was found out about a file's mapping. */
struct known {
    u64 id;
    struct module *module; /* NULL: no names */
};

static struct module *modules;
static struct known *known;
static u32 nknown, cap_known;

/* --- reading a file --- */

static int by_address(const void *a, const void *b)
{
    const struct function *x = a, *y = b;
    return x->addr < y->addr ? -1 : x->addr > y->addr ? 1 : x->size < y->size ? 1 : x->size > y->size ? -1 : 0;
}

static void *read_table(int fd, u64 off, u64 size)
{
    void *p = size && size <= MAX_TABLE ? heap_alloc(size) : NULL;
    if (p && lx_file_read(fd, p, size, off)) {
        heap_free(p);
        p = NULL;
    }
    return p;
}

static void read_functions(struct module *m, int fd, const Elf64_Shdr *table, const Elf64_Shdr *strings)
{
    u64 n = table->sh_size / sizeof(Elf64_Sym);
    Elf64_Sym *syms = read_table(fd, table->sh_offset, n * sizeof *syms);
    char *names = read_table(fd, strings->sh_offset, strings->sh_size);
    m->functions = syms && names ? heap_calloc(n, sizeof *m->functions) : NULL;
    if (m->functions) {
        for (u64 i = 0; i < n; i++) {
            const Elf64_Sym *s = &syms[i];
            u32 type = ELF64_ST_TYPE(s->st_info);
            if ((type != STT_FUNC && type != STT_GNU_IFUNC) || s->st_shndx == SHN_UNDEF ||
                s->st_name >= strings->sh_size)
                continue;
            u32 size = s->st_size > ~0u ? ~0u : (u32)s->st_size;
            m->functions[m->n++] = (struct function){s->st_value, size, s->st_name};
        }
        names[strings->sh_size - 1] = 0;
        m->names = names;
        names = NULL;
        qsort(m->functions, m->n, sizeof *m->functions, by_address);
    }
    heap_free(names);
    heap_free(syms);
}

static void read_module(struct module *m, int fd)
{
    Elf64_Ehdr eh;
    if (lx_file_read(fd, &eh, sizeof eh, 0) || memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 ||
        eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_phentsize != sizeof(Elf64_Phdr) ||
        eh.e_shentsize != sizeof(Elf64_Shdr))
        return;
    m->load = read_table(fd, eh.e_phoff, (u64)eh.e_phnum * sizeof(Elf64_Phdr));
    Elf64_Shdr *sections = read_table(fd, eh.e_shoff, (u64)eh.e_shnum * sizeof(Elf64_Shdr));
    const Elf64_Shdr *best = NULL;
    for (u32 i = 0; sections && i < eh.e_shnum; i++) {
        const Elf64_Shdr *s = &sections[i];
        bool table = s->sh_type == SHT_SYMTAB || (s->sh_type == SHT_DYNSYM && !best);
        if (table && s->sh_entsize == sizeof(Elf64_Sym) && s->sh_link < eh.e_shnum)
            best = s;
    }
    m->nload = m->load ? eh.e_phnum : 0;
    if (m->load && best)
        read_functions(m, fd, best, &sections[best->sh_link]);
    heap_free(sections);
}

/* --- finding --- */

/* The file that is mapped at a host address. */
static int open_mapped(hva_t at)
{
    char text[8192];
    size_t have = 0;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC), found = -ENOENT;
    if (fd < 0)
        return -errno;
    for (;;) {
        ssize_t n = read(fd, text + have, sizeof text - 1 - have);
        if (n <= 0)
            break;
        have += (size_t)n;
        text[have] = 0;
        char *line = text, *end;
        for (; found == -ENOENT && (end = strchr(line, '\n')); line = end + 1) {
            *end = 0;
            char *dash, *slash = strchr(line, '/');
            u64 lo = strtoull(line, &dash, 16), hi = *dash == '-' ? strtoull(dash + 1, NULL, 16) : 0;
            if (at < lo || at >= hi)
                continue;
            found = slash ? open(slash, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -EINVAL;
        }
        have -= (size_t)(line - text);
        memmove(text, line, have);
        if (found != -ENOENT || have == sizeof text - 1)
            break;
    }
    close(fd);
    return found;
}

static void read_name(struct module *m, int fd)
{
    char link[32], path[4096];
    fmt(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n < 0 ? 0 : n] = 0;
    char *slash = strrchr(path, '/');
    fmt(m->file, sizeof m->file, "%s", slash ? slash + 1 : path);
    for (char *p = m->file; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("+-._", *p)))
            *p = '_';
}

static struct module *module_at(hva_t at)
{
    struct stat st;
    int fd = open_mapped(at);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        close(fd);
        return NULL;
    }
    struct module *m = modules;
    while (m && (m->dev != st.st_dev || m->ino != st.st_ino))
        m = m->next;
    if (!m && (m = heap_calloc(1, sizeof *m))) {
        m->dev = st.st_dev;
        m->ino = st.st_ino;
        m->next = modules;
        modules = m;
        read_name(m, fd);
        read_module(m, fd);
    }
    close(fd);
    return m;
}

static struct module *module_of(struct lx_mm *mm, const struct lx_vma *v)
{
    if (!(v->flags & VMA_FILE))
        return NULL;
    for (u32 i = nknown; i-- > 0;)
        if (known[i].id == v->id)
            return known[i].module;
    if (nknown == cap_known) {
        u32 cap = cap_known ? 2 * cap_known : 32;
        struct known *more = heap_realloc(known, cap * sizeof *more);
        if (!more)
            return NULL;
        known = more;
        cap_known = cap;
    }
    struct module *m = module_at(mm->base + v->start);
    known[nknown++] = (struct known){v->id, m};
    return m;
}

/* The module that pc lies in, and where, as its file counts addresses; NULL when it is in none. */
static struct module *find(struct lx_mm *mm, gva_t pc, u64 *addr)
{
    struct lx_vma v;
    struct module *m;
    if (!lx_mm_find(mm, pc, &v) || !(m = module_of(mm, &v)))
        return NULL;
    u64 off = pc - v.start + v.off;
    for (u32 i = 0; i < m->nload; i++) {
        const Elf64_Phdr *ph = &m->load[i];
        if (ph->p_type == PT_LOAD && off - ph->p_offset < ph->p_filesz) {
            *addr = off - ph->p_offset + ph->p_vaddr;
            return m;
        }
    }
    return NULL;
}

bool lx_symbol_file(struct lx_mm *mm, gva_t pc, u64 *addr, char *buf, size_t cap)
{
    const struct module *m = find(mm, pc, addr);
    if (!m || !m->file[0])
        return false;
    fmt(buf, cap, "%s", m->file);
    return true;
}

bool lx_symbol(struct lx_mm *mm, gva_t pc, char *buf, size_t cap)
{
    u64 addr;
    const struct module *m = find(mm, pc, &addr);
    if (!m)
        return false;
    u32 lo = 0, hi = m->n;
    while (lo < hi) {
        u32 mid = (lo + hi) / 2;
        if (m->functions[mid].addr <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (!lo)
        return false;
    const struct function *f = &m->functions[lo - 1];
    while (f > m->functions && f[-1].addr == f->addr)
        f--; /* the largest of several at one address */
    if (f->size ? addr - f->addr >= f->size : addr - f->addr > 4096)
        return false;
    const char *name = m->names + f->name;
    if (addr == f->addr)
        fmt(buf, cap, "%s", name);
    else
        fmt(buf, cap, "%s+%#lx", name, addr - f->addr);
    return true;
}
