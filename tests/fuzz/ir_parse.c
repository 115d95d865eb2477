/* Fuzzer of the IR's text form. Any text is parsed or refused. What parses prints and parses again to the same; what is
 * verified goes through the builder, and what that makes is verified too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "tests/fuzz/fuzz.h"
#include "tests/ir/test_slots.h"
#include "tests/ir/test_units.h"
#include "translator/ir/ir.h"

static struct arena arena;
static char first[1 << 20], second[1 << 20];

static void new_unit(struct ir_unit *u)
{
    *u = (struct ir_unit){.arena = &arena, .slots = &test_slots, .helpers = test_helpers, .nhelpers = TEST_NHELPERS};
}

static void must(bool ok, const char *what, const char *err)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n%s\n%s\n", what, err, first, second);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ir_unit u, again, made;
    char err[200] = "";
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    arena_reset(&arena);
    new_unit(&u);
    const int e = ir_parse(&u, text, err, sizeof err);
    free(text);
    if (e) {
        must(!strncmp(err, "line ", 5), "an error without a line", err);
        return 0;
    }
    if (ir_print(&u, first, sizeof first) >= sizeof first)
        return 0;
    new_unit(&again);
    must(!ir_parse(&again, first, err, sizeof err), "what was printed does not parse", err);
    ir_print(&again, second, sizeof second);
    must(!strcmp(first, second), "what was printed prints differently", "");
    if (ir_verify(&u, err, sizeof err))
        return 0;
    new_unit(&made);
    if (test_rebuild(&u, &made))
        return 0;
    const int bad = ir_verify(&made, err, sizeof err);
    ir_print(&made, second, sizeof second);
    must(!bad, "what the builder makes is not right", err);
    return 0;
}
