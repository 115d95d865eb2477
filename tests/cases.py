"""Test scripts that are rows of cases: a case is a function that is given a test, and returns, or raises Failed or Skip."""
import contextlib
import subprocess
import tempfile
import time

CASES = {}


class Skip(Exception):
    pass


class Failed(Exception):
    pass


def case(function):
    CASES[function.__name__.replace('_', '-')] = function
    return function


def check(cond, *what):
    if not cond:
        raise Failed(' '.join(str(w) for w in what))


def add_options(ap):
    ap.add_argument('--list', action='store_true', help='print the names of the cases')
    ap.add_argument('case', nargs='*')


def run(opt, prefix, make):
    """Runs the cases that `opt` asks for, each with make(opt, FOLDER), the folder being its own, which is closed if it can be; the
    exit status is 0, 1, or 77 when all were skipped."""
    if opt.list:
        print(*CASES)
        return 0
    failed = skipped = 0
    names = opt.case or list(CASES)
    for name in names:
        with tempfile.TemporaryDirectory(prefix=prefix) as tmp:
            start = time.monotonic()
            try:
                test = make(opt, tmp)
                with contextlib.closing(test) if hasattr(test, 'close') else contextlib.nullcontext():
                    CASES[name](test)
                verdict = 'ok'
            except Skip as e:
                verdict = f'skipped: {e}'
                skipped += 1
            except (Failed, EOFError, OSError, subprocess.SubprocessError) as e:
                verdict = f'FAILED: {type(e).__name__} {e}'
                failed += 1
            print(f'{name}: {verdict} ({time.monotonic() - start:.1f} s)', flush=True)
    return 1 if failed else 77 if skipped == len(names) else 0
