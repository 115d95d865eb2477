/* indirect: an interpreter that jumps from one instruction's code straight to the next one's (computed goto). */
#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 50000000), seed = 59, x = 1;
    static uint8_t program[4096];
    static const void *const label[] = {&&add, &&xor, &&rot, &&sub, &&mul, &&not, &&inc, &&swap};
    for (int i = 0; i < 4096; i++)
        program[i] = (uint8_t)(bench_random(&seed) % 8);
    uint32_t pc = 0;
#define NEXT                                                                                                           \
    if (--n == 0)                                                                                                      \
        goto end;                                                                                                      \
    pc = (pc + 1) & 4095;                                                                                              \
    goto *label[program[pc]]
    goto *label[program[0]];
add:
    x += pc;
    NEXT;
    xor : x ^= x >> 7;
    NEXT;
rot:
    x = x << 9 | x >> 55;
    NEXT;
sub:
    x -= 0x1234567;
    NEXT;
mul:
    x *= 0x2545f4914f6cdd1dull;
    NEXT;
    not : x = ~x;
    NEXT;
inc:
    x++;
    NEXT;
swap:
    x = __builtin_bswap64(x);
    NEXT;
end:
    bench_done(x);
}
