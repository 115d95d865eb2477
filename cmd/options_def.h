/* Every option of `dragoman run`, once.
 *
 *     OPT(id, long name, short name or 0, argument name or NULL, environment twin or NULL, help)
 *
 * The parser, the help text and the look-up of environment twins come from this table. Long options are accepted with
 * one dash as well as two, as qemu-user's users write them. */
OPT(ROOT, "root", 0, "DIR", "DRAGOMAN_ROOT", "run inside DIR as a chroot would: its libraries, files, links")
OPT(PREFIX, "prefix", 'L', "DIR", "DRAGOMAN_PREFIX", "look for absolute paths below DIR first, then on the host")
OPT(SETENV, "env", 'E', "NAME=VALUE", NULL, "set a variable in the guest's environment")
OPT(UNSETENV, "unset", 'U', "NAME", NULL, "remove a variable from the guest's environment")
OPT(ARGV0, "argv0", '0', "NAME", "DRAGOMAN_ARGV0", "give the guest NAME as its argv[0]")
OPT(CHDIR, "chdir", 'C', "DIR", "DRAGOMAN_CHDIR", "start in DIR (a guest path with --root)")
OPT(UNAME, "uname", 'r', "RELEASE", "DRAGOMAN_UNAME", "report RELEASE as the kernel's release")
OPT(CPU, "cpu", 0, "CPU", "DRAGOMAN_CPU",
    "the guest's CPU: rv64, or rv64,c=false without compressed instructions; v8.2, or "
    "v8.2,lse2=true (aarch64)")
OPT(TIER, "tier", 0, "NAME", "DRAGOMAN_TIER", "how hard to translate: interp, baseline, optimised")
OPT(HOT, "hot", 0, "N", "DRAGOMAN_HOT",
    "for tests, with tier optimised: at how many polls a place is found before it is optimised")
OPT(PASSES, "passes", 0, "LIST", "DRAGOMAN_PASSES",
    "techniques of the translator to leave out, as -late,-fuse; none: all of them")
OPT(COSIM, "cosim", 0, NULL, "DRAGOMAN_COSIM",
    "check each translation against the interpreter whenever it runs; stop at the first difference")
OPT(CACHEDIR, "cache", 0, "DIR", "DRAGOMAN_CACHE", "keep translations in DIR for the next time; off: not at all")
OPT(CACHELIM, "cache-limit", 0, "SIZE", "DRAGOMAN_CACHE_LIMIT", "bound of that directory, as 512M")
OPT(NOCACHE, "no-cache", 0, NULL, NULL, "as --cache off")
OPT(NOKNOWN, "no-known", 0, NULL, "DRAGOMAN_NO_KNOWN",
    "run the C library's memcpy, strlen and the like as the guest has them, not as host code")
OPT(CACHE, "cache-size", 0, "SIZE", "DRAGOMAN_CACHE_SIZE", "bound of the code cache, as 64K or 32M")
OPT(BLOCK, "max-insns", 0, "N", "DRAGOMAN_MAX_INSNS", "longest block, in guest instructions")
OPT(NOFEAT, "host-features", 0, "LIST", "DRAGOMAN_HOST_FEATURES",
    "use only these optional host features (none, all, or names; see doctor)")
OPT(STRACE, "strace", 0, NULL, "DRAGOMAN_STRACE", "print system calls and signals")
OPT(STATS, "stats", 0, NULL, "DRAGOMAN_STATS", "print the translator's figures at the end")
OPT(DUMP, "dump", 'd', "LIST", "DRAGOMAN_DUMP", "print each block: guest, ir, host (comma-separated)")
OPT(DUMPAT, "dump-range", 0, "LO-HI", "DRAGOMAN_DUMP_RANGE",
    "only blocks that begin at these guest addresses (hexadecimal)")
OPT(LOG, "log", 'D', "FILE", "DRAGOMAN_LOG", "write what is printed about the run to FILE, not to standard error")
OPT(GDB, "gdb", 'g', "PORT", "DRAGOMAN_GDB",
    "wait for gdb on loopback port PORT (0: a free one) before the first instruction")
OPT(PERF, "perf-map", 0, NULL, "DRAGOMAN_PERF_MAP", "write /tmp/perf-PID.map, so that perf names translations")
