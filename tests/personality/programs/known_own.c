/* Functions that have a library routine's name, or its place, and do something else. */
#include "util.h"

/* The program's own, which the C library's callers do not get, but those of other files do. */
void *rawmemchr(const void *p, int c)
{
    return (char *)p + 1000;
}

char *strchrnul(const char *s, int c)
{
    return (char *)s + c;
}

static void *(*volatile raw)(const void *, int) = rawmemchr;
static char *(*volatile nul)(const char *, int) = strchrnul;
static void *(*volatile last)(const void *, int, size_t) = memrchr;
static size_t (*volatile length)(const char *) = strlen;

static void patched(void)
{
    static const char text[] = "abcabc";
    unsigned char old[16];
    unsigned char *code = (unsigned char *)last, *page = (unsigned char *)((uintptr_t)code & -PAGE);
    value("memrchr", (char *)last(text, 'b', 6) - text);
    result("mprotect", mprotect(page, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
    value("the same", (char *)last(text, 'b', 6) - text);
    memcpy(old, code, sizeof old);
    flush_code(code, code_return(code, 77));
    value("patched", (long)last(text, 'b', 6));
    memcpy(code, old, sizeof old);
    flush_code(code, sizeof old);
    value("as it was", (char *)last(text, 'b', 6) - text);
    result("mprotect", mprotect(page, 2 * PAGE, PROT_READ | PROT_EXEC));
    value("still", (char *)last(text, 'b', 6) - text);
}

int main(void)
{
    char buf[2000] = "text";
    value("rawmemchr", (char *)raw(buf, 't') - buf);
    value("strchrnul", nul(buf, 5) - buf);
    value("strlen", (long)length(buf));
    patched();
    return 0;
}
