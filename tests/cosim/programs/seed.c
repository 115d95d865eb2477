// Three functions that meet the mistakes that passes make when they are asked to (ir.h, IR_SEED), each one of them:
// fold, late, clean. Prints where they are and how long, then calls the one that is named.
#include <stdio.h>
#include <string.h>

#ifdef __riscv
__asm__(".text\n.globl fold, late, clean, functions_end\n.balign 8\n"
        "fold: li a0, 7\n li t0, 0x5eed\n xor a0, a0, t0\n ret\n"
        "late: li s11, 0x5eed\n bnez a0, 1f\n li s11, 1\n mv a0, s11\n ret\n"
        "1: mv a0, s11\n ret\n"
        "clean: li a1, 3000\n"
        "1: li t0, 0x5eed\n xor a0, a0, t0\n addi a0, a0, 7\n addi a1, a1, -1\n bnez a1, 1b\n ret\n"
        "functions_end:\n");
#define SAVED "s11"
#else
__asm__(".text\n.globl fold, late, clean, functions_end\n.balign 8\n"
        "fold: mov x0, #7\n mov x1, #0x5eed\n eor x0, x0, x1\n ret\n"
        "late: mov x27, #0x5eed\n cbnz x0, 1f\n mov x27, #1\n mov x0, x27\n ret\n"
        "1: mov x0, x27\n ret\n"
        "clean: mov x1, #3000\n"
        "1: mov x2, #0x5eed\n eor x0, x0, x2\n add x0, x0, #7\n sub x1, x1, #1\n cbnz x1, 1b\n ret\n"
        "functions_end:\n");
#define SAVED "x27"
#endif

long fold(long), late(long), clean(long);
extern char end[] __asm__("functions_end");

static long call(long (*f)(long), long x)
{
    __asm__ volatile("" ::: SAVED);
    return f(x);
}

int main(int argc, char **argv)
{
    printf("fold %lx late %lx clean %lx end %lx\n", (long)fold, (long)late, (long)clean, (long)end);
    fflush(stdout);
    long (*f)(long) = !strcmp(argv[1], "fold") ? fold : !strcmp(argv[1], "late") ? late : clean;
    printf("%lx\n", call(f, 5));
    return 0;
}
