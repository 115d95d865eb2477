/* vector: two escape times at once in doubles: compares as masks, selection. */
#include "vector.h"

int main(int argc, char **argv)
{
    int size = (int)bench_work(argc, argv, 4500);
    v2u64 all = {0, 0};
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < 900; x += 2) {
            v2f64 cr = {2.6 * x / 900 - 2.0, 2.6 * (x + 1) / 900 - 2.0}, r = {0, 0}, i = {0, 0};
            double c = 2.4 * y / size - 1.2;
            v2u64 n = {0, 0};
            for (int k = 0; k < 100; k++) {
                v2f64 r2 = r * r, i2 = i * i;
                v2u64 in = (v2u64)(r2 + i2 < 4.0);
                if (!(in[0] | in[1]))
                    break;
                n -= in;
                i = 2 * r * i + c;
                r = r2 - i2 + cr;
            }
            all = all * 3 + n;
        }
    }
    bench_done(v_fold(all));
}
