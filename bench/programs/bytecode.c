/* indirect: an interpreter of a small bytecode, dispatched by a switch (a jump table). */
#include "bench.h"

enum { PUSH, ADD, SUB, MUL, DUP, SWAP, OVER, DROP, JNZ, LOAD, STORE, MOD, HALT };

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 9000000);
    /* a loop: x = (x * 5 + i) % 1009; i = i - 1; until i is 0 */
    static const int code[] = {LOAD, 0, PUSH, 5, MUL, LOAD, 1,     ADD, PUSH, 1009, MOD,  STORE, 0,
                               LOAD, 1, PUSH, 1, SUB, DUP,  STORE, 1,   JNZ,  0,    LOAD, 0,     HALT};
    int64_t stack[16], var[2] = {1, (int64_t)n}, t;
    int sp = 0, pc = 0;
    for (;;) {
        switch (code[pc++]) {
        case PUSH:
            stack[sp++] = code[pc++];
            break;
        case ADD:
            sp--;
            stack[sp - 1] += stack[sp];
            break;
        case SUB:
            sp--;
            stack[sp - 1] -= stack[sp];
            break;
        case MUL:
            sp--;
            stack[sp - 1] *= stack[sp];
            break;
        case MOD:
            sp--;
            stack[sp - 1] %= stack[sp];
            break;
        case DUP:
            stack[sp] = stack[sp - 1];
            sp++;
            break;
        case OVER:
            stack[sp] = stack[sp - 2];
            sp++;
            break;
        case SWAP:
            t = stack[sp - 1];
            stack[sp - 1] = stack[sp - 2];
            stack[sp - 2] = t;
            break;
        case DROP:
            sp--;
            break;
        case LOAD:
            stack[sp++] = var[code[pc++]];
            break;
        case STORE:
            var[code[pc++]] = stack[--sp];
            break;
        case JNZ:
            pc = stack[--sp] ? code[pc] : pc + 1;
            break;
        case HALT:
            bench_done((uint64_t)stack[sp - 1]);
            return 0;
        }
    }
}
