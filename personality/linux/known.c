/* Which code is a routine of the C library.
 *
 * A program may have functions of these names that do something else, or its own that it puts in the library's place;
 * so the name alone says nothing. What counts is the file: one whose DT_SONAME is that of a C library, and in it what
 * its table of dynamic symbols says. Whoever interposes a function has it in another file, and calls that one. In
 * programs that are linked statically the library has no file of its own; known_static.c says how it is told there.
 *
 * A symbol may be an IFUNC: its code chooses one of several routines and gives its address. Which they are, that code
 * says: every address within the library's code that it computes is that of an implementation of the symbol, as giving
 * one is all that it is for (lx_abi.code_addresses finds them). Such routines of a shared library have no symbols.
 *
 * Text is what the file has there as long as it was not writable since it was mapped: a mapping's lx_vma.known is
 * dropped when it becomes writable (mm.c), and translations with it. What is found is kept by file offset, so that it
 * holds wherever the file is mapped, and once for each file as long as it is the same (inode, size, time of change).
 *
 * Most programs never ask where the routines are: what they run of them is stored (cache.c). So when a file is mapped
 * its headers alone are looked at, and its tables when the first question comes, in the mapping itself; a mapping that
 * does not have them has them read from the file at once. No mapping has the symbols of a static program: until they
 * are asked for, its file is kept open.
 *
 * Files may be anything: every number in them is checked. */
#include "personality/linux/known.h"

#include <string.h>
#include <sys/stat.h>

#include "lib/heap.h"
#include "personality/linux/abi.h"
#include "personality/linux/elf.h"
#include "personality/linux/fd.h"
#include "personality/linux/known_int.h"
#include "personality/linux/mm.h"

#define MAX_FILES    16         /* in one process */
#define MAX_TABLES   (2u << 20) /* bytes of hash table, symbols and names */
#define MAX_RESOLVER 1024

struct lx_known {
    struct lx_known *next;
    u32 number;
    u64 dev, ino, size;
    struct timespec changed;
    bool pending; /* the routines were not looked up yet, with these: */
    const struct lx_abi *abi;
    u64 hash, symbols, names, names_size;
    int fd; /* of a static program's file, while pending; else -1 */
    struct known_routines found;
};

bool known_get(const struct known_reader *r, void *to, u64 n, u64 off)
{
    if (r->fd >= 0)
        return !lx_file_read(r->fd, to, n, off);
    return off >= r->from && off <= r->to && n <= r->to - off && !mk_copy(to, (const void *)(r->base + off), n);
}

bool known_offset(const struct known_reader *r, u64 addr, bool code, u64 *off, u64 *room)
{
    for (u32 i = 0; i < r->nph; i++) {
        const Elf64_Phdr *p = &r->ph[i];
        if (p->p_type != PT_LOAD || addr < p->p_vaddr || addr - p->p_vaddr >= p->p_filesz ||
            (code && !(p->p_flags & PF_X)))
            continue;
        *off = addr - p->p_vaddr + p->p_offset;
        *room = p->p_filesz - (addr - p->p_vaddr);
        return *off < r->size && *room <= r->size - *off;
    }
    return false;
}

static bool read_head(struct known_reader *r)
{
    Elf64_Ehdr *h = &r->eh;
    const u64 n = r->size < sizeof r->head ? r->size : sizeof r->head;
    if (n < sizeof *h || !known_get(r, r->head, n, 0))
        return false;
    memcpy(h, r->head, sizeof *h);
    if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_ident[EI_CLASS] != ELFCLASS64 ||
        (h->e_type != ET_DYN && h->e_type != ET_EXEC) || h->e_machine != r->abi->elf_machine ||
        h->e_phentsize != sizeof(Elf64_Phdr) || (h->e_phoff & 7) || h->e_phoff > n ||
        (u64)h->e_phnum * sizeof(Elf64_Phdr) > n - h->e_phoff)
        return false;
    r->ph = (const Elf64_Phdr *)(const void *)(r->head + h->e_phoff);
    r->nph = h->e_phnum;
    return true;
}

static bool has_segment(const struct known_reader *r, u32 type)
{
    for (u32 i = 0; i < r->nph; i++)
        if (r->ph[i].p_type == type)
            return true;
    return false;
}

static bool read_dynamic(struct known_reader *r)
{
    Elf64_Dyn dyn[256];
    u64 n = 0, hash = 0, symbols = 0, names = 0, room;
    r->soname = ~0ull;
    for (u32 i = 0; i < r->nph && !n; i++)
        if (r->ph[i].p_type == PT_DYNAMIC) {
            n = r->ph[i].p_filesz / sizeof *dyn;
            n = n < ARRAY_LEN(dyn) ? n : ARRAY_LEN(dyn);
            if (!known_get(r, dyn, n * sizeof *dyn, r->ph[i].p_offset))
                return false;
        }
    for (u64 i = 0; i < n && dyn[i].d_tag != DT_NULL; i++)
        switch (dyn[i].d_tag) {
        case DT_GNU_HASH:
            hash = dyn[i].d_un.d_ptr;
            break;
        case DT_SYMTAB:
            symbols = dyn[i].d_un.d_ptr;
            break;
        case DT_STRTAB:
            names = dyn[i].d_un.d_ptr;
            break;
        case DT_STRSZ:
            r->names_size = dyn[i].d_un.d_val;
            break;
        case DT_SONAME:
            r->soname = dyn[i].d_un.d_val;
            break;
        case DT_FLAGS_1:
            r->pie = dyn[i].d_un.d_val & DF_1_PIE;
            break;
        default:
            break;
        }
    return hash && symbols && known_offset(r, hash, false, &r->hash, &room) &&
           known_offset(r, symbols, false, &r->symbols, &room) && known_offset(r, names, false, &r->names, &room) &&
           r->names_size <= room && r->soname < r->names_size;
}

static bool is_c_library(const struct known_reader *r)
{
    char name[32] = "";
    u64 n = r->names_size - r->soname;
    n = n < sizeof name - 1 ? n : sizeof name - 1;
    if (!known_get(r, name, n, r->names + r->soname))
        return false;
    return !strcmp(name, "libc.so.6") || !strncmp(name, "libc.musl-", 10) || !strcmp(name, "libc.so");
}

/* Where the tables lie; false when they are too large, or not in an order that this can read. */
static bool place_tables(struct known_reader *r)
{
    const u64 end = r->names + r->names_size;
    r->lo = r->hash < r->symbols ? r->hash : r->symbols;
    if (r->lo > r->names || end - r->lo > MAX_TABLES || r->hash > end || r->symbols > end)
        return false;
    r->len = end - r->lo;
    return true;
}

static bool read_tables(struct known_reader *r)
{
    r->tables = heap_alloc(r->len);
    return r->tables && known_get(r, r->tables, r->len, r->lo);
}

/* `n` bytes of the tables at file offset off; false when they lie outside. */
static bool take(const struct known_reader *r, u64 off, void *to, u64 n)
{
    if (off < r->lo || off - r->lo > r->len || n > r->len - (off - r->lo))
        return false;
    if (!r->tables)
        return known_get(r, to, n, off);
    memcpy(to, r->tables + (off - r->lo), n);
    return true;
}

static bool is_named(const struct known_reader *r, const Elf64_Sym *s, const char *name)
{
    char text[64];
    const u64 n = strlen(name) + 1;
    return s->st_name < r->names_size && n <= r->names_size - s->st_name && n <= sizeof text &&
           take(r, r->names + s->st_name, text, n) && !memcmp(text, name, n);
}

void known_add(struct known_reader *r, u64 addr)
{
    u64 off, room;
    if (!known_offset(r, addr, true, &off, &room) || off >> 32 || r->out->n == KNOWN_MAX)
        return;
    r->out->at[r->out->n].off = (u32)off;
    r->out->at[r->out->n++].known = r->known;
}

static void add(void *cx, u64 addr)
{
    known_add(cx, addr);
}

void known_resolved(const struct known_reader *r, const Elf64_Sym *s, void (*each)(void *cx, u64 addr), void *cx)
{
    u8 code[MAX_RESOLVER];
    u64 off, room;
    if (!s->st_size || s->st_size > sizeof code || !known_offset(r, s->st_value, true, &off, &room) ||
        s->st_size > room || !known_get(r, code, s->st_size, off))
        return;
    r->abi->code_addresses(code, s->st_size, s->st_value, r->eh.e_type == ET_EXEC, each, cx);
}

/* Looks a name up as the dynamic linker does. */
static void find(struct known_reader *r, const char *name)
{
    struct {
        u32 nbuckets, first, nbloom, shift;
    } h;
    u32 hash = 5381, i, chain;
    for (const char *c = name; *c; c++)
        hash = hash * 33 + (u8)*c;
    if (!take(r, r->hash, &h, sizeof h) || !h.nbuckets)
        return;
    const u64 buckets = r->hash + sizeof h + 8ull * h.nbloom, chains = buckets + 4ull * h.nbuckets;
    if (!take(r, buckets + 4ull * (hash % h.nbuckets), &i, sizeof i) || i < h.first)
        return;
    for (;; i++) {
        Elf64_Sym s;
        if (!take(r, chains + 4ull * (i - h.first), &chain, sizeof chain) ||
            !take(r, r->symbols + (u64)i * sizeof s, &s, sizeof s))
            return;
        if ((chain | 1) == (hash | 1) && s.st_shndx != SHN_UNDEF && is_named(r, &s, name)) {
            if (ELF64_ST_TYPE(s.st_info) == STT_FUNC)
                known_add(r, s.st_value);
            else if (ELF64_ST_TYPE(s.st_info) == STT_GNU_IFUNC)
                known_resolved(r, &s, add, r);
        }
        if (chain & 1)
            return;
    }
}

/* Is it the file that k is about, as it was then? */
static bool is_file(const struct lx_known *k, const struct stat *st)
{
    return k->dev == st->st_dev && k->ino == st->st_ino && k->size == (u64)st->st_size &&
           k->changed.tv_sec == st->st_ctim.tv_sec && k->changed.tv_nsec == st->st_ctim.tv_nsec;
}

static u32 find_file(struct lx_mm *mm, const struct stat *st)
{
    for (const struct lx_known *k = mm->known; k; k = k->next)
        if (is_file(k, st))
            return k->found.n || k->pending ? k->number : ~0u;
    return 0;
}

static void find_all(struct known_reader *r)
{
    for (r->known = 1; r->known < GUEST_NKNOWN; r->known++)
        find(r, guest_known_names[r->known]);
}

/* Reads the symbols of a static program, if its file is still what was mapped. */
static void find_static(struct lx_known *k, int fd)
{
    struct known_reader r = {.fd = fd, .abi = k->abi, .size = k->size, .out = &k->found};
    struct stat st;
    if (!fstat(fd, &st) && is_file(k, &st) && read_head(&r))
        known_find_static(&r);
}

/* What r's file, which is mapped from `off` on, says of itself: sets all of k that depends on it. False when there can
 * be no routines. */
static bool start(struct known_reader *r, struct lx_known *k, u64 off, u64 len)
{
    k->abi = r->abi;
    k->fd = -1;
    if (!read_head(r))
        return false;
    const bool dynamic = has_segment(r, PT_DYNAMIC), complete = dynamic && read_dynamic(r);
    if (r->eh.e_shoff && !has_segment(r, PT_INTERP) && (r->eh.e_type == ET_EXEC ? !dynamic : r->pie)) {
        k->fd = lx_fd_copy(r->fd);
        k->pending = k->fd >= 0;
        if (!k->pending)
            find_static(k, r->fd);
        return true;
    }
    if (!complete || r->eh.e_type != ET_DYN || !is_c_library(r) || !place_tables(r))
        return false;
    k->hash = r->hash;
    k->symbols = r->symbols;
    k->names = r->names;
    k->names_size = r->names_size;
    k->pending = !off && r->lo + r->len <= len;
    if (!k->pending && read_tables(r))
        find_all(r);
    heap_free(r->tables);
    return true;
}

static void drop(struct lx_known *k)
{
    if (k && k->fd >= 0)
        lx_fd_close(k->fd);
    heap_free(k);
}

u32 lx_known_file(struct lx_mm *mm, const struct lx_abi *abi, int fd, u64 off, u64 len)
{
    struct known_reader r = {.fd = fd, .abi = abi};
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        return 0;
    mk_lock(&mm->lock);
    u32 number = find_file(mm, &st);
    mk_unlock(&mm->lock);
    if (number)
        return number == ~0u ? 0 : number;
    struct lx_known *k = heap_calloc(1, sizeof *k);
    if (!k)
        return 0;
    k->dev = st.st_dev;
    k->ino = st.st_ino;
    k->size = r.size = (u64)st.st_size;
    k->changed = st.st_ctim;
    r.out = &k->found;
    if (!start(&r, k, off, len)) {
        drop(k);
        return 0;
    }
    mk_lock(&mm->lock);
    number = find_file(mm, &st);
    const u32 last = mm->known ? mm->known->number : 0;
    if (!number && last < MAX_FILES) {
        k->number = last + 1;
        k->next = mm->known;
        mm->known = k;
        number = k->found.n || k->pending ? k->number : 0;
        k = NULL;
    }
    mk_unlock(&mm->lock);
    drop(k);
    return number == ~0u ? 0 : number;
}

/* Looks the routines up in the mapping of which v is what is left, or a part. */
static void look(struct lx_mm *mm, struct lx_known *k, const struct lx_vma *v)
{
    struct known_reader r = {.fd = -1,
                             .base = mm->base + v->start - v->off,
                             .from = v->off,
                             .to = v->off + (v->end - v->start),
                             .size = k->size,
                             .abi = k->abi,
                             .hash = k->hash,
                             .symbols = k->symbols,
                             .names = k->names,
                             .names_size = k->names_size,
                             .out = &k->found};
    if (read_head(&r) && place_tables(&r))
        find_all(&r);
}

u32 lx_known_at(struct lx_mm *mm, const struct lx_vma *v, gva_t pc)
{
    const u64 off = v->off + (pc - v->start);
    struct lx_known *k = mm->known;
    while (k && k->number != v->known)
        k = k->next;
    if (k && k->pending) {
        const int fd = k->fd;
        k->pending = false;
        k->fd = -1;
        if (fd < 0) {
            look(mm, k, v);
        } else {
            find_static(k, fd);
            lx_fd_close(fd);
        }
    }
    for (u32 i = 0; k && i < k->found.n; i++)
        if (k->found.at[i].off == off)
            return k->found.at[i].known;
    return 0;
}

void lx_known_free(struct lx_mm *mm)
{
    while (mm->known) {
        struct lx_known *k = mm->known;
        mm->known = k->next;
        drop(k);
    }
}
