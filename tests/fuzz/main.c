/* Drives a fuzzer without libFuzzer: fuzz_NAME SECONDS CORPUS, as tools/fuzz.py starts it.
 *
 * Tries each file of CORPUS as it is (a file, or a directory of them), and then, until the time is over, what small
 * changes make of them: bytes flipped, removed, inserted, copied from elsewhere. A file of several parts,
 * which begin at lines "; test:", is one input a part. The inputs are tried in a child process. When it dies (by a
 * signal, an assertion, a sanitizer, half a minute without an end), the input is kept in the working directory as
 * `broken`. */
#define _GNU_SOURCE
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX 65536

struct input {
    uint8_t *data;
    size_t size;
};

static struct input *inputs;
static size_t ninputs;
/* What is being tried, seen by both processes. */
static struct {
    size_t size;
    uint8_t data[INPUT_MAX];
} * current;

static uint64_t rng = 0x9e3779b97f4a7c15;

static uint32_t below(uint32_t n)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return n ? (uint32_t)(rng >> 33) % n : 0;
}

static void add(const char *data, size_t size)
{
    if (!size || size > INPUT_MAX)
        return;
    inputs = realloc(inputs, (ninputs + 1) * sizeof *inputs);
    inputs[ninputs].data = malloc(size);
    inputs[ninputs].size = size;
    memcpy(inputs[ninputs++].data, data, size);
}

static void add_file(const char *path)
{
    FILE *f = fopen(path, "r");
    char *data = NULL;
    size_t size = 0, cap = 0, n;
    if (!f) {
        perror(path);
        exit(2);
    }
    do {
        if (cap - size < 4096)
            data = realloc(data, cap = cap * 2 + 8192);
        n = fread(data + size, 1, cap - size - 1, f);
        size += n;
    } while (n);
    fclose(f);
    data[size] = 0;
    for (char *p = data; *p;) {
        char *next = strstr(p + 1, "\n; test:");
        size_t len = next ? (size_t)(next + 1 - p) : size - (size_t)(p - data);
        add(p, len);
        p += len;
    }
    free(data);
}

static void add_path(const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    if (n < 0) {
        add_file(path);
        return;
    }
    for (int i = 0; i < n; i++) {
        char *name;
        struct stat st;
        if (asprintf(&name, "%s/%s", path, names[i]->d_name) < 0)
            exit(2);
        if (!stat(name, &st) && S_ISREG(st.st_mode))
            add_file(name);
        free(name);
        free(names[i]);
    }
    free(names);
}

static size_t change(uint8_t *buf, size_t size)
{
    for (uint32_t n = 1 + below(4); n; n--) {
        size_t at = below((uint32_t)size + 1), len = 1 + below(8);
        switch (below(6)) {
        case 0: /* flip a bit */
            if (at < size)
                buf[at] ^= (uint8_t)(1u << below(8));
            break;
        case 1: /* another byte */
            if (at < size)
                buf[at] = (uint8_t)(below(4) ? 32 + below(95) : below(256));
            break;
        case 2: /* remove */
            if (len > size - at)
                len = size - at;
            memmove(buf + at, buf + at + len, size - at - len);
            size -= len;
            break;
        case 3: /* digits */
            if (at < size && buf[at] >= '0' && buf[at] <= '9')
                buf[at] = (uint8_t)('0' + below(10));
            break;
        case 4: /* cut off */
            if (!below(8))
                size = at;
            break;
        default: { /* a piece of some input */
            const struct input *from = &inputs[below((uint32_t)ninputs)];
            size_t start = below((uint32_t)from->size);
            len = 1 + below(64);
            if (len > from->size - start)
                len = from->size - start;
            if (size + len > INPUT_MAX)
                break;
            memmove(buf + at + len, buf + at, size - at);
            memcpy(buf + at, from->data + start, len);
            size += len;
            break;
        }
        }
    }
    return size;
}

static void try(const uint8_t *data, size_t size)
{
    current->size = size;
    memcpy(current->data, data, size);
    LLVMFuzzerTestOneInput(data, size);
}

static int child(int seconds)
{
    static uint8_t buf[INPUT_MAX];
    alarm(30);
    for (size_t i = 0; i < ninputs; i++)
        try(inputs[i].data, inputs[i].size);
    const time_t end = time(NULL) + seconds;
    unsigned long tries = 0;
    for (; time(NULL) < end; tries++) {
        if (tries % 256 == 0)
            alarm(30);
        const struct input *in = &inputs[below((uint32_t)ninputs)];
        memcpy(buf, in->data, in->size);
        try(buf, change(buf, in->size));
    }
    printf("%zu inputs, %lu changed ones\n", ninputs, tries);
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    int st;
    if (argc < 3) {
        fprintf(stderr, "usage: %s SECONDS CORPUS…\n", argv[0]);
        return 2;
    }
    for (int i = 2; i < argc; i++)
        add_path(argv[i]);
    if (!ninputs) {
        fprintf(stderr, "%s: no inputs\n", argv[0]);
        return 2;
    }
    current = mmap(NULL, sizeof *current, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (current == MAP_FAILED) {
        perror("mmap");
        return 2;
    }
    if (atoi(argv[1]) >= 10) /* short runs are tests, the same each time */
        rng ^= (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
    fflush(stdout);
    pid_t p = fork();
    if (!p)
        _exit(child(atoi(argv[1])));
    if (p < 0 || waitpid(p, &st, 0) != p) {
        perror("child");
        return 2;
    }
    if (WIFEXITED(st) && WEXITSTATUS(st) == 0)
        return 0;
    fprintf(stderr, "%s: an input of %zu bytes ended with %s %d: see ./broken\n", argv[0], current->size,
            WIFSIGNALED(st) ? "signal" : "status", WIFSIGNALED(st) ? WTERMSIG(st) : WEXITSTATUS(st));
    int fd = open("broken", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || write(fd, current->data, current->size) != (ssize_t)current->size)
        perror("broken");
    return 1;
}
