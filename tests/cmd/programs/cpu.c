/* Says whether the CPU has compressed instructions: by AT_HWCAP, and by running one. Then executes itself once. Built
 * without any compressed instruction, so without the C library. Exit status: 0, or which check failed. */
typedef unsigned long u64;

static long call(long n, u64 a, u64 b, u64 c)
{
    register u64 a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c, a3 __asm__("a3") = 8;
    register long a7 __asm__("a7") = n;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a7) : "memory");
    return (long)a0;
}

enum { WRITE = 64, EXIT = 93, SIGACTION = 134, EXECVE = 221, AT_HWCAP = 16, ILL = 4, BUS = 7 };

static volatile u64 signals[65], at[65], go_on;

/* siginfo: si_addr is its third word; ucontext: the registers, pc first, lie behind flags, link, stack and mask. */
static void handler(int sig, u64 *info, u64 *context)
{
    signals[sig]++;
    at[sig] = context[22];
    if (info[2] != context[22])
        call(EXIT, 10, 0, 0);
    context[22] = go_on;
}

__attribute__((used)) static void finish(u64 *sp)
{
    u64 argc = sp[0], *p = sp + 1 + argc + 1, hwcap = 0;
    char **argv = (char **)(sp + 1);
    while (*p)
        p++;
    for (p++; *p; p += 2)
        if (*p == AT_HWCAP)
            hwcap = p[1];
    const int has = hwcap >> 2 & 1;

    u64 action[3] = {(u64)handler, 4 /* SA_SIGINFO */, 0};
    call(SIGACTION, ILL, (u64)action, 0);
    call(SIGACTION, BUS, (u64)action, 0);

    u64 first, second, link = 1, taken = 0;

    /* One compressed instruction. */
    __asm__ volatile("lla %0, 1f\n lla %1, 2f\n sd %1, %2\n .balign 4\n1: .half 0x0001, 0x0001\n2:"
                     : "=&r"(first), "=&r"(second), "=m"(go_on));
    if (signals[ILL] != (has ? 0 : 1) || (!has && at[ILL] != first))
        call(EXIT, 1, 0, 0);

    /* A jump into the middle of an instruction, by register; it must not write its register. Two c.nops are there. */
    __asm__ volatile("lla %0, 1f\n lla %1, 3f\n sd %1, %2\n lla t1, 2f+2\n li t0, 1\n .balign 4\n1: jalr t0, (t1)\n"
                     "2: .half 0x0001, 0x0001\n3: mv %3, t0"
                     : "=&r"(first), "=&r"(second), "=m"(go_on), "=r"(link)::"t0", "t1");
    if (signals[BUS] != (has ? 0 : 1) || (!has && (at[BUS] != first || link != 1)))
        call(EXIT, 2, 0, 0);

    /* A branch there: not taken, then taken. */
    __asm__ volatile(
        "lla %0, 1f\n lla %1, 3f\n sd %1, %2\n li t0, 1\n li t1, 2\n .balign 4\n .word 0x00628363\n li t0, 2\n"
        "1: .word 0x00628363\n .half 0x0001, 0x0001\n3: mv %3, t1"
        : "=&r"(first), "=&r"(second), "=m"(go_on), "=r"(taken)::"t0", "t1");
    if (signals[BUS] != (has ? 0 : 2) || (!has && (at[BUS] != first || taken != 2)))
        call(EXIT, 3, 0, 0);

    /* jal x5, 6 */
    __asm__ volatile("lla %0, 1f\n lla %1, 3f\n sd %1, %2\n li t0, 1\n .balign 4\n1: .word 0x006002ef\n"
                     " .half 0x0001, 0x0001\n3: mv %3, t0"
                     : "=&r"(first), "=&r"(second), "=m"(go_on), "=r"(link)::"t0");
    if (signals[BUS] != (has ? 0 : 3) || (!has && (at[BUS] != first || link != 1)))
        call(EXIT, 4, 0, 0);

    if (has)
        call(WRITE, 1, (u64) "compressed\n", 11);
    else
        call(WRITE, 1, (u64) "not compressed\n", 15);
    if (argc == 1) {
        char *again[] = {argv[0], "again", 0};
        call(EXECVE, (u64)argv[0], (u64)again, 0);
        call(EXIT, 5, 0, 0);
    }
    call(EXIT, 0, 0, 0);
}

__asm__(".globl _start\n_start: .option push\n .option norelax\n lla gp, __global_pointer$\n .option pop\n"
        "mv a0, sp\n andi sp, sp, -16\n call finish");
