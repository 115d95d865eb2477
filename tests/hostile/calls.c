/* Numbers that are no system calls must give ENOSYS, those that are refused their own error; nothing else may happen.
 * The numbers of the first kind come from standard input, as text. Guest only. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static long call(long n, long a)
{
#ifdef __riscv
    register long a0 __asm__("a0") = a, a1 __asm__("a1") = a, a2 __asm__("a2") = a, a3 __asm__("a3") = a,
                     a4 __asm__("a4") = a, a5 __asm__("a5") = a, a7 __asm__("a7") = n;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7) : "memory");
#else
    register long a0 __asm__("x0") = a, a1 __asm__("x1") = a, a2 __asm__("x2") = a, a3 __asm__("x3") = a,
                     a4 __asm__("x4") = a, a5 __asm__("x5") = a, x8 __asm__("x8") = n;
    __asm__ volatile("svc #0" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(x8) : "memory");
#endif
    return a0;
}

int main(void)
{
    static const long arguments[] = {0, -1, 1, 0x10000, -4096, 1l << 38, 1l << 39, 1l << 62};
    long n, bad = 0, tried = 0;
    while (scanf("%ld", &n) == 1) {
        for (unsigned i = 0; i < sizeof arguments / sizeof *arguments; i++) {
            long r = call(n, arguments[i]);
            tried++;
            if (r != -ENOSYS && bad++ < 20)
                printf("call %ld with %lx: %ld\n", n, arguments[i], r);
        }
    }
    printf("%ld tried, %ld bad\n", tried, bad);
    return bad || !tried;
}
