"""Tests of tools/syscallgen.py: each kind of mistake in a table is one clear error; and the tables of the personality agree with the kernel headers that
are installed."""
import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(TOP, 'tools'))
import syscallgen

LINUX = os.path.join(TOP, 'personality', 'linux')
SETS = syscallgen.parse_sets('set open mask 3\nO_RDONLY=0 O_CREAT=0100\n', 'flags')
STRUCTS = 'struct stat 128\n'


def calls(*lines):
    return syscallgen.parse_calls(STRUCTS + '\n'.join(lines) + '\n', 'calls', SETS)


def real(name):
    return os.path.join(LINUX, name)


class BadCalls(unittest.TestCase):
    def bad(self, text, *lines):
        with self.assertRaises(syscallgen.TableError) as e:
            calls(*lines)
        self.assertIn(text, str(e.exception))
        self.assertRegex(str(e.exception), r'^calls:\d+: ')

    def test_shape(self):
        self.bad('not NUMBER', '63 0 read full pass fd fd = size')
        self.bad('not NUMBER', 'read full pass (fd fd) = size')
        self.bad('not NUMBER', '63 0 read full pass (fd fd)')

    def test_level(self):
        self.bad('unknown level "good"', '63 0 read good pass () = int')
        self.bad('a note', '63 0 read partial pass () = int')
        self.bad('errno as its handler', '63 0 read refused pass () = int ; why')
        self.bad('errno as its handler', '63 0 read full ENOSYS () = int')

    def test_handler(self):
        self.bad('handler "Read"', '63 0 read full Read () = int')
        self.bad('needs a host number', '63 - read full pass () = int')
        self.bad('made for all guests', '63@riscv64 0 read full +sys_read () = int')
        self.assertEqual([c.stays for c in calls('63 0 read full +sys_read () = int', '64 1 write full sys_write () = int')[0]], [True, False])

    def test_return(self):
        self.bad('unknown return "void"', '63 0 read full pass () = void')

    def test_arguments(self):
        self.bad('unknown kind "int32"', '63 0 read full pass (int32 fd) = int')
        self.bad('is not KIND NAME', '63 0 read full pass (fd) = int')
        self.bad('7 arguments', '63 0 read full pass (int a, int b, int c, int d, int e, int f, int g) = int')
        self.bad('occurs twice', '63 0 read full pass (int a, int a) = int')
        self.bad('takes no parameter', '63 0 read full pass (int:stat a) = int')
        self.bad('brackets', '63 0 read full pass (in a[b) = int')
        self.bad('raw arguments need a handler', '63 0 read full pass (raw a) = int')

    def test_buffers(self):
        self.bad('either a structure or a size', '63 0 read full pass (in a) = int')
        self.bad('either a structure or a size', '63 0 read full pass (in:stat a[4]) = int')
        self.bad('no structure "stats"', '63 0 read full pass (in:stats a) = int')
        self.bad('no argument "n"', '63 0 read full pass (in a[n]) = int')
        self.bad('no argument "n"', '63 0 read full pass (in a[bits(n)]) = int')
        self.bad('is no number', '63 0 read full pass (in a[4-2]) = int')
        self.bad('have a size', '63 0 read full pass (int a[4]) = int')

    def test_paths(self):
        self.bad('how is the path resolved', '63 0 x full pass (path p) = int')
        self.bad('how is the path resolved', '63 0 x full pass (path:maybe p) = int')
        self.bad('no argument "flags"', '63 0 x full pass (path:follow_if(flags,1) p) = int')
        self.bad('no path follows', '63 0 x full pass (dirfd d, int n) = int')
        self.bad('pass wants a path', '63 0 x full pass (dirfd d, str n) = int')

    def test_sets(self):
        self.bad('no set "openn"', '63 0 x full pass (flags:openn f) = int')

    def test_twice(self):
        self.bad('also in line 2', '63 0 read full pass () = int', '63 1 write full pass () = int')
        self.bad('also in line 2', '63 0 read full pass () = int', '64 1 read full pass () = int')
        self.bad('x86-64 number 0', '63 0 read full pass () = int', '64 0 write full pass () = int')

    def test_structures(self):
        self.bad('is here twice', 'struct stat 4')

    def test_empty(self):
        self.bad('no calls')


class BadSets(unittest.TestCase):
    def bad(self, text, table):
        with self.assertRaises(syscallgen.TableError) as e:
            syscallgen.parse_sets(table, 'flags')
        self.assertIn(text, str(e.exception))

    def test(self):
        self.bad('outside a set', 'A=1')
        self.bad('is here twice', 'set a\nset a')
        self.bad('is here twice', 'set a\nA=1 A=2')
        self.bad('not NAME=VALUE', 'set a\nA')
        self.bad('not NAME=VALUE', 'set a\nA=x')
        self.bad('not NAME=VALUE', 'set a\nA=09')


class BadIoctls(unittest.TestCase):
    def bad(self, text, table):
        with self.assertRaises(syscallgen.TableError) as e:
            syscallgen.parse_ioctls(table, 'ioctl')
        self.assertIn(text, str(e.exception))

    def test(self):
        self.bad('not REQUEST', '12 A none')
        self.bad('unknown kind', '0x12 A thing')
        self.bad('wants a size', '0x12 A in')
        self.bad('wants a size', '0x12 A out many')
        self.bad('wants an errno', '0x12 A refused')
        self.bad('wants a function', '0x12 A special')
        self.bad('takes nothing more', '0x12 A none 4')
        self.bad('more than 32 bits', '0x112345678 A none')
        self.bad('same number', '0x12 A none\n0x12 B none')


class Command(unittest.TestCase):
    def run_main(self, *args):
        err = io.StringIO()
        with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
            rc = syscallgen.main(list(args))
        return rc, err.getvalue()

    def test_missing_file(self):
        rc, err = self.run_main('header', '/nonexistent', real('flags.tab'), real('ioctl.tab'))
        self.assertEqual(rc, 1)
        self.assertEqual(err.count('\n'), 1)

    def test_nothing_written_on_error(self):
        with tempfile.TemporaryDirectory() as d:
            bad, out = os.path.join(d, 'bad'), os.path.join(d, 'out')
            with open(bad, 'w', encoding='utf-8') as f:
                f.write('63 0 read full pass (int) = int\n')
            rc, err = self.run_main('header', bad, real('flags.tab'), real('ioctl.tab'), '-o', out)
            self.assertEqual(rc, 1)
            self.assertIn(f'{bad}:1:', err)
            self.assertFalse(os.path.exists(out))

    def test_not_text(self):
        with tempfile.NamedTemporaryFile() as f:
            f.write(b'\xff\xfe\x00')
            f.flush()
            rc, _ = self.run_main('doc', f.name, real('flags.tab'), real('ioctl.tab'))
            self.assertEqual(rc, 1)


def defines(cc, header, *more):
    """What a C compiler's headers define, as text."""
    src = ''.join(f'#include <{h}>\n' for h in (header,) + more)
    r = subprocess.run([cc, '-E', '-dM', '-x', 'c', '-'], input=src, capture_output=True, text=True)
    if r.returncode:
        return None
    return dict(re.findall(r'#define (\w+) (.+)', r.stdout))


def system_calls(cc):
    raw = defines(cc, 'asm/unistd.h')
    if raw is None:
        return None

    def value(text):
        text = text.strip()
        while text in raw:
            text = raw[text].strip()
        m = re.fullmatch(r'\((\w+) \+ (\d+)\)', text)
        if m:
            base = value(m[1])
            return None if base is None else base + int(m[2])
        return int(text) if text.isdigit() else None
    found = {k[5:]: value(v) for k, v in raw.items() if k.startswith('__NR_')}
    for name in ('arch_specific_syscall', 'syscalls'):
        found.pop(name, None)
    return {k: v for k, v in found.items() if v is not None}


class Tables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sets = syscallgen.parse_sets(syscallgen.read(real('flags.tab')), 'flags.tab')
        cls.calls, cls.structs = syscallgen.parse_calls(syscallgen.read(real('syscalls.tab')), 'syscalls.tab', cls.sets)
        cls.rows = syscallgen.parse_ioctls(syscallgen.read(real('ioctl.tab')), 'ioctl.tab')

    def test_every_generic_number(self):
        """0 to the last are all there but for the range that is the architecture's and the one of 32-bit ABIs."""
        have = {c.nr for c in self.calls}
        want = set(range(0, 244)) | {258, 259} | set(range(260, 295)) | set(range(424, 470))
        self.assertEqual(want - have, set())
        self.assertEqual(have - want, set())

    def compare(self, cc, attr, exceptions):
        found = system_calls(cc)
        if not found:
            self.skipTest(f'{cc} has no kernel headers')
        mine = {c.name: getattr(c, attr) for c in self.calls if getattr(c, attr) is not None}
        for name, nr in found.items():
            if name in mine:
                self.assertEqual(mine[name], nr, name)
            elif attr == 'nr':
                self.assertIn(name, exceptions, f'{name} ({nr}) is not in the table')

    def test_riscv64_numbers(self):
        self.compare('riscv64-linux-gnu-gcc', 'nr', ())

    def test_aarch64_numbers(self):
        self.compare('aarch64-linux-gnu-gcc', 'nr', ())
        there = system_calls('aarch64-linux-gnu-gcc')
        for c in self.calls:
            if c.isa and there:
                self.assertEqual(c.name in there, c.isa == 'aarch64', c.name)

    def test_host_numbers(self):
        if os.uname().machine != 'x86_64':
            self.skipTest('not an x86-64 host')
        self.compare('cc', 'x86', ())

    def test_constants(self):
        """The sets say what the headers of the guest's ABI say."""
        cc = next((c for c in ('riscv64-linux-gnu-gcc', 'cc') if shutil.which(c)), None)
        if not cc:
            self.skipTest('no C compiler')
        headers = ['fcntl.h', 'sys/stat.h', 'sys/epoll.h', 'poll.h', 'sys/inotify.h', 'sys/file.h', 'sys/mount.h', 'sys/signalfd.h',
                   'sys/eventfd.h', 'sys/timerfd.h', 'sys/wait.h', 'linux/sched.h', 'linux/futex.h', 'sys/time.h', 'sys/resource.h',
                   'sys/prctl.h', 'sys/ipc.h', 'sys/msg.h', 'sys/sem.h', 'sys/shm.h', 'sys/socket.h', 'netinet/tcp.h', 'sys/mman.h',
                   'linux/memfd.h', 'linux/membarrier.h', 'linux/stat.h', 'linux/close_range.h', 'signal.h', 'errno.h', 'linux/openat2.h',
                   'sys/xattr.h', 'sys/random.h', 'linux/fs.h', 'sys/ioctl.h', 'linux/if_tun.h', 'linux/random.h', 'linux/rtc.h', 'linux/kd.h',
                   'linux/vt.h', 'linux/loop.h', 'linux/sockios.h', 'linux/hdreg.h', 'linux/fiemap.h', 'linux/nsfs.h', 'linux/msdos_fs.h',
                   'linux/input.h', 'linux/cdrom.h', 'linux/perf_event.h', 'termios.h']
        constants = [(n, v) for s in self.sets.values() for n, v in s.values]
        constants += [(name, request) for request, name, _, _ in self.rows]
        src = '#define _GNU_SOURCE\n#include <sys/types.h>\n#include <stdio.h>\n'
        src += ''.join(f'#if __has_include(<{h}>)\n#include <{h}>\n#endif\n' for h in headers)
        # names that the headers have as constants and not as macros are of no interest here
        src += ''.join(f'#ifdef {n}\n"CONST {n}" {n} "IS"\n#endif\n' for n, _ in constants)
        r = subprocess.run([cc, '-E', '-P', '-x', 'c', '-'], input=src, capture_output=True, text=True)
        if r.returncode:
            self.skipTest(f'{cc}: {r.stderr[:200]}')
        exprs = re.findall(r'"CONST (\w+)"\s*(.*?)\s*"IS"', r.stdout, re.S)
        self.assertGreater(len(exprs), 300)
        want = {}
        for n, v in constants:
            want.setdefault(n, v)
        types = 'typedef unsigned long long u64;\n#define _GNU_SOURCE\n#include <sys/types.h>\n'
        types += ''.join(f'#if __has_include(<{h}>)\n#include <{h}>\n#endif\n' for h in headers)
        checks = ''.join(f'_Static_assert((u64)({n}) == (u64)({want[n]}ll) || (unsigned)({n}) == (unsigned)({want[n]}ll), "{n}");\n'
                         for n, e in exprs if e and n in want and n not in ('TCGETS2', 'TCSETS2', 'TCSETSW2', 'TCSETSF2', 'O_LARGEFILE', 'SIGRTMIN'))
        r = subprocess.run([cc, '-D_GNU_SOURCE', '-w', '-fsyntax-only', '-x', 'c', '-'], input=types + checks, capture_output=True, text=True)
        wrong = re.findall(r'static assertion failed: "(\w+)"', r.stderr)
        self.assertEqual(wrong, [])
        unknown = [line for line in r.stderr.splitlines() if 'error' in line]
        self.assertEqual(unknown, [])

    def test_outputs_are_c(self):
        cc = shutil.which('cc')
        if not cc:
            self.skipTest('no C compiler')
        with tempfile.TemporaryDirectory() as d:
            os.makedirs(os.path.join(d, 'personality', 'linux'))
            args = [real('syscalls.tab'), real('flags.tab'), real('ioctl.tab')]
            for what, name in (('header', 'syscalls_gen.h'), ('calls', 'syscalls_gen.c'), ('names', 'names_gen.c')):
                self.assertEqual(syscallgen.main([what] + args + ['-o', os.path.join(d, 'personality', 'linux', name)]), 0)
            for name in ('syscalls_gen.c', 'names_gen.c'):
                r = subprocess.run([cc, '-std=gnu17', '-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter', '-fsyntax-only', '-I', d, '-I', TOP,
                                    '-I', os.path.join(TOP, 'kernel', 'include'), os.path.join(d, 'personality', 'linux', name)],
                                   capture_output=True, text=True)
                self.assertEqual(r.returncode, 0, r.stderr)

    def test_doc(self):
        text = syscallgen.out_doc(self.calls, self.structs, self.sets, self.rows)
        self.assertIn('| 63 | `read` | full |', text)
        self.assertIn('| 425 | `io_uring_setup` | refused | `ENOSYS`: ', text)
        self.assertEqual(text.count('\n| '), len(self.calls) + len(syscallgen.LEVELS) + 2)


if __name__ == '__main__':
    unittest.main()
