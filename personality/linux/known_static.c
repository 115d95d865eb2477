/* Library routines in a program that is linked statically, by its table of symbols.
 *
 * In such a program a function of a routine's name may be the library's or the program's own. The program's own must be
 * left alone: it may count its calls, or rely on the order in which it copies bytes that overlap. A name says nothing
 * of this, nor does anything else about the one symbol. But where it lies does: the linker takes what a program is made
 * of in the order in which it was named, objects of an archive when they are first missed, and the C library comes
 * last. So its functions lie together, behind the program's. A function counts as the library's when
 *
 *   - it lies behind __libc_start_main, which the start file asks for and which is among the first that are taken from
 *     the library, and something shows that this is glibc or musl;
 *   - going up and going down from it, past nothing but other functions with names of string functions, one comes to a
 *     function with a name that is reserved for the library (`__…`, `_IO_…`).
 *   - it is the only such one with that name.
 *
 * The program's last function has the library's first ones behind it, but before it some of the program's, or of the
 * start files'. A program that brings the string functions of another C library, with their inner names, may be
 * mistaken, and they are what they are called. In programs with a sanitizer, whose routines check what they are given,
 * nothing counts. What is stripped has no symbols, so nothing is known there.
 *
 * Of an IFUNC the implementations are those that its code computes the addresses of and whose names are the routine's
 * with something before and behind (__memcpy_generic).
 *
 * One pass over the symbols finds the anchors, one the string functions, one what lies between those, one the names of
 * implementations; nothing but the string functions is sorted. */
#include "personality/linux/known_int.h"

#include <string.h>

#include "lib/heap.h"

#define MAX_SECTIONS 4096
#define MAX_SYMBOLS  (16u << 20) /* bytes of the table, and of the names */
#define MAX_PLACES   1024
#define MAX_RESOLVED 64

enum kind {
    OTHER,   /* a function of the program, or one that says nothing */
    STRING,  /* with a string function's name */
    LIBRARY, /* with a name of the library's own */
    FOREIGN, /* that replaces string functions by its own */
};

/* A function with a string function's name, and what is next to it. */
struct place {
    u64 addr;
    bool anchor; /* has another name, which is the library's */
    /* of the other functions between the place before this one and this one, the lowest and the highest */
    struct {
        u64 addr;
        enum kind kind;
    } low, high;
};

struct table {
    struct known_reader *r;
    Elf64_Sym *syms;
    u64 n;
    char *names;
    u64 names_size;
    u64 start; /* address of __libc_start_main */
    struct place at[MAX_PLACES + 1];
    u32 nplaces;
    u32 nresolved;
    struct {
        u64 addr;
        u32 known;
    } resolved[MAX_RESOLVED];
};

static bool begins(const char *s, const char *with)
{
    return !strncmp(s, with, strlen(with));
}

static enum kind kind_of(const char *name)
{
    static const char *const foreign[] = {"__asan_",  "__tsan_",        "__msan_",        "__hwasan_",
                                          "__dfsan_", "__interceptor_", "___interceptor_"};
    static const char *const library[] = {"__", "_IO_", "_dl_", "_nl_", "_wordcopy_"};
    static const char *const string[] = {"str",   "mem",   "stp",   "rawmem", "wcs", "wcp",      "wmem",         "bcmp",
                                         "bcopy", "bzero", "index", "rindex", "ffs", "two_way_", "critical_fact"};
    if (*name == '_') {
        for (u32 i = 0; i < ARRAY_LEN(foreign); i++)
            if (begins(name, foreign[i]))
                return FOREIGN;
        for (u32 i = 0; i < ARRAY_LEN(library); i++)
            if (begins(name, library[i]))
                return LIBRARY;
        return OTHER;
    }
    for (u32 i = 0; i < ARRAY_LEN(string); i++)
        if (*name == *string[i] && begins(name, string[i]))
            return STRING;
    return OTHER;
}

/* The name of symbol i if it is a function's, else NULL. */
static const char *function(const struct table *t, u64 i)
{
    const Elf64_Sym *s = &t->syms[i];
    const u32 type = ELF64_ST_TYPE(s->st_info);
    return (type == STT_FUNC || type == STT_GNU_IFUNC) && s->st_shndx != SHN_UNDEF && s->st_name < t->names_size
               ? t->names + s->st_name
               : NULL;
}

static bool read_part(const struct known_reader *r, u64 off, u64 size, u64 most, void **to)
{
    if (!size || size > most || off > r->size || size > r->size - off || !(*to = heap_alloc(size)))
        return false;
    return known_get(r, *to, size, off);
}

static bool read_table(struct table *t)
{
    const struct known_reader *r = t->r;
    const Elf64_Ehdr *h = &r->eh;
    void *sections = NULL, *symbols = NULL, *names = NULL;
    bool ok = false;
    if (h->e_shentsize == sizeof(Elf64_Shdr) &&
        read_part(r, h->e_shoff, (u64)h->e_shnum * sizeof(Elf64_Shdr), MAX_SECTIONS * sizeof(Elf64_Shdr), &sections)) {
        const Elf64_Shdr *all = sections, *s = all;
        while (s < all + h->e_shnum && s->sh_type != SHT_SYMTAB)
            s++;
        ok = s < all + h->e_shnum && s->sh_entsize == sizeof(Elf64_Sym) && s->sh_link < h->e_shnum &&
             read_part(r, s->sh_offset, s->sh_size, MAX_SYMBOLS, &symbols) &&
             read_part(r, all[s->sh_link].sh_offset, all[s->sh_link].sh_size, MAX_SYMBOLS, &names);
        if (ok) {
            t->n = s->sh_size / sizeof(Elf64_Sym);
            t->names_size = all[s->sh_link].sh_size;
        }
    }
    heap_free(sections);
    t->syms = symbols;
    t->names = names;
    if (ok)
        t->names[t->names_size - 1] = 0;
    return ok;
}

/* Is it a C library that is known, with functions that are its own? */
static bool has_library(struct table *t)
{
    bool known = false;
    for (u64 i = 0; i < t->n; i++) {
        const char *name = function(t, i);
        if (!name || *name != '_')
            continue;
        if (kind_of(name) == FOREIGN)
            return false;
        if (!strcmp(name, "__libc_start_main"))
            t->start = t->syms[i].st_value;
        known |= !strcmp(name, "__libc_setup_tls") /* glibc */ || !strcmp(name, "__init_libc") /* musl */;
    }
    return known && t->start;
}

/* The first place at or above addr. */
static u32 place_of(const struct table *t, u64 addr)
{
    u32 lo = 0, hi = t->nplaces;
    while (lo < hi) {
        const u32 mid = (lo + hi) / 2;
        if (t->at[mid].addr < addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool find_places(struct table *t)
{
    for (u64 i = 0; i < t->n; i++) {
        const char *name = function(t, i);
        const u64 addr = t->syms[i].st_value;
        if (!name || addr <= t->start || kind_of(name) != STRING)
            continue;
        const u32 k = place_of(t, addr);
        if (k < t->nplaces && t->at[k].addr == addr)
            continue;
        if (t->nplaces == MAX_PLACES)
            return false;
        memmove(&t->at[k + 1], &t->at[k], (t->nplaces++ - k) * sizeof t->at[0]);
        t->at[k] = (struct place){.addr = addr};
    }
    return true;
}

static void find_neighbours(struct table *t)
{
    for (u64 i = 0; i < t->n; i++) {
        const char *name = function(t, i);
        const u64 addr = t->syms[i].st_value;
        if (!name)
            continue;
        const enum kind kind = kind_of(name);
        struct place *p = &t->at[place_of(t, addr)]; /* or what stands for the end */
        if (p < t->at + t->nplaces && p->addr == addr) {
            p->anchor |= kind == LIBRARY;
            continue;
        }
        /* Of several names of one function the library's counts. */
        if (!p->low.addr || addr < p->low.addr || (addr == p->low.addr && kind == LIBRARY)) {
            p->low.addr = addr;
            p->low.kind = kind;
        }
        if (addr > p->high.addr || (addr == p->high.addr && kind == LIBRARY)) {
            p->high.addr = addr;
            p->high.kind = kind;
        }
    }
}

/* Is the function at place k between functions of the library? */
static bool is_library(const struct table *t, u32 k)
{
    u32 up = k, down = k;
    if (t->at[k].anchor)
        return true;
    while (!t->at[down].high.addr && down && !t->at[down - 1].anchor)
        down--;
    if (t->at[down].high.addr ? t->at[down].high.kind != LIBRARY : !down)
        return false;
    while (up + 1 < t->nplaces && !t->at[up + 1].low.addr && !t->at[up + 1].anchor)
        up++;
    return t->at[up + 1].low.addr ? t->at[up + 1].low.kind == LIBRARY : up + 1 < t->nplaces;
}

static void resolved(void *cx, u64 addr)
{
    struct table *t = cx;
    if (t->nresolved == MAX_RESOLVED)
        return;
    t->resolved[t->nresolved].addr = addr;
    t->resolved[t->nresolved++].known = t->r->known;
}

static void find_routines(struct table *t)
{
    const Elf64_Sym *at[GUEST_NKNOWN] = {0};
    bool twice[GUEST_NKNOWN] = {0};
    for (u64 i = 0; i < t->n; i++) {
        const Elf64_Sym *s = &t->syms[i];
        const char *name = function(t, i);
        if (!name || s->st_value <= t->start || kind_of(name) != STRING)
            continue;
        u32 known = 1;
        while (known < GUEST_NKNOWN && strcmp(name, guest_known_names[known]))
            known++;
        if (known == GUEST_NKNOWN || !is_library(t, place_of(t, s->st_value)))
            continue;
        twice[known] |= at[known] && at[known]->st_value != s->st_value;
        at[known] = s;
    }
    for (u32 known = 1; known < GUEST_NKNOWN; known++) {
        t->r->known = known;
        if (!at[known] || twice[known])
            continue;
        if (ELF64_ST_TYPE(at[known]->st_info) == STT_GNU_IFUNC)
            known_resolved(t->r, at[known], resolved, t);
        else
            known_add(t->r, at[known]->st_value);
    }
}

/* Adds those of the addresses that IFUNCs compute which are implementations by their names. */
static void find_implementations(struct table *t)
{
    for (u64 i = 0; t->nresolved && i < t->n; i++) {
        const char *name = function(t, i);
        for (u32 k = 0; name && begins(name, "__") && k < t->nresolved; k++) {
            const char *of = guest_known_names[t->resolved[k].known];
            const u64 len = strlen(of);
            if (t->resolved[k].addr != t->syms[i].st_value || strncmp(name + 2, of, len) || name[2 + len] != '_')
                continue;
            t->r->known = t->resolved[k].known;
            known_add(t->r, t->resolved[k].addr);
            t->resolved[k--] = t->resolved[--t->nresolved];
        }
    }
}

void known_find_static(struct known_reader *r)
{
    struct table *t = heap_calloc(1, sizeof *t);
    if (!t)
        return;
    t->r = r;
    if (read_table(t) && has_library(t) && find_places(t)) {
        find_neighbours(t);
        find_routines(t);
        find_implementations(t);
    }
    heap_free(t->names);
    heap_free(t->syms);
    heap_free(t);
}
