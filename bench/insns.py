#!/usr/bin/env python3
"""Measures single aarch64 vector and floating-point instructions, here and under qemu-aarch64.

    insns.py [--only PATTERN]… [--worst N] [--engines qemu,dragoman] [--options OPTIONS] [--rounds N] [--csv FILE]
             [--dragoman PATH]
    insns.py --list

One static program has a loop for each instruction of the list below: sixteen of them, with destinations v16 to v23 and sources of plain
numbers, so many times that it takes some milliseconds of CPU time. Printed are nanoseconds per instruction, the least of the rounds,
sorted by how much slower than QEMU we are. Names that end in .fz run with FPCR.FZ set. Nothing here is a test: it shows what is worth
work. Instructions without side effects that find the same operands again in a block are computed once, so the figures of the quick ones are too
low. --options are Dragoman's, as in --options "--host-features none"."""
import argparse
import fnmatch
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(HERE, '..', 'build')


def instructions():
    """name: (text with {d} for the destination's number, what the sources hold: i, s, d, h; fz)"""
    out = {}

    def add(name, text, data='i', fz=False):
        out[name] = (text, data, fz)

    int3 = 'add sub mul smax smin umax umin cmeq cmgt cmge cmhi cmhs cmtst mla mls sabd uabd saba uaba shadd uhadd srhadd urhadd ' \
           'shsub uhsub sqadd uqadd sqsub uqsub sshl ushl srshl urshl sqshl uqshl sqrshl uqrshl addp smaxp sminp umaxp uminp ' \
           'zip1 zip2 uzp1 uzp2 trn1 trn2 sqdmulh sqrdmulh sqrdmlah sqrdmlsh'.split()
    no64 = {'mul', 'smax', 'smin', 'umax', 'umin', 'mla', 'mls', 'sabd', 'uabd', 'saba', 'uaba', 'shadd', 'uhadd', 'srhadd', 'urhadd', 'shsub',
            'uhsub', 'smaxp', 'sminp', 'umaxp', 'uminp'}
    for op in int3:
        for t in ('16b', '8h', '4s', '2d'):
            if (t == '2d' and op in no64) or (op.startswith(('sqdmulh', 'sqrdm')) and t in ('16b', '2d')):
                continue
            add(f'{op}.{t}', f'{op} v{{d}}.{t}, v1.{t}, v2.{t}')
    for op in 'and orr eor bic orn bsl bit bif pmul'.split():
        add(f'{op}.16b', f'{op} v{{d}}.16b, v1.16b, v2.16b')
    int2 = {'abs': 15, 'neg': 15, 'clz': 7, 'cls': 7, 'cnt': 1, 'rbit': 1, 'not': 1, 'sqabs': 15, 'sqneg': 15, 'suqadd': 15, 'usqadd': 15, 'rev64': 7,
            'rev32': 3, 'rev16': 1}
    for op, lanes in int2.items():
        for n, t in enumerate(('16b', '8h', '4s', '2d')):
            if lanes >> n & 1:
                add(f'{op}.{t}', f'{op} v{{d}}.{t}, v1.{t}')
    for op in 'addv smaxv sminv umaxv uminv saddlv uaddlv'.split():
        for t, s in (('16b', 'b'), ('8h', 'h'), ('4s', 's')):
            r = {'b': 'h', 'h': 's', 's': 'd'}[s] if 'addlv' in op else s
            add(f'{op}.{t}', f'{op} {r}{{d}}, v1.{t}')
    for op in 'saddlp uaddlp sadalp uadalp'.split():
        for t, w in (('16b', '8h'), ('8h', '4s'), ('4s', '2d')):
            add(f'{op}.{t}', f'{op} v{{d}}.{w}, v1.{t}')
    for op in 'sshr ushr srshr urshr ssra usra srsra ursra sri shl sli sqshl uqshl sqshlu'.split():
        for t in ('16b', '8h', '4s', '2d'):
            add(f'{op}_i.{t}', f'{op} v{{d}}.{t}, v1.{t}, #3')
    wide = (('8b', '8h', '16b'), ('4h', '4s', '8h'), ('2s', '2d', '4s'))
    for op in 'xtn sqxtn uqxtn sqxtun'.split():
        for n, w, _ in wide:
            add(f'{op}.{n}', f'{op} v{{d}}.{n}, v1.{w}')
    for op in 'shrn rshrn sqshrn sqrshrn uqshrn uqrshrn sqshrun sqrshrun'.split():
        for n, w, _ in wide:
            add(f'{op}.{n}', f'{op} v{{d}}.{n}, v1.{w}, #3')
    for op in 'addhn raddhn subhn rsubhn'.split():
        for n, w, _ in wide:
            add(f'{op}.{n}', f'{op} v{{d}}.{n}, v1.{w}, v2.{w}')
    for op in 'smull umull smlal umlal smlsl umlsl saddl uaddl ssubl usubl sabdl uabdl sabal uabal sqdmull sqdmlal sqdmlsl'.split():
        for n, w, f in wide:
            if op.startswith('sqdm') and n == '8b':
                continue
            add(f'{op}.{n}', f'{op} v{{d}}.{w}, v1.{n}, v2.{n}')
            add(f'{op}2.{f}', f'{op}2 v{{d}}.{w}, v1.{f}, v2.{f}')
    for op in 'saddw uaddw ssubw usubw'.split():
        for n, w, _ in wide:
            add(f'{op}.{n}', f'{op} v{{d}}.{w}, v1.{w}, v2.{n}')
    for op in 'sshll ushll'.split():
        for n, w, _ in wide:
            add(f'{op}.{n}', f'{op} v{{d}}.{w}, v1.{n}, #3')
    add('pmull.8b', 'pmull v{d}.8h, v1.8b, v2.8b')
    add('pmull2.16b', 'pmull2 v{d}.8h, v1.16b, v2.16b')
    add('pmull.1d', 'pmull v{d}.1q, v1.1d, v2.1d')
    add('pmull2.2d', 'pmull2 v{d}.1q, v1.2d, v2.2d')
    add('sdot.4s', 'sdot v{d}.4s, v1.16b, v2.16b')
    add('udot.4s', 'udot v{d}.4s, v1.16b, v2.16b')
    for n in range(1, 5):
        regs = ', '.join(f'v{4 + k}.16b' for k in range(n))
        add(f'tbl.{n}', f'tbl v{{d}}.16b, {{{{{regs}}}}}, v3.16b')
        add(f'tbx.{n}', f'tbx v{{d}}.16b, {{{{{regs}}}}}, v3.16b')
    add('ext.16b', 'ext v{d}.16b, v1.16b, v2.16b, #5')
    for t, s in (('16b', 'b'), ('8h', 'h'), ('4s', 's'), ('2d', 'd')):
        add(f'dup.{t}', f'dup v{{d}}.{t}, v1.{s}[1]')
        add(f'dup_g.{t}', f'dup v{{d}}.{t}, {"x" if s == "d" else "w"}9')
        add(f'ins.{s}', f'mov v{{d}}.{s}[1], v1.{s}[0]')
        add(f'ins_g.{s}', f'mov v{{d}}.{s}[1], {"x" if s == "d" else "w"}9')
        add(f'umov.{s}', f'umov {"x" if s == "d" else "w"}9, v{{d}}.{s}[1]')
    for s, c in (('b', '8'), ('h', '16')):
        add(f'smov.{s}', f'smov x9, v{{d}}.{s}[1]')
    for f in ('sqadd', 'uqadd', 'sqsub', 'uqsub', 'sshl', 'ushl', 'srshl', 'sqshl', 'uqrshl'):
        for r in ('d',) if f in ('sshl', 'ushl', 'srshl') else ('b', 's', 'd'):
            add(f'{f}_{r}', f'{f} {r}{{d}}, {r}1, {r}2')
    # floating point
    fp3 = 'fadd fsub fmul fdiv fmax fmin fmaxnm fminnm fabd fmulx frecps frsqrts facge facgt fcmeq fcmge fcmgt fmla fmls faddp fmaxp fmaxnmp'.split()
    fp2 = 'fabs fneg fsqrt frecpe frsqrte fcmeq fcmge fcmgt fcmle fcmlt fcvtns fcvtnu fcvtms fcvtmu fcvtps fcvtpu fcvtzs fcvtzu fcvtas fcvtau ' \
          'scvtf ucvtf frintn frintm frintp frintz frinta frinti frintx'.split()
    for t, data, s in (('4s', 's', 's'), ('2s', 's', 's'), ('2d', 'd', 'd'), ('8h', 'h', 'h'), ('4h', 'h', 'h')):
        for op in fp3:
            add(f'{op}.{t}', f'{op} v{{d}}.{t}, v1.{t}, v2.{t}', data)
        for op in fp2:
            zero = ', #0.0' if op.startswith('fcm') else ''
            add(f'{op}_z.{t}' if zero else f'{op}.{t}', f'{op} v{{d}}.{t}, v1.{t}{zero}', 'i' if op in ('scvtf', 'ucvtf') else data)
        if t in ('4s', '2d'):
            for op in 'frint32z frint32x frint64z frint64x'.split():
                add(f'{op}.{t}', f'{op} v{{d}}.{t}, v1.{t}', data)
        for op in 'fcvtzs fcvtzu scvtf ucvtf'.split():
            add(f'{op}_fx.{t}', f'{op} v{{d}}.{t}, v1.{t}, #4', 'i' if 'cvtf' in op else data)
        add(f'fcadd.{t}', f'fcadd v{{d}}.{t}, v1.{t}, v2.{t}, #90', data)
        add(f'fcmla.{t}', f'fcmla v{{d}}.{t}, v1.{t}, v2.{t}, #90', data)
        add(f'fmla_e.{t}', f'fmla v{{d}}.{t}, v1.{t}, v2.{s}[1]', data)
    for t in ('4s', '8h'):
        for op in 'fmaxv fminv fmaxnmv fminnmv'.split():
            add(f'{op}.{t}', f'{op} {t[1]}{{d}}, v1.{t}', t[1])
    for op in 'frecpe frsqrte frecpx fmulx frecps frsqrts'.split():
        for s in 'sdh':
            add(f'{op}_{s}', f'{op} {s}{{d}}, {s}1' + (f', {s}2' if op in ('fmulx', 'frecps', 'frsqrts') else ''), s)
    add('urecpe.4s', 'urecpe v{d}.4s, v1.4s')
    add('ursqrte.4s', 'ursqrte v{d}.4s, v1.4s')
    add('fcvtl.4s', 'fcvtl v{d}.4s, v1.4h', 'h')
    add('fcvtl.2d', 'fcvtl v{d}.2d, v1.2s', 's')
    add('fcvtn.4h', 'fcvtn v{d}.4h, v1.4s', 's')
    add('fcvtn.2s', 'fcvtn v{d}.2s, v1.2d', 'd')
    add('fcvtxn.2s', 'fcvtxn v{d}.2s, v1.2d', 'd')
    for a, b in ('sd', 'ds', 'hs', 'sh', 'hd', 'dh'):
        add(f'fcvt_{a}{b}', f'fcvt {a}{{d}}, {b}1', b)
    for s in 'sdh':
        for op in 'fadd fsub fmul fdiv fmax fmin fmaxnm fminnm fnmul'.split():
            add(f'{op}_{s}', f'{op} {s}{{d}}, {s}1, {s}2', s)
        for op in 'fmadd fmsub fnmadd fnmsub'.split():
            add(f'{op}_{s}', f'{op} {s}{{d}}, {s}1, {s}2, {s}3', s)
        for op in 'fabs fneg fsqrt frintn frintm frintp frintz frinta frinti frintx'.split() + \
                ([] if s == 'h' else 'frint32z frint32x frint64z frint64x'.split()):
            add(f'{op}_{s}', f'{op} {s}{{d}}, {s}1', s)
        for op in 'fcvtns fcvtnu fcvtms fcvtps fcvtzs fcvtzu fcvtas fcvtau'.split():
            for g in 'wx':
                add(f'{op}_{g}{s}', f'{op} {g}9, {s}1', s)
        for op in 'scvtf ucvtf'.split():
            for g in 'wx':
                add(f'{op}_{s}{g}', f'{op} {s}{{d}}, {g}10', s)
        add(f'fcvtzs_fx_x{s}', f'fcvtzs x9, {s}1, #4', s)
        add(f'scvtf_fx_{s}x', f'scvtf {s}{{d}}, x10, #4', s)
        add(f'fcmp_{s}', f'fcmp {s}1, {s}2', s)
        add(f'fcmpe_{s}', f'fcmpe {s}1, #0.0', s)
        add(f'fcsel_{s}', f'fcsel {s}{{d}}, {s}1, {s}2, lt', s)
        add(f'fccmp_{s}', f'fccmp {s}1, {s}2, #0, lt', s)
    add('fjcvtzs', 'fjcvtzs w9, d1', 'd')
    # cryptography
    for t in ('aese v{d}.16b, v1.16b', 'aesd v{d}.16b, v1.16b', 'aesmc v{d}.16b, v1.16b', 'aesimc v{d}.16b, v1.16b', 'sha1c q{d}, s1, v2.4s',
              'sha1p q{d}, s1, v2.4s', 'sha1m q{d}, s1, v2.4s', 'sha1h s{d}, s1', 'sha1su0 v{d}.4s, v1.4s, v2.4s', 'sha1su1 v{d}.4s, v1.4s',
              'sha256h q{d}, q1, v2.4s', 'sha256h2 q{d}, q1, v2.4s', 'sha256su0 v{d}.4s, v1.4s', 'sha256su1 v{d}.4s, v1.4s, v2.4s',
              'sha512h q{d}, q1, v2.2d', 'sha512h2 q{d}, q1, v2.2d', 'sha512su0 v{d}.2d, v1.2d', 'sha512su1 v{d}.2d, v1.2d, v2.2d',
              'eor3 v{d}.16b, v1.16b, v2.16b, v3.16b', 'bcax v{d}.16b, v1.16b, v2.16b, v3.16b', 'rax1 v{d}.2d, v1.2d, v2.2d',
              'xar v{d}.2d, v1.2d, v2.2d, #5', 'sm3ss1 v{d}.4s, v1.4s, v2.4s, v3.4s', 'sm3tt1a v{d}.4s, v1.4s, v2.s[1]',
              'sm3tt1b v{d}.4s, v1.4s, v2.s[1]', 'sm3tt2a v{d}.4s, v1.4s, v2.s[1]', 'sm3tt2b v{d}.4s, v1.4s, v2.s[1]',
              'sm3partw1 v{d}.4s, v1.4s, v2.4s', 'sm3partw2 v{d}.4s, v1.4s, v2.4s', 'sm4e v{d}.4s, v1.4s', 'sm4ekey v{d}.4s, v1.4s, v2.4s'):
        add(t.split()[0], t)
    for w, x in (('b', 'w9'), ('h', 'w9'), ('w', 'w9'), ('x', 'x9')):
        add(f'crc32{w}', f'crc32{w} w11, w11, {x}')
        add(f'crc32c{w}', f'crc32c{w} w11, w11, {x}')
    # flushing to zero
    for name in 'fadd.4s fmul.4s fmla.4s fdiv.4s fsqrt.4s fmax.4s fcmgt.4s fadd.2d fmul.2d fmla.2d fadd_s fmul_s fdiv_s fmadd_s fadd_d fmul_d fmadd_d fsqrt_d ' \
                'fcmp_s fcmp_d fcvtzs_ws fcvtzs_xd scvtf_dx fcvt_ds fcvt_sd fcvtzs.4s scvtf.4s'.split():
        text, data, _ = out[name]
        out[name + '.fz'] = (text, data, True)
    return out


HEAD = r'''
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#define ALWAYS(x) x
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}
struct loop {
    const char *name;
    void (*fn)(const void *data, long n);
    char data;
    int fz;
};
'''

TAIL = r'''
static _Alignas(16) uint8_t data[16 * 32];
static void fill(char kind)
{
    uint32_t x = 12345;
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
    for (unsigned i = 0; i < sizeof data / 4 && kind == 's'; i++) {
        float f = 1.25f + 0.001f * (float)i;
        memcpy(data + 4 * i, &f, 4);
    }
    for (unsigned i = 0; i < sizeof data / 8 && kind == 'd'; i++) {
        double f = 1.25 + 0.001 * i;
        memcpy(data + 8 * i, &f, 8);
    }
    for (unsigned i = 0; i < sizeof data / 2 && kind == 'h'; i++) {
        _Float16 f = (_Float16)(1.25f + 0.001f * (float)(i & 63));
        memcpy(data + 2 * i, &f, 2);
    }
}
int main(int argc, char **argv)
{
    for (int a = 2; a < argc; a++) {
        const struct loop *l = &loops[atoi(argv[a])];
        fill(l->data);
        unsigned long fpcr = l->fz ? 1ul << 24 : 0;
        __asm__ volatile("msr fpcr, %0" : : "r"(fpcr));
        long n = 200;
        double t, best;
        l->fn(data, 20);
        for (;;) {
            t = now();
            l->fn(data, n);
            t = now() - t;
            if (t > 500e3)
                break;
            n *= 2;
        }
        n = (long)((double)n * (3e6 / t)) + 1;
        best = 1e30;
        for (int k = 0; k < atoi(argv[1]); k++) {
            t = now();
            l->fn(data, n);
            t = (now() - t) / ((double)n * 16);
            if (t < best)
                best = t;
        }
        unsigned long zero = 0;
        __asm__ volatile("msr fpcr, %0" : : "r"(zero));
        printf("%s %.3f\n", l->name, best);
        fflush(stdout);
    }
}
'''


def program(insns):
    out = [HEAD]
    for n, (text, _, _) in enumerate(insns.values()):
        body = ''.join(f'"{text.format(d=16 + k % 8)}\\n"' for k in range(16))
        loads = ''.join(f'"ldp q{k}, q{k + 1}, [%0, #{16 * k}]\\n"' for k in range(0, 32, 2))
        clobbers = ', '.join(f'"v{k}"' for k in range(32))
        out.append(f'static __attribute__((noinline)) void f{n}(const void *p, long n)\n{{\n__asm__ volatile({loads}"mov x9, #77\\nmov x10, #99\\nmov w11, #5\\n1:\\n"{body}'
                   f'"subs %1, %1, #1\\nb.ne 1b\\n" : "+r"(p), "+r"(n) : : "x9", "x10", "x11", "cc", "memory", {clobbers});\n}}\n')
    out.append('static const struct loop loops[] = {\n')
    out.extend(f'{{"{name}", f{n}, \'{data}\', {int(fz)}}},\n' for n, (name, (_, data, fz)) in enumerate(insns.items()))
    out.append('};\n' + TAIL)
    return ''.join(out)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    ap.add_argument('--only', action='append', default=[])
    ap.add_argument('--worst', type=int, default=0, help='print only so many')
    ap.add_argument('--engines', default='qemu,dragoman')
    ap.add_argument('--options', default='')
    ap.add_argument('--rounds', type=int, default=3)
    ap.add_argument('--csv')
    ap.add_argument('--list', action='store_true')
    ap.add_argument('--dragoman', default=os.path.join(BUILD, 'dragoman'))
    ap.add_argument('--keep', help='leave the program here')
    args = ap.parse_args()
    insns = instructions()
    chosen = [n for n in insns if not args.only or any(fnmatch.fnmatchcase(n, p) for p in args.only)]
    if args.list:
        print('\n'.join(f'{n:16} {insns[n][0].format(d=16)}' for n in chosen))
        return 0
    insns = {n: insns[n] for n in chosen}
    result = {}
    with tempfile.TemporaryDirectory() as tmp:
        exe = args.keep or os.path.join(tmp, 'insns')
        subprocess.run(['aarch64-linux-gnu-gcc', '-O1', '-static', '-x', 'c', '-', '-o', exe, '-march=armv8.5-a+crypto+sha3+sm4+fp16'],
                       input=program(insns), text=True, check=True)
        for engine in args.engines.split(','):
            cmd = {'qemu': ['qemu-aarch64', '-cpu', 'max'], 'dragoman': [args.dragoman, 'run', *args.options.split()]}[engine]
            r = subprocess.run([*cmd, exe, str(args.rounds), *map(str, range(len(insns)))], stdout=subprocess.PIPE, text=True, check=False)
            for line in r.stdout.splitlines():
                name, ns = line.split()
                result.setdefault(name, {})[engine] = float(ns)
            if r.returncode:
                print(f'insns.py: {engine}: status {r.returncode} after {r.stdout.split()[-2:]}', file=sys.stderr)
                return 1

    def ratio(name):
        r = result[name]
        return r['dragoman'] / r['qemu'] if len(r) == 2 else next(iter(r.values()))
    names = sorted(result, key=ratio, reverse=True)
    for name in names[:args.worst or None]:
        print(f'{name:16}' + ''.join(f' {e} {v:8.2f}' for e, v in result[name].items()) + (f'  {ratio(name):6.2f}' if len(result[name]) == 2 else ''))
    if args.csv:
        with open(args.csv, 'w', encoding='utf-8') as f:
            f.writelines(f'{n},{",".join(str(v) for v in result[n].values())}\n' for n in result)
    return 0


if __name__ == '__main__':
    sys.exit(main())
