"""How the runners of tests see to the signals that programs begin with."""
import signal


def as_a_terminal_gives_them():
    """Undoes what nohup, and a shell for its background jobs, lets programs inherit: signals ignored. A program under test takes
    that over, and then waits forever for a child that it hangs up, or for an interrupt."""
    for s in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(s, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
