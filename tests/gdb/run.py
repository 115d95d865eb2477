#!/usr/bin/env python3
"""Tests of the gdb stub: programs under `dragoman run --gdb`, driven by gdb in batch mode and by packets of our own.

run.py --dragoman PATH [--option=…] [CASE…]"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import time

from harness import PATIENCE, Gdb, Guest, Remote, Test, guests, line_of

import cases
from cases import Failed, Skip, case


# --- running and stopping ---

@case
def breaks(t):
    """By symbol, by line, by address; conditions; counts; delete; finish; backtraces; arguments."""
    g = Guest(t, 'basic')
    Gdb(t, g, '''break add
break LINE(deepest)
continue
backtrace
info args
finish
break *add+4 if a == 3
delete 1
continue
print a
delete 3
continue
backtrace
up
print n
delete
break scale
ignore 4 0
continue
finish
continue
''').expect(r'^Breakpoint 1, add \(a=0, b=1\)', r'^#0 +add \(a=0, b=1\)', r'^#1 .*main \(', r'^a = 0$', r'^b = 1$',
            r'^Value returned is \$1 = 1$', r'^Breakpoint 3, ', r'^\$2 = 3$', r'^Breakpoint 2, fact \(n=1\)',
            r'^#4 .* fact \(n=5\)', r'^#5 .* main', r'^\$3 = 2$', r'^Breakpoint 4, scale \(x=2, y=3\)',
            r'^Value returned is \$4 = 7\.5$', r'exited with code 07\]$')
    g.end(7)
    if g.stdout() != '175 55 7.5 before\n':
        raise Failed(g.stdout())


@case
def steps(t):
    """stepi, nexti, step, next, until, finish; over calls and into them."""
    g = Guest(t, 'basic')
    Gdb(t, g, '''break LINE(fact)
continue
next
step
next
stepi
nexti
print $pc > (long)scale
finish
break LINE(inner)
continue
next
next
until
delete
stepi 1000
print i > 10
continue
''').expect(r'^Breakpoint 1, main', r'scale = |ratio = scale', r'^scale \(x=2, y=3\)', r'return r', r'^\$1 = 1$',
            r'^Value returned is \$2 = 7\.5', r'^Breakpoint 2, hot', r'^\$3 = 1$', r'exited with code 07')
    g.end(7)


@case
def hot_loop(t):
    """A breakpoint put into a loop that already runs from translation to translation, and taken out again."""
    g = Guest(t, 'basic')
    gdb = Gdb(t, g, '''break hot
continue
finish
tbreak hot
info breakpoints
try print hot(50000)
delete
break LINE(inner) if i == 300
continue
print i
backtrace 2
delete
finish
continue
''')
    gdb.expect(r'^Value returned is \$1 = (-?\d+)', r'^Temporary breakpoint 2', r'hot \(n=50000\)', r'stopped while in a function called from GDB',
               r'^Breakpoint 3, hot', r'^\$2 = 300$', r'^#1 +<function called from gdb>', r'^Run till exit|^Value returned', r'exited with code 07')
    g.end(7)


@case
def watch(t):
    """Write watchpoints: globals, a part of a structure, memory written by a system call; not hit by reads."""
    g = Guest(t, 'basic')
    Gdb(t, g, '''break main
continue
watch counter
continue
continue
print counter
delete
watch ratio
continue
backtrace 1
delete
watch points
set var points[2].y = 60
continue
''').expect(r'^Hardware watchpoint 2: counter', r'^Old value = 0\nNew value = 1$', r'^Old value = 1\nNew value = 3$',
            r'^\$1 = 3$', r'^Hardware watchpoint 3: ratio', r'^Old value = 1\.5\nNew value = 7\.5', r'^#0 .*main',
            r'^Hardware watchpoint 4: points', r'exited with code 07')
    g.end(7)


@case
def watch_kinds(t):
    """A watchpoint sees each kind of store: a part of a longer one, of a vector, of a cleared block, exclusive and atomic ones."""
    g = Guest(t, 'stores')
    Gdb(t, g, '''break main
continue
watch longs[8]
continue
continue
continue
continue
continue
continue
continue
backtrace 1
delete
continue
''').expect(r'^Hardware watchpoint 2: longs', r'^Old value = 0\nNew value = 5$', r'^New value = 16777221$', r'^New value = 72340172838076673$',
            r'^New value = 0$', r'^New value = 7$', r'^New value = 10$', r'^New value = 13$', r'^#0 .*count', r'exited normally')
    g.end(0)
    if g.stdout() != '16 1\n':
        raise Failed(g.stdout())


@case
def exclusive_steps(t):
    """Single steps through a loop of load-reserved and store-conditional come to its end."""
    g = Guest(t, 'stores')
    Gdb(t, g, '''break count
continue
break LINE(counted)
stepi 150
print longs[8]
continue
continue
''').expect(r'^Breakpoint 1, count', r'^Breakpoint 2, count', r'^\$1 = 16$', r'exited normally')
    g.end(0)


@case
def watch_call(t):
    """A watchpoint on memory that the kernel writes."""
    r, w = os.pipe()
    g = Guest(t, 'signals', ['stdin'], stdin=r)
    os.write(w, b'q')
    Gdb(t, g, '''break LINE(read)
continue
watch c
continue
delete
continue
''').expect(r"^Hardware watchpoint 2: c", r"^Old value = 0 .*\nNew value = 113 'q'", r'exited normally')
    g.end(0)
    os.close(r)
    os.close(w)


@case
def watch_refused(t):
    """Watchpoints for reading are refused in gdb's own words, and nothing else suffers."""
    g = Guest(t, 'basic')
    Gdb(t, g, '''break main
continue
rwatch counter
try continue
delete 2
awatch counter
try continue
delete 3
break scale
continue
kill
''').expect(r'^Hardware read watchpoint 2: counter', r'Could not insert hardware', r'^Hardware access .*watchpoint 3: counter',
            r'Could not insert hardware', r'^Breakpoint 4, scale')
    g.end(-signal.SIGKILL)


# --- state ---

# Scripts about registers, and what gdb is to print: per guest.
REGISTERS = {
    'riscv64': ('''print $zero
print $a0 == a && $a1 == b
print $a1
set $a1 = 41
set $t0 = 0x123456789abcdef0
print/x $t0
set $ft0.double = 2.5
print $ft0
set $fcsr = 0x61
print $frm
print $fflags
set $fflags = 0
print $fcsr
set $frm = 0
p $fcsr
info float
delete
break scale
continue
print $fa0
print $fa1.float
''', (r'^ra ', r'^sp ', r'^pc .*<add', r'^\$1 = 0$', r'^\$3 = \d+', r'^\$4 = 0x123456789abcdef0$',
        r'^\$5 = \{float = 0, double = 2\.5\}', r'^\$6 = 3$', r'^\$7 = 1$', r'^\$8 = 96$', r'^\$9 = 0$',
        r'^ft0 +\{', r'^fcsr ', r'^Breakpoint 2, scale', r'^\$10 = \{.*double = 2\}', r'^\$11 = 3$')),
    'aarch64': ('''print (int)$x0 == a && (int)$x1 == b
print (int)$x1
set $x9 = 0x123456789abcdef0
print/x $x9
set $v31.d.f[1] = 2.5
print $v31.d.f[1]
set $cpsr = 0xa0000000
print/x (unsigned)$cpsr
set $fpsr = 0x0800001f
print/x $fpsr
set $fpcr = 0x400000
print/x $fpcr
set $fpcr = 0
print $tpidr != 0
info float
delete
break scale
continue
print $d0.f
print $s1.f
''', (r'^x29 ', r'^x30 ', r'^sp ', r'^pc .*<add', r'^cpsr ', r'^\$1 = 1$', r'^\$2 = \d+', r'^\$3 = 0x123456789abcdef0$', r'^\$4 = 2\.5$',
        r'^\$5 = 0xa0000000$', r'^\$6 = 0x800001f$', r'^\$7 = 0x400000$', r'^\$8 = 1$', r'^d0 +\{', r'^Breakpoint 2, scale',
        r'^\$9 = 2$', r'^\$10 = 3$')),
}


@case
def registers(t):
    g = Guest(t, 'basic')
    script, patterns = REGISTERS[t.guest.name]
    Gdb(t, g, f'''break add
continue
info registers
{script}delete
continue
''').expect(*patterns)
    g.end(7)


@case
def rounding(t):
    """A rounding mode set by gdb is the one that translated code uses."""
    g = Guest(t, 'basic')
    toward_zero, nearest = {'riscv64': ('$frm = 1', '$frm = 0'), 'aarch64': ('$fpcr = 0xc00000', '$fpcr = 0')}[t.guest.name]
    Gdb(t, g, f'''break LINE(scaled)
break scale
continue
set {toward_zero}
set var ratio = 1e-20
continue
print r < 6.0 || r == 6.0
set {nearest}
delete
continue
''').expect(r'^Breakpoint 2, scale', r'^Breakpoint 1, scale', r'^\$1 = 1$', r'exited with code 07')
    g.end(7)


@case
def modes(t):
    """Modes of floating point set by gdb are what code that was translated before computes with, and what it raises gdb sees."""
    mode, clear, flags, zero, raised, back = {
        'riscv64': ('$frm = 2', '$fflags = 0', '$fflags', 0, '0x0', '$frm = 0'),
        'aarch64': ('$fpcr = 1 << 24', '$fpsr = 0', '$fpsr', 1, '0x80', '$fpcr = 0'),  # flushes to zero
    }[t.guest.name]
    g = Guest(t, 'stores')
    Gdb(t, g, f'''break product
break LINE(product)
continue
continue
print r == 0
continue
set {mode}
set {clear}
continue
print r == 0
print/x {flags}
set {back}
continue
''').expect(r'^Breakpoint 1, product', r'^Breakpoint 2, product', r'^\$1 = 0$', r'^Breakpoint 1, product', r'^Breakpoint 2, product',
            rf'^\$2 = {zero}$', rf'^\$3 = {raised}$', r'exited normally')
    g.end(0)


@case
def memory(t):
    """Reading and writing data, code, pages without access, addresses that are none."""
    g = Guest(t, 'basic')
    back = {'riscv64': '*(unsigned short *)hot = 0x8082', 'aarch64': '*(unsigned *)hot = 0xd65f03c0'}[t.guest.name]  # ret
    Gdb(t, g, f'''break LINE(scale)
continue
x/s text
set var text = "after gdb"
print text
x/4xb &points
print points[0].next->y
try print *(int *)8
try print *(int *)0x7fffffffffff0000
try set var *(int *)16 = 3
find &text, +64, 'g', 'd', 'b'
set var {back}
continue
''').expect(r'"before"', r'"after gdb"', r'0x01\s+0x00\s+0x00\s+0x00', r'^\$2 = 4$', r'Cannot access memory at address 0x8',
            r'Cannot access memory', r'Cannot access memory at address 0x10', r'^1 pattern found', r'exited with code 07')
    g.end(7)
    if 'after gdb' not in g.stdout():
        raise Failed(g.stdout())


@case
def calls(t):
    """Functions called by hand: at a breakpoint, in a thread that sleeps in a call, at a signal's stop."""
    g = Guest(t, 'basic')
    Gdb(t, g, '''break scale
continue
print add(20, 22)
print fact(10)
print scale(3.0, 2.0f)
''').expect(r'^\$1 = 42$', r'^\$2 = 3628800$')
    g.kill()
    g = Guest(t, 'threads')
    Gdb(t, g, '''break all_started
continue
thread apply all -q print tick(0), 5
thread find reader
delete
continue
''').expect(*[r'^\$\d+ = 5$'] * 9, r'exited normally')
    g.end(0)
    out = g.stdout()
    if out != 'slept 0 polled 0 got x long enough\n':
        raise Failed(out)
    g = Guest(t, 'signals', ['segv-handled'])
    Gdb(t, g, '''continue
print on_signal(77)
print last
print $_siginfo._sifields._sigfault.si_addr
break LINE(handler)
signal SIGSEGV
print sig
print handled
kill
''').expect(r'received signal SIGSEGV', r'^\$1 = ', r'77$', r'0x10$', r'Breakpoint 1, on_signal', r'= 11$', r'= 1$')
    g.end(-signal.SIGKILL)


# --- threads ---

@case
def threads(t):
    g = Guest(t, 'threads')
    Gdb(t, g, '''break all_started
continue
info threads
thread apply all backtrace 3
delete
continue
''').expect(r'^(Thread \d+ "threads" hit )?Breakpoint 1, (.*hit )?all_started|hit Breakpoint 1, all_started',
            r'exited normally').expect(r'"worker-0"').expect(r'"worker-3"').expect(r'"sleeper"').expect(r'"waiter"')  # in any order
    g.end(0)
    if g.stdout() != 'slept 0 polled 0 got x long enough\n':
        raise Failed(g.stdout())


@case
def thread_breaks(t):
    """A breakpoint for one thread only; stepping one thread while others run, and while they stand still."""
    g = Guest(t, 'threads')
    Gdb(t, g, '''break all_started
continue
delete
break tick thread 3
continue
set $me = id
print id == $me
continue
print id == $me
next
step
set scheduler-locking on
print work[$me]
set $other = ($me + 1) % 4
set $before = work[$other]
next
next
stepi
print work[$other] == $before
set scheduler-locking off
delete
continue
''').expect(r'hit Breakpoint 1, all_started', r'hit Breakpoint 2, tick', r'^\$1 = 1$', r'hit Breakpoint 2, tick', r'^\$2 = 1$',
            r'^\$3 = \d+', r'^\$4 = 1$', r'exited normally')
    g.end(0)
    if 'polled 0 got x' not in g.stdout():
        raise Failed(g.stdout())


@case
def thread_stops(t):
    """Many stops by several threads at one breakpoint disturb no call that other threads sleep in."""
    g = Guest(t, 'threads')
    Gdb(t, g, '''break all_started
continue
delete
break tick
python
seen = set()
for i in range(600):
    gdb.execute("continue", to_string=True)
    seen.add(gdb.selected_thread().num)
    if i >= 60 and len(seen) > 1: # on a busy machine one thread may run alone for long
        break
print("threads seen:", len(seen) > 1)
end
delete
continue
''', timeout=100).expect(r'threads seen: True', r'exited normally')
    g.end(0)
    if g.stdout() != 'slept 0 polled 0 got x long enough\n':
        raise Failed(g.stdout())


@case
def thread_watch(t):
    """A watchpoint with several threads running: it is the writer that stops."""
    g = Guest(t, 'threads')
    Gdb(t, g, '''break all_started
continue
delete
watch work[2]
continue
print id
continue
print id
delete
continue
''', timeout=100).expect(r'hit Hardware watchpoint 2', r'^\$1 = 2$', r'hit Hardware watchpoint 2', r'^\$2 = 2$', r'exited normally')
    g.end(0)


@case
def thread_ends(t):
    for what, status, extra in (('many', 0, ''), ('exit-race', 3, ''), ('main-first', 0, 'break LINE(last)\ncontinue\ninfo threads\n'),
                                ('one', 0, 'break LINE(quick)\ncontinue\ninfo threads\nset scheduler-locking on\nfinish\n')):
        g = Guest(t, 'ends', [what])
        text = extra + 'continue\n'
        if what == 'one':
            text = extra + 'continue\nset scheduler-locking off\nthread 1\ncontinue\n'
        gdb = Gdb(t, g, text)
        gdb.expect(r'exited normally' if not status else r'exited with code 03')
        if what == 'one':
            gdb.expect(r'^No unwaited-for children left', r'exited normally')
        g.end(status)


@case
def interrupts(t):
    """Ctrl-C: a busy loop, a thread asleep in a call; the call goes on."""
    g = Guest(t, 'signals', ['busy'])
    Gdb(t, g, '''MARK
continue
print steps > 1000
print handled = 1
continue
''', interrupt=True).expect(r'received signal SIGINT', r'^\$1 = 1$', r'^\$2 = 1$', r'exited normally')
    g.end(0)
    r, w = os.pipe()
    g = Guest(t, 'signals', ['stdin'], stdin=r)
    gdb = Gdb(t, g, '''MARK
continue
backtrace
shell sleep 1
print $_siginfo.si_signo
detach
''', interrupt=True)
    gdb.expect(r'received signal SIGINT', r'\bread\b|ecall|svc|syscall', r'main \(')
    os.write(w, b'z')
    g.end(0)
    if g.stdout() != 'read 1 z errno 0\n':
        raise Failed(g.stdout())
    os.close(r)
    os.close(w)


# --- signals and ends ---

@case
def faults(t):
    """A fault shows its place; it ends the guest, or goes to its handler; or gdb mends the cause and goes on."""
    g = Guest(t, 'signals', ['segv'])
    Gdb(t, g, '''continue
backtrace
print $_siginfo._sifields._sigfault.si_addr
continue
''').expect(r'^Program received signal SIGSEGV', r'crash \(p=0x10\)', rf'signals\.c:{line_of("signals", "crash")}', r'^#1 .*main',
            r'= \(void \*\) 0x10$', r'^Program terminated with signal SIGSEGV')
    g.end(-signal.SIGSEGV)
    g = Guest(t, 'signals', ['segv-handled'])
    Gdb(t, g, '''break LINE(handler)
continue
continue
print sig
backtrace
delete
continue
continue
''').expect(r'received signal SIGSEGV', r'^Breakpoint 1, on_signal', r'^\$1 = 11$', r'<signal handler called>', r'crash',
            r'received signal SIGSEGV', r'terminated with signal SIGSEGV')
    g.end(-signal.SIGSEGV)
    g = Guest(t, 'signals', ['segv'])
    Gdb(t, g, f'''continue
set var p = &handled
set {"$a5" if t.guest.name == "riscv64" else "$x0"} = &handled
signal 0
''').expect(r'received signal SIGSEGV', r'exited normally')
    g.end(0)
    if g.stdout() != 'handled 1 last 0\n':
        raise Failed(g.stdout())
    g = Guest(t, 'signals', ['ill'])
    Gdb(t, g, '''continue
print $pc == &bad
continue
''').expect(r'received signal SIGILL', r'^\$1 = 1$', r'terminated with signal SIGILL')
    g.end(-signal.SIGILL)
    g = Guest(t, 'signals', ['break'])
    length = '((*(unsigned short *)$pc & 3) == 3 ? 4 : 2)' if t.guest.name == 'riscv64' else '4'
    Gdb(t, g, f'''continue
x/i $pc
jump *($pc + {length})
''').expect(r'received signal SIGTRAP', t.guest.breakpoint, r'exited with code 05')
    g.end(5)


@case
def signals(t):
    """Signals that are sent: stopped at, passed on, kept back, replaced; handle; defaults; real-time ones."""
    def run(what, script, status, out, *patterns):
        g = Guest(t, 'signals', [what])
        Gdb(t, g, script).expect(*patterns)
        g.end(status)
        if out is not None and g.stdout() != out:
            raise Failed(f'{what}: {g.stdout()}')

    run('usr1', 'continue\ncontinue\n', 0, 'handled 1 last 10\n', r'received signal SIGUSR1', r'exited normally')
    run('usr1', 'continue\nsignal 0\n', 0, 'handled 0 last 0\n', r'received signal SIGUSR1', r'exited normally')
    run('usr1', 'handle SIGUSR1 nostop noprint pass\ncontinue\n', 0, 'handled 1 last 10\n', r'exited normally')
    run('usr1', 'handle SIGUSR1 nostop print nopass\ncontinue\n', 0, 'handled 0 last 0\n', r'received signal SIGUSR1', r'exited normally')
    run('usr1', 'break raise\ncontinue\nsignal SIGUSR1\ndelete\ncontinue\ncontinue\n', 0, None,
        r'Breakpoint 1', r'exited normally')
    run('default', 'continue\ncontinue\n', -signal.SIGUSR2, '', r'received signal SIGUSR2', r'terminated with signal SIGUSR2')
    run('default', 'continue\nsignal 0\n', 0, 'handled 0 last 0\n', r'received signal SIGUSR2', r'exited normally')
    run('default', 'handle SIGUSR2 nostop noprint pass\ncontinue\n', -signal.SIGUSR2, '', r'terminated with signal SIGUSR2')
    run('ignored', 'continue\n', 0, 'handled 0 last 0\n', r'exited normally')
    run('abort', 'continue\nbacktrace\ncontinue\n', -signal.SIGABRT, '', r'received signal SIGABRT', r'abort', r'main', r'terminated with signal SIGABRT')
    run('rt', 'continue\nprint $_siginfo.si_signo\ncontinue\n', 0, 'handled 1 last 37\n', r'received signal SIG37', r'= 37$', r'exited normally')


@case
def signal_steps(t):
    """Stepping while signals rain."""
    g = Guest(t, 'signals', ['alarm'])
    Gdb(t, g, '''handle SIGALRM nostop noprint pass
break loop
continue
delete
next
next
next
next
finish
break LINE(handler)
continue
backtrace
finish
finish
delete
continue
''').expect(r'^Breakpoint 1, loop', r'^main \(argc=2', r'^Breakpoint 2, on_signal', r'<signal handler called>', r'exited normally')
    g.end(0)
    if g.stdout() != 'alarms\n':
        raise Failed(g.stdout())


@case
def exits(t):
    for code in (0, 1, 255):
        g = Guest(t, 'basic', [str(code)])
        Gdb(t, g, 'continue\nprint $_exitcode\n').expect(r'exited normally' if not code else rf'exited with code 0?{code:o}\]', rf'= {code}$')
        g.end(code)


@case
def detach(t):
    """detach, kill, and gdb that is simply gone."""
    g = Guest(t, 'basic')
    Gdb(t, g, 'break add\nwatch counter\ncontinue\ncontinue\ndetach\n').expect(r'Breakpoint 1, add', r'Detaching|detached')
    g.end(7)
    g = Guest(t, 'basic')
    Gdb(t, g, 'break add\ncontinue\nkill\n').expect(r'Breakpoint 1, add')
    g.end(-signal.SIGKILL)
    g = Guest(t, 'threads')
    r = Remote(g)
    r.want('?', r'T05.*')
    r.want(f'Z0,{t.symbol("threads", "tick"):x},{t.guest.shortest}', 'OK')
    r.want('vCont;c', r'T05thread:.*')
    r.close()
    g.end(0)
    g = Guest(t, 'threads')
    r = Remote(g)
    r.want('?', r'T05.*')
    r.send('vCont;c')
    time.sleep(0.3)
    r.close()
    g.end(0)
    if g.stdout() != 'slept 0 polled 0 got x long enough\n':
        raise Failed(g.stdout())


# --- children, programs ---

@case
def forks(t):
    """gdb stays with the parent; children run free of breakpoints, and by their own signals' defaults."""
    for what, status, reached in (('fork', 128 + signal.SIGUSR1, 1), ('vfork', 4, 2), ('spawn', 41, 1)):
        g = Guest(t, 'children', [what])
        gdb = Gdb(t, g, 'break place\ncontinue\nprint who\ncontinue\n')
        gdb.expect(r'Breakpoint 1, place \(who=1\)', r'^\$1 = 1$', r'exited normally').never(r'who=(2|40|10\d)')
        g.end(0)
        if f'{what}: status {status} reached {reached}\n' not in g.stdout():
            raise Failed(g.stdout())


@case
def execs(t):
    """gdb goes along through execve, a failed one too, and with that of a thread."""
    for what, stops in (('exec', 2), ('exec-thread', 1)):
        g = Guest(t, 'children', [what])
        gdb = Gdb(t, g, 'break place\n' + 'continue\nprint who\n' * stops + 'backtrace\ncontinue\n')
        if stops == 2:
            gdb.expect(r'Breakpoint 1, place \(who=1\)', r'^\$1 = 1$')
        gdb.expect(r'is executing new program: .*children', r'Breakpoint 1, (.*hit )?place \(who=40\)|place \(who=40\)', r'^#1 .*main', r'exited with code 051')
        g.end(41)


@case
def dynamic(t):
    """A dynamic, position-independent program: symbols of it and of its libraries, with gdb's own copy and through the stub."""
    for setup in (f'set sysroot {t.guest.libraries}', ''):
        g = Guest(t, 'basic', kind='dynamic')
        Gdb(t, g, '''break main
continue
info sharedlibrary
break write
continue
backtrace
delete
continue
''', setup=setup).expect(r'Breakpoint 1, main', r'ld-linux-(riscv|aarch)64', r'libc\.so\.6', r'Breakpoint 2, .*write', r'main \(', r'exited with code 07')
        g.end(7)


@case
def no_file(t):
    """gdb without the program's file: the stub names it and gives its content, in a guest root too."""
    g = Guest(t, 'basic', kind='static')
    Gdb(t, g, '''break add
continue
info args
continue 9
continue
''', file=False).expect(r'Breakpoint 1, add', r'^a = 0$', r'exited with code 07')
    g.end(7)
    root = os.path.join(t.tmp, 'root')
    binary = t.build('basic', 'dynamic')
    os.makedirs(root + '/lib')
    os.makedirs(root + '/dynamic')
    for name in (t.guest.loader, 'libc.so.6', 'libpthread.so.0'):
        if os.path.exists(f'{t.guest.libraries}/lib/{name}'):
            shutil.copy(f'{t.guest.libraries}/lib/{name}', root + '/lib/' + name)
    shutil.copy(binary, root + '/basic')
    for setup in ('', f'set sysroot {root}'):
        g = Guest(t, 'basic', kind='dynamic', root=root)
        Gdb(t, g, '''break scale
continue
backtrace
info sharedlibrary
continue
''', file=False, setup=setup).expect(r'Breakpoint 1, .*scale', r'#1 .*main', r'libc\.so\.6', r'exited with code 07')
        g.end(7)


# --- the protocol itself ---

@case
def packets(t):
    """Packets that gdb does not send, malformed ones, and all thread actions."""
    g = Guest(t, 'basic')
    r = Remote(g)
    r.sock.sendall(b'$?#00')
    if r.byte() != b'-':
        raise Failed('a wrong checksum is taken')
    first = r.want('?', r'T05thread:[0-9a-f]+;')
    tid = first[10:-1]
    for text in ('', '!', 'vMustReplyEmpty', 'qTStatus', 'X0,0:', 'Z3,0,4', 'Z9', 'zz', 'vFile:write:0,0,x', 'vFile:', 'vFile', 'qXfer', 'R00'):
        r.want(text, r'')
    r.want('vFile:open:2f,0,0', r'F-1,15')
    r.want('vFile:open:2f6e6f6e65,0,0', r'F-1,2')
    r.want('vFile:open:2f,1,0', r'F-1,1e')
    r.want('vFile:pread:0,10,0', r'F-1,9')
    r.want('vFile:close:ffffffffff', r'F-1,9')
    r.want('qXfer:features:read:target.xml:0,zz', r'[ml]?.*')
    r.want('qXfer:features:read:target.xml:ffffffff,10', r'l')
    r.want('qXfer:auxv:read::0', r'.*')
    r.want('m0,8', r'E0e')
    r.want('mffffffffffffff00,800', r'E0e')
    r.want('m', r'.*')
    r.want('M0', r'E0e')
    r.want('Mfff:00', r'E0e')
    r.want('Z2,10000,0', r'E.*')
    r.want('Z2,ffffffffffffffff,8', r'E.*')
    r.want('Z2,10000,fffffff', r'E.*')
    r.want('P', r'E01')
    r.want('P20', r'E01')
    r.want('P20=12', r'E01')
    r.want('Pffff=1234567812345678', r'E01')
    r.want('pffff', r'E01')
    r.want('Hgfffff', r'E01')
    r.want('Tfffff', r'E01')
    r.want('G00', r'E01')
    regs = r.ask('g')
    r.want('G' + regs, 'OK')
    if r.ask('g') != regs:
        raise Failed('G does not write what g reads')
    if t.guest.name == 'riscv64':  # which has no odd pc
        r.want('P20=' + (r.register(32) | 1).to_bytes(8, 'little').hex(), 'OK')
        if r.register(32) & 1:
            raise Failed('an odd pc')
    pc = r.register(32)
    r.want(f'vCont;s:{tid}', r'T05thread:.*')
    if r.register(32) == pc:
        raise Failed('s does not step')
    step = t.guest.shortest
    r.want('s', r'T05.*')
    r.want('S00', r'T05.*')
    pc = r.register(32)
    r.want(f'vCont;r{pc:x},{pc + step:x}:{tid};c', r'T05.*')
    for i in range(1030):
        r.want(f'Z0,{0x20000 + step * i:x},{step}', 'OK' if i < 1024 else r'E.*')
    for i in range(1030):
        r.want(f'z0,{0x20000 + step * i:x},{step}', 'OK')
    for _ in range(40):
        r.want('Z2,%x,8' % t.symbol('basic', 'counter'), 'OK')
    r.want('z2,%x,8' % t.symbol('basic', 'counter'), 'OK')
    r.want('QStartNoAckMode', 'OK')
    r.want('vCont;c', r'W07')
    g.end(7)


@case
def many_stops(t):
    """Stops and interrupts at random, with threads: none is lost, nothing hangs."""
    g = Guest(t, 'threads', ['8'])
    r = Remote(g)
    r.want('?', r'T05.*')
    tick = t.symbol('threads', 'tick')
    ready = t.symbol('threads', 'all_started')
    step = t.guest.shortest
    r.want(f'Z0,{ready:x},{step}', 'OK')
    r.want('vCont;c', r'T05.*')
    r.want(f'z0,{ready:x},{step}', 'OK')
    start = time.monotonic()
    n = 0
    while time.monotonic() < start + 1.2:
        if n % 3 == 0:
            r.want(f'Z0,{tick:x},{step}', 'OK')
            stop = r.want('vCont;c', r'T05.*')
            r.want(f'z0,{tick:x},{step}', 'OK')
            r.want(f'vCont;s:{stop[10:-1]}', r'T05.*')
        else:
            r.send('vCont;c')
            time.sleep(0.001 * (n % 5))
            r.interrupt()
            got = r.receive()
            if not got.startswith('T02'):
                raise Failed(f'{got} instead of SIGINT after {n} rounds')
        r.want('qXfer:threads:read::0,4000', r'l.*')
        r.ask('g')
        n += 1
    r.send('D')
    r.receive()
    g.end(0)
    if g.stdout() != 'slept 0 polled 0 got x long enough\n':
        raise Failed(g.stdout())


@case
def waiting(t):
    """While Dragoman waits for gdb it can be ended; a port in use is told."""
    g = Guest(t, 'basic')
    g.process.send_signal(signal.SIGINT)
    g.end(-signal.SIGINT)
    g = Guest(t, 'basic')
    r = subprocess.run([t.dragoman, 'run', '-g', str(g.port), g.binary], capture_output=True, text=True, timeout=20 * PATIENCE)
    if r.returncode != 125 or 'in use' not in r.stderr:
        raise Failed(r.stderr)
    Gdb(t, g, 'continue\n').expect(r'code 07')
    g.end(7)
    for bad in ('-1', '65536', 'x', ''):
        r = subprocess.run([t.dragoman, 'run', '-g', bad, g.binary], capture_output=True, text=True, timeout=20 * PATIENCE)
        if r.returncode != 125 or 'not a port' not in r.stderr:
            raise Failed(bad + r.stderr)


if __name__ == '__main__':
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--dragoman')
    guests.add_option(ap)
    ap.add_argument('--gdb', default='gdb-multiarch')
    ap.add_argument('--option', action='append', default=[], help='of dragoman run')
    cases.add_options(ap)
    sys.exit(cases.run(ap.parse_args(), 'dragoman-gdb-', lambda opt, tmp: Test(opt.dragoman, opt.option, opt.guest, opt.gdb, tmp)))
