/* Which mappings are asked to be of large pages: none natively, those that are surely used as a whole under Dragoman.
 */
#include "util.h"

#define MIB ((size_t)1 << 20)

#ifdef __x86_64__
static const bool native = true;
#else
static const bool native = false;
#endif

/* Do the flags of the mapping at p, as /proc tells them, name `flag`? -1 where nothing tells. */
static int has_flag(const void *p, const char *flag)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[1000];
    bool here = false;
    int has = -1;
    while (f && has < 0 && fgets(line, sizeof line, f)) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            here = start <= (unsigned long)p && (unsigned long)p < end;
        else if (here && !strncmp(line, "VmFlags:", 8))
            has = strstr(line, flag) != NULL;
    }
    if (f)
        fclose(f);
    return has;
}

/* Is such a mapping asked to be of large pages where it should, and nowhere else? */
static void check(const char *what, bool large, size_t len, int prot, int flags)
{
    char *p = mmap(NULL, len, prot, flags | MAP_ANONYMOUS, -1, 0);
    int has = p == MAP_FAILED ? -2 : has_flag(p, " hg");
    bool could = access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK) == 0 && has != -1;
    printf("%s: %s\n", what, !could || has == (large && !native) ? "as it should be" : "WRONG");
    munmap(p, len);
}

int main(void)
{
    const int rw = PROT_READ | PROT_WRITE;
    check("4 MiB", true, 4 * MIB, rw, MAP_PRIVATE);
    check("100 MiB", true, 100 * MIB, rw, MAP_PRIVATE);
    check("1 MiB", false, MIB, rw, MAP_PRIVATE);
    check("256 MiB", false, 256 * MIB, rw, MAP_PRIVATE);
    check("a stack", false, 8 * MIB, rw, MAP_PRIVATE | MAP_STACK);
    check("not reserved", false, 8 * MIB, rw, MAP_PRIVATE | MAP_NORESERVE);
    check("set aside", false, 8 * MIB, PROT_NONE, MAP_PRIVATE);
    check("shared", false, 8 * MIB, rw, MAP_SHARED);

    char *p = mmap(NULL, 8 * MIB, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    result("not wanted", madvise(p, 8 * MIB, MADV_NOHUGEPAGE));
    printf("then: %s\n", has_flag(p, " hg") == 1 ? "WRONG" : "as it should be");
    memset(p, 1, 8 * MIB);
    result("a part of it unmapped", munmap(p + 3 * MIB + PAGE, MIB));
    printf("the rest: %d %d\n", p[3 * MIB + PAGE - 1], p[4 * MIB + PAGE]);
    return 0;
}
