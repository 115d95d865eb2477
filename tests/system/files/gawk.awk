# Fields, associative arrays, regular expressions, printf, functions, getline, coprocess, big numbers.
function fact(n) { return n < 2 ? 1 : n * fact(n - 1) }
function shuffle(a, n,    i, j, t) { srand(42); for (i = n; i > 1; i--) { j = (i * 7919) % i + 1; t = a[i]; a[i] = a[j]; a[j] = t } }
BEGIN {
    for (i = 1; i <= 200000; i++) { h[i % 1009] += i; s = (s * 31 + i) % 1000003 }
    n = asorti(h, idx, "@ind_num_asc"); print n, h[7], s
    print fact(20), 2 ^ 53 + 1, -7 % 3, int(-3.7), 1e300 * 1e10, log(-1) ~ /nan/, substr("hello", 2, 3), index("hello", "ll"), toupper("abc")
    printf "%5.2f|%-6s|%06d|%x|%c|%e|%i\n", 3.14159, "ab", 42, 255, 65, 12345.678, 3.9
    str = "2024-05-17T12:34:56"; if (match(str, /([0-9]+)-([0-9]+)-([0-9]+)/, m)) print m[1], m[2], m[3], RSTART, RLENGTH
    print gensub(/(a)(b)/, "<\\2\\1>", "g", "ab ab cab"); x = "aaa"; print gsub(/a/, "b&", x), x; n = split("a:b::c", p, ":"); print n, p[4], length(p[3])
    n = patsplit("x12y345", q, /[0-9]+/); print n, q[2]; print strftime("%F %T", 1700000000, 1), mktime("2024 01 01 00 00 00")
    while (("seq 1 5" | getline line) > 0) t += line; close("seq 1 5"); print t; cmd = "sort -n"; for (i = 5; i > 0; i--) print i |& cmd; close(cmd, "to"); while ((cmd |& getline l) > 0) printf "%s ", l; print ""; close(cmd)
    for (i = 1; i <= 10; i++) arr[i] = i; shuffle(arr, 10); for (i = 1; i <= 10; i++) printf "%d ", arr[i]; print ""; print and(12, 10), or(12, 10), xor(12, 10), lshift(1, 40), compl(0), strtonum("0x1F")
    d[1][2] = "deep"; print d[1][2], isarray(d[1]), length(d), typeof(d[1][2]), typeof(1), typeof(u); print length("äöü"), tolower("ÄÖ"), "a" < "b", "10" < "9", 10 < 9; print substr("x", 0), 0.1 + 0.2, 100000000000000000000, 1e6, 1234567.5
}
{ words += NF; for (i = 1; i <= NF; i++) c[tolower($i)]++ }
END { PROCINFO["sorted_in"] = "@val_num_desc"; for (w in c) { if (k++ == 3) break; if (c[w] > 50) print w, c[w] } print NR, words; exit 6 }
