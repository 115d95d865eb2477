// C++: exceptions through deep stacks, through signal frames, in many threads; thread-local objects with destructors;
// statics made once; strings.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <vector>

static std::atomic<long> alive{0}, made{0};
struct counted {
    counted()
    {
        alive++;
    }
    counted(const counted &)
    {
        alive++;
    }
    ~counted()
    {
        alive--;
    }
};

[[gnu::noinline]] static long deep(int n)
{
    counted c;
    std::string s(static_cast<size_t>(n % 40), 'x');
    if (!n)
        throw std::runtime_error("bottom");
    return deep(n - 1) + static_cast<long>(s.size());
}

struct fault_error {
    int code;
};
static void on_fault(int, siginfo_t *si, void *)
{
    throw fault_error{si->si_code};
}

static volatile char *nowhere;
[[gnu::noinline]] static char touch(volatile char *p)
{
    counted c;
    return *p;
}

static thread_local std::unique_ptr<counted> local;
static counted &single()
{
    static counted c = (made++, counted());
    return c;
}

static long worker(int seed)
{
    long caught = 0;
    local = std::make_unique<counted>();
    single();
    std::map<std::string, int> m;
    for (int i = 0; i < 30; i++) {
        try {
            deep((seed * 7 + i) % 50);
        } catch (const std::exception &e) {
            caught += std::strlen(e.what()) == 6;
        }
        try {
            m[std::to_string(i * seed)] = i;
            m.at("none");
        } catch (const std::out_of_range &) {
            caught++;
        }
        try {
            touch(nowhere + i);
        } catch (const fault_error &e) {
            caught += e.code == SEGV_ACCERR;
        }
    }
    return caught;
}

static signed char table[64 << 20];

int main()
{
    struct sigaction sa = {};
    sa.sa_sigaction = on_fault;
    sa.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &sa, nullptr);
    nowhere = static_cast<char *>(mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    single();
    std::printf("alone: %ld\n", worker(1));
    local.reset();
    std::printf("alive: %ld\n", alive.load());
    std::vector<std::future<long>> f;
    for (int i = 0; i < 6; i++)
        f.push_back(std::async(std::launch::async, worker, i + 1));
    long sum = 0;
    for (auto &x : f)
        sum += x.get();
    std::printf("threads: %ld, statics %ld\n", sum, made.load());
    f.clear();
    std::printf("alive: %ld\n", alive.load());
    // Strings and memory functions over all alignments, at the border of what is mapped.
    char *p = static_cast<char *>(mmap(nullptr, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(p + 2 * 4096, 4096, PROT_NONE);
    long bad = 0;
    for (size_t len = 0; len < 200; len++) {
        char *s = p + 2 * 4096 - len - 1;
        std::memset(s, 'a', len);
        s[len] = 0;
        bad += std::strlen(s) != len || std::strchr(s, 'b') || std::memchr(s, 0, len + 1) != s + len;
        std::memcpy(table + len, s, len + 1);
        bad += std::strcmp(reinterpret_cast<char *>(table) + len, s) != 0 || std::memcmp(table + len, s, len + 1) != 0;
        std::memmove(s - 7, s, len + 1);
        bad += std::strlen(s - 7) != len;
    }
    std::printf("bad: %ld\n", bad);
    for (size_t i = 0; i < sizeof table; i += 4096)
        table[i] = static_cast<signed char>(i >> 12);
    long total = 0;
    for (size_t i = 0; i < sizeof table; i += 4096)
        total += table[i];
    std::printf("table: %ld\n", total);
    return 0;
}
