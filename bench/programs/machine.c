/* indirect: a machine of states over text: a switch in a loop that reads numbers, words, strings and comments. */
#include "bench.h"

int main(int argc, char **argv)
{
    static char text[1 << 16];
    uint64_t rounds = bench_work(argc, argv, 900), seed = 131, sum = 0;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "abcxyz 0123456789.e+\"\\#\n ()=,"[bench_random(&seed) % 29];
    for (uint64_t r = 0; r < rounds; r++) {
        enum { SPACE, WORD, NUMBER, FRACTION, EXPONENT, STRING, ESCAPE, COMMENT, SIGN } s = SPACE;
        uint32_t count[9] = {0};
        for (size_t i = 0; i < sizeof text; i++) {
            char c = text[i];
            count[s]++;
            switch (s) {
            case SPACE:
            again:
                s = c >= 'a' && c <= 'z'   ? WORD
                    : c >= '0' && c <= '9' ? NUMBER
                    : c == '"'             ? STRING
                    : c == '#'             ? COMMENT
                    : c == '+' || c == '=' ? SIGN
                                           : SPACE;
                break;
            case WORD:
                if (c < 'a' || c > 'z')
                    goto again;
                break;
            case NUMBER:
                if (c == '.')
                    s = FRACTION;
                else if (c == 'e')
                    s = EXPONENT;
                else if (c < '0' || c > '9')
                    goto again;
                break;
            case FRACTION:
                if (c == 'e')
                    s = EXPONENT;
                else if (c < '0' || c > '9')
                    goto again;
                break;
            case EXPONENT:
                if (c != '+' && (c < '0' || c > '9'))
                    goto again;
                break;
            case STRING:
                s = c == '\\' ? ESCAPE : c == '"' ? SPACE : STRING;
                break;
            case ESCAPE:
                s = STRING;
                break;
            case COMMENT:
                if (c == '\n')
                    s = SPACE;
                break;
            case SIGN:
                goto again;
            }
        }
        for (int k = 0; k < 9; k++)
            sum = sum * 31 + count[k];
        text[r * 7919 % sizeof text] ^= 1;
    }
    bench_done(sum);
}
