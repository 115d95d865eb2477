/* Calls each of the C library's routines that can be run as host code (translator/guest/known.def) once; with an
 * argument also those of sets, of more bytes than host code takes: these are left to the library's own. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    char a[64] = "some text", b[64], c[64];
    int ok = memcpy(b, a, 20) == b && memmove(b + 1, b, 20) == b + 1 && mempcpy(c, a, 10) == c + 10;
    ok &= memset(b + 30, 'x', 9) == b + 30 && b[38] == 'x' && memcmp(a, c, 10) == 0 && bcmp(a, b, 10) != 0;
    ok &= memchr(a, 't', 10) == a + 5 && memrchr(a, 't', 10) == a + 8 && rawmemchr(a, 'x') == a + 7;
    ok &= strlen(a) == 9 && strnlen(a, 4) == 4 && strchr(a, 't') == a + 5 && strchrnul(a, 'z') == a + 9;
    ok &= strrchr(a, 't') == a + 8 && strcmp(a, b) != 0 && strncmp(a, c, 5) == 0;
    ok &= strspn(a, "emos") == 4 && strcspn(a, "tx") == 5 && strpbrk(a, "xe") == a + 3;
    ok &= strcpy(b, a) == b && stpcpy(b, a) == b + 9;
    if (argc > 1 && *argv[1]) {
        char set[400], text[200];
        memset(text, 'x', 150), strcpy(text + 150, "some");
        memset(set, '-', 300), strcpy(set + 300, "x");
        ok &= strspn(text, set) == 150;
        memcpy(set + 300, "s", 2);
        ok &= strcspn(text, set) == 150 && strpbrk(text, set) == text + 150;
    }
    puts(ok ? "well" : "wrong");
    return !ok;
}
