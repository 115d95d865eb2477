/* The decode table and what is made from it: every instruction goes through encoder, decoder and disassembler; what is
 * reserved is no instruction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/guest/gen.h"
#include "translator/guest/aarch64/a64_int.h"
#include "translator/guest/aarch64/cpu.h"

/* Words of each instruction decode to it, and encode to what decodes the same. */
static void round_trip(void **state)
{
    struct rng r = {1};
    for (u32 op = 1; op < A64_NOPS; op++) {
        const struct a64_op_bits *b = &a64_op_bits[op];
        u32 hits = 0;
        for (u32 n = 0; n < 4000 && hits < 500; n++) {
            struct a64_insn i, back;
            u32 again, w = (rng_u32(&r) & ~b->mask) | b->value;
            if (!a64_decode32(w, &i) || i.op != op)
                continue; /* a condition, or a special case */
            hits++;
            assert_int_equal(i.len, 4);
            if (!a64_encode(&i, &again) || !a64_decode32(again, &back))
                fail_msg("%s: %08x is not encoded again", b->name, w);
            assert_memory_equal(&i, &back, sizeof i);
        }
        if (!hits)
            fail_msg("%s: never decoded", b->name);
    }
}

static void reserved(void **state)
{
    static const u32 words[] = {
        0x00000000, 0x0000ffff,             /* udf */
        0xffffffff, 0x12400000,             /* and w0, w0, with 64-bit elements */
        0x1200fc00,                         /* and w0, w0, all ones */
        0x9240fc00,                         /* and x0, x0, all ones */
        0x52c00000,                         /* movz w0, lsl #32 */
        0x32800000,                         /* movn of no opc */
        0x13408000, 0x13008000, 0x13200000, /* sbfm w with N, imms 32, immr 32 */
        0x93000000,                         /* sbfm x without N */
        0x13808000,                         /* extr w, #32 */
        0x0b008000,                         /* add w0, w0, w0, lsl #32 */
        0x0bc00000,                         /* add with ror */
        0x0b201400,                         /* add w0, w0, w0, uxtb #5 */
        0x1ac03000,                         /* a data processing opcode that is not there */
        0x3a400010,                         /* ccmn with bit 4 */
        0x1a800800,                         /* csel with op2 2 */
        0xb8200800,                         /* ldr with option 0 */
        0x08a00000,                         /* casb with Rt2 0 */
        0x48207c21,                         /* casp x1 of an odd register */
        0x0c000c00,                         /* st4 .1d */
        0x0c001000,                         /* no such count of registers */
        0x0d40ac00,                         /* a lane of no size */
        0xd61f0001,                         /* br with op4 1 */
        0xd65f0fff,                         /* retab */
        0x54000010,                         /* bc.eq */
        0xd4000002,                         /* hvc */
        0xd4200001,                         /* brk of no such opcode */
    };
    for (u32 n = 0; n < ARRAY_LEN(words); n++) {
        struct a64_insn i;
        if (a64_decode32(words[n], &i))
            fail_msg("%08x was decoded as %s", words[n], a64_op_bits[i.op].name);
        assert_int_equal(i.op, A64_ILLEGAL);
    }
}

/* What cannot be encoded is refused, not mangled. */
static void encoder_refuses(void **state)
{
    static const struct a64_insn bad[] = {
        {.op = A64_ADD_IMM, .sf = 1, .len = 4, .imm = 4096},
        {.op = A64_ADD_IMM, .sf = 1, .rd = 32},
        {.op = A64_B, .imm = 2},
        {.op = A64_B, .imm = 1 << 27},
        {.op = A64_AND_IMM, .sf = 1, .imm = 0x3fff},
        {.op = A64_CASP_X, .sf = 1, .size = 3, .rd = 1},
        {.op = A64_ILLEGAL},
    };
    for (u32 n = 0; n < ARRAY_LEN(bad); n++) {
        u32 w;
        if (a64_encode(&bad[n], &w))
            fail_msg("entry %u was encoded as %08x", n, w);
    }
}

/* All bitmask immediates, by counting: for each element size, each length of a run, each rotation. */
static void bitmasks(void **state)
{
    u32 found = 0;
    for (u32 bits = 0; bits < 1 << 13; bits++) {
        u64 x;
        if (!a64_bitmask(bits, &x))
            continue;
        found++;
        assert_true(x != 0 && x != ~0ull);
        /* a run of ones, in a rotation of an element that repeats */
        u32 edges = 0, size = 64;
        while (size > 2 && (x ^ (x >> size / 2 | x << (64 - size / 2))) == 0)
            size /= 2;
        for (u32 n = 0; n < 64; n++)
            edges += (x >> n & 1) != (x >> ((n + 1) & 63) & 1);
        assert_int_equal(edges, 2 * (64 / size));
    }
    u32 want = 0;
    for (u32 size = 2; size <= 64; size *= 2)
        want += (size - 1) * size * (64 / size); /* rotations beyond the element's size name the same */
    assert_in_range(found, 5334, want);
}

static void text(void **state)
{
    static const struct {
        u32 w;
        const char *plain, *alias;
    } t[] = {
        {0xd503201f /* nop */, "hint\t#0x0", "nop"},
        {0xd65f03c0 /* ret */, "ret\tx30", "ret"},
        {0xaa0103e0 /* mov x0, x1 */, "orr\tx0, xzr, x1", "mov\tx0, x1"},
        {0x9100003f /* mov sp, x1 */, "add\tsp, x1, #0x0", "mov\tsp, x1"},
        {0x12800020 /* mov w0, #-2 */, "movn\tw0, #0x1", "mov\tw0, #0xfffffffe"},
        {0xd37df020 /* lsl x0, x1, #3 */, "ubfm\tx0, x1, #61, #60", "lsl\tx0, x1, #3"},
        {0xeb21c81f /* cmp x0, w1, sxtw #2 */, "subs\txzr, x0, w1, sxtw #2", "cmp\tx0, w1, sxtw #2"},
        {0x1a9f07e0 /* cset w0, ne */, "csinc\tw0, wzr, wzr, eq", "cset\tw0, ne"},
        {0x54ffff81 /* b.ne .-16 */, "b.ne\t0xff0", "b.ne\t0xff0"},
        {0xf9400420 /* ldr x0, [x1, #8] */, "ldr\tx0, [x1, #8]", "ldr\tx0, [x1, #8]"},
        {0xf8625820 /* ldr x0, [x1, w2, uxtw #3] */, "ldr\tx0, [x1, w2, uxtw #3]", "ldr\tx0, [x1, w2, uxtw #3]"},
        {0xa9bf7bfd /* stp x29, x30, [sp, #-16]! */, "stp\tx29, x30, [sp, #-16]!", "stp\tx29, x30, [sp, #-16]!"},
        {0x38e00041 /* ldaddalb w0, w1, [x2] */, "ldaddalb\tw0, w1, [x2]", "ldaddalb\tw0, w1, [x2]"},
        {0x7860005f /* staddlh w0, [x2] */, "ldaddlh\tw0, wzr, [x2]", "staddlh\tw0, [x2]"},
        {0x4cdf041e /* ld4 {v30.8h, v31.8h, v0.8h, v1.8h}, [x0], #64 */,
         "ld4\t{v30.8h, v31.8h, v0.8h, v1.8h}, [x0], #64", "ld4\t{v30.8h, v31.8h, v0.8h, v1.8h}, [x0], #64"},
        {0x4d84a001 /* st3 {v1.s-v3.s}[2], [x0], x4 */, "st3\t{v1.s-v3.s}[2], [x0], x4",
         "st3\t{v1.s-v3.s}[2], [x0], x4"},
        {0xd50b7423 /* dc zva, x3 */, "dc\tzva, x3", "dc\tzva, x3"},
        {0xd53bd040 /* mrs x0, tpidr_el0 */, "mrs\tx0, tpidr_el0", "mrs\tx0, tpidr_el0"},
        {0xd4000001 /* svc #0 */, "svc\t#0x0", "svc\t#0x0"},
    };
    char buf[80];
    for (u32 n = 0; n < ARRAY_LEN(t); n++) {
        struct a64_insn i;
        const u32 w = t[n].w;
        const u8 bytes[4] = {(u8)w, (u8)(w >> 8), (u8)(w >> 16), (u8)(w >> 24)};
        assert_true(a64_decode32(w, &i));
        a64_print(&i, 0x1000, false, buf, sizeof buf);
        assert_string_equal(buf, t[n].plain);
        assert_int_equal(guest_aarch64.disasm(bytes, 4, 0x1000, buf, sizeof buf), 4);
        assert_string_equal(buf, t[n].alias);
        a64_print(&i, 0x1000, false, buf, 3); /* cut */
        assert_int_equal(strlen(buf), 2);
    }
    const u8 none[4] = {1, 0, 0, 0};
    assert_int_equal(guest_aarch64.disasm(none, 4, 0, buf, sizeof buf), 4);
    assert_string_equal(buf, ".inst\t0x00000001");
    assert_int_equal(guest_aarch64.disasm(none, 3, 0, buf, sizeof buf), 0);
}

static bool is_word_of(const char *list, const char *word)
{
    const size_t n = strlen(word);
    for (const char *p = strstr(list, word); p; p = strstr(p + 1, word))
        if ((p == list || p[-1] == ' ') && (!p[n] || p[n] == ' '))
            return true;
    return false;
}

/* What the table has and what programs are told (cpu.h) are the same. */
static void extensions(void **state)
{
    static const struct {
        const char *ext, *features;
    } t[] = {
        {"BASE", ""},
        {"LOADS", ""},
        {"STRUCTURES", "asimd"},
        {"CRC32", "crc32"},
        {"FLAGM", "flagm"},
        {"RCPC", "lrcpc"},
        {"LSE", "atomics"},
        {"ASIMD", "asimd"},
        {"FP", "fp"},
        {"FP16", "fphp asimdhp"},
        {"RDM", "asimdrdm"},
        {"DotProd", "asimddp"},
        {"FCMA", "fcma"},
        {"PMULL", "pmull"},
        {"FRINTTS", "frint"},
        {"AES", "aes"},
        {"SHA1", "sha1"},
        {"SHA256", "sha2"},
        {"SHA512", "sha512"},
        {"SHA3", "sha3"},
        {"SM3", "sm3"},
        {"SM4", "sm4"},
        {"JSCVT", "jscvt"},
    };
    /* What is no instruction of its own: a counter's events, ID registers, dc cvap among system instructions, accesses
     * that are not aligned. */
    static const char others[] = "evtstrm cpuid dcpop uscat";
#define FEATURE(name, bit, reg, shift, value) #name " "
    static const char told[] = A64_FEATURES(FEATURE);
#undef FEATURE
    for (u32 n = 0; n < A64_NEXTS; n++) {
        u32 k = 0;
        while (k < ARRAY_LEN(t) && strcmp(t[k].ext, a64_ext_names[n]))
            k++;
        if (k == ARRAY_LEN(t))
            fail_msg("nobody knows how programs are told of extension %s", a64_ext_names[n]);
    }
    char words[sizeof told], *save;
    for (u32 k = 0; k < ARRAY_LEN(t); k++) {
        u32 n = 0;
        while (n < A64_NEXTS && strcmp(t[k].ext, a64_ext_names[n]))
            n++;
        if (n == A64_NEXTS)
            fail_msg("the table has no extension %s", t[k].ext);
        strcpy(words, t[k].features);
        for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
            if (!is_word_of(told, w))
                fail_msg("programs are not told of %s, which the table has", w);
    }
    strcpy(words, told);
    for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        bool known = is_word_of(others, w);
        for (u32 k = 0; k < ARRAY_LEN(t); k++)
            known |= is_word_of(t[k].features, w);
        if (!known)
            fail_msg("programs are told of %s, which nothing in the table is", w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip), cmocka_unit_test(encoder_refuses),
        cmocka_unit_test(reserved),   cmocka_unit_test(bitmasks),
        cmocka_unit_test(text),       cmocka_unit_test(extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
