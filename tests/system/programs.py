"""More cases of the system tests: those that take more than starting a program and reading what it says."""
import glob
import os
import re
import shutil

from cases import case
from run import Failed


# --- the C library's own choice of code for a CPU ---

# CPUs that glibc makes its choice for, by the names that its tunable knows.
CPUS = {"arm64": ["generic", "kunpeng920", "emag", "a64fx", "thunderxt88", "thunderx2t99", "oryon-1", "nothing-known"], "riscv64": [], "amd64": []}


@case("ifunc", ["gcc"], ["ifunc.c"], timeout=300)
def ifunc(cx):
    """memcpy, strlen and their like, each kind that this CPU may be given, at every size and alignment, up to the ends of pages."""
    out = [cx.run(["/usr/bin/gcc", "-O2", "-o", "ifunc", "ifunc.c"]).text()]
    r = cx.run(["./ifunc"])
    out.append("%s[status %d]\n" % (r.out, r.status))
    chosen = {r.err}
    for cpu in CPUS[cx.engine.arch]:
        again = cx.run(["./ifunc"], env={"GLIBC_TUNABLES": "glibc.cpu.name=" + cpu})
        chosen.add(again.err)
        if (again.out, again.status) != (r.out, r.status):
            out.append("as %s: %s" % (cpu, again.text()))
    if CPUS[cx.engine.arch] and len(chosen) < 3:
        out.append("only these kinds were ever chosen: %s\n" % sorted(chosen))
    return "".join(out)


# --- ffmpeg ---

EXACT = ["-idct", "simple"]
VIDEO = ["-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10:duration=3"]
AUDIO = ["-f", "lavfi", "-i", "sine=frequency=440:beep_factor=4:duration=3"]
FFMPEG = ["/usr/bin/ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-y", "-bitexact"]

# Formats whose decoders are exact to the bit on every CPU, with EXACT for the older ones: name, what makes one.
CLIPS = {"ffv1.mkv": ["-c:v", "ffv1", "-c:a", "flac"], "mpeg4.avi": ["-c:v", "mpeg4", "-q:v", "5", "-c:a", "pcm_s16le"],
         "h264.mp4": ["-c:v", "libx264", "-preset", "fast", "-x264-params", "threads=1", "-an"], "hevc.mkv": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "pools=1:log-level=none", "-an"],
         "vp9.webm": ["-c:v", "libvpx-vp9", "-b:v", "200k", "-cpu-used", "8", "-threads", "1", "-an"], "vp8.webm": ["-c:v", "libvpx", "-b:v", "200k", "-cpu-used", "8", "-an"],
         "mpeg2.ts": ["-c:v", "mpeg2video", "-c:a", "mp2"], "mjpeg.mov": ["-c:v", "mjpeg", "-q:v", "4", "-c:a", "alac"], "png.mkv": ["-c:v", "png", "-c:a", "adpcm_ima_wav"]}

# What loses nothing: what comes back must be what went in, whoever encoded it.
LOSSLESS = {"ffv1": ["-c:v", "ffv1", "-level", "3", "-slices", "4"], "x264": ["-c:v", "libx264", "-qp", "0", "-preset", "medium"], "ffvhuff": ["-c:v", "ffvhuff"],
            "vp9": ["-c:v", "libvpx-vp9", "-lossless", "1", "-cpu-used", "8"], "x265": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "lossless=1:log-level=none"]}


@case("ffmpeg", ["ffmpeg"], timeout=900, large=True)
def ffmpeg(cx):
    """Clips that a native ffmpeg made, decoded and scaled, frame by frame to a hash; and encoding here, without loss, to what went in."""
    out = []
    for name, how in CLIPS.items():
        if not os.path.exists(os.path.join(cx.shared, name)):
            r = cx.tool(FFMPEG + VIDEO + AUDIO + how + ["-shortest", name])
            if r.status:
                raise Failed("making %s: %s" % (name, r.text()))
        shutil.copy(os.path.join(cx.shared, name), cx.dir)
        for threads in ("1", "3"):
            out.append(cx.run(FFMPEG + EXACT + ["-threads", threads, "-i", name, "-map", "0:v", "-f", "framemd5", "-"]).text())
        if name.split(".")[0] in ("ffv1", "mpeg4", "mjpeg", "png"):
            out.append(cx.run(FFMPEG + ["-i", name, "-map", "0:a", "-f", "hash", "-hash", "sha256", "-"]).text())
    out.append(cx.run(FFMPEG + ["-i", "h264.mp4", "-vf", "scale=200:90:flags=bicubic+accurate_rnd+bitexact,hflip,transpose", "-pix_fmt", "rgb24", "-f", "framemd5", "-"]).text())
    source = cx.run(FFMPEG + VIDEO + ["-pix_fmt", "yuv420p", "-f", "hash", "-hash", "sha256", "-"]).text()
    out.append("source " + source)
    for name, how in LOSSLESS.items():
        pixels = ["-pix_fmt", "yuv420p"]
        r = cx.run(FFMPEG + VIDEO + pixels + how + ["%s.mkv" % name])
        out.append("%s %s" % (name, r.text()))
        out.append(cx.run(FFMPEG + ["-i", "%s.mkv" % name] + pixels + ["-f", "hash", "-hash", "sha256", "-"]).text())
    r = cx.run(FFMPEG + VIDEO + AUDIO + ["-c:v", "libx264", "-c:a", "aac", "-t", "2", "all.mp4"])
    out.append("%s%s" % (r.text(), cx.run(["/usr/bin/ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height,sample_rate,nb_frames", "-of", "csv", "all.mp4"]).text()))
    return "".join(out)


# --- NumPy's own tests ---

def pytest_results(text):
    """test id -> its outcome, from what pytest -v says."""
    return dict(re.findall(r"(?m)^(\S+::.*?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b", text))


def no_new_pytest_failures(want, got):
    """Offences of a run of pytest: what passes natively must pass, or be skipped as not for this CPU; what is not there natively must not fail."""
    if got.startswith("[case failed]"):
        return got.splitlines()
    a, b = pytest_results(want), pytest_results(got)
    bad = ["%s: %s, natively %s" % (name, result, a.get(name, "not there")) for name, result in sorted(b.items())
           if result in ("FAILED", "ERROR") and a.get(name) not in ("FAILED", "ERROR")]
    missing = [name for name, result in sorted(a.items()) if result == "PASSED" and name not in b and "simd" not in name.lower()]
    bad += ["%s: natively passed, here missing" % name for name in missing[:20]]
    if not b or not re.search(r"(?m)^=+ .*\b\d+ passed.* in ", got):
        bad.append("no summary at the end: %s" % got[-300:])
    return bad


def numpy_tests(name, modules, *more, **kw):
    """`modules`: folders and files of NumPy's, or patterns of them."""
    @case(name, ["numpy"], timeout=kw.pop("timeout", 300), compare=no_new_pytest_failures, **kw)
    def fn(cx):
        where = "/usr/lib/python3/dist-packages/numpy"
        found = [f for m in modules for f in sorted(glob.glob("%s%s/%s" % (cx.engine.root, where, m)))]
        if not found:
            raise Failed("no %s of NumPy's" % " ".join(modules))
        env = {"PYTHONHASHSEED": "1", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "2"}
        return cx.run(["/usr/bin/python3", "-m", "pytest", "-v", "-p", "no:cacheprovider", "--rootdir", where, "--color=no", "--tb=short", "-m", "not slow"]
                      + [f[len(cx.engine.root):] for f in found] + list(more), env=env).text()


# Natively there is a set of tests for each of a dozen extensions of the CPU; those that every CPU of the kind passes are enough.
numpy_tests("numpy", ["_core/tests/test_simd.py", "_core/tests/test_half.py", "fft"], "-k", "(baseline or not SIMD) and not identity", timeout=600)

# All of them, in parts; but what is called huge takes gigabytes, and f2py's want compilers of C and Fortran.
for _part, _modules in {
        "core-a": ["_core/tests/test_[!m-z]*.py"], "core-m": ["_core/tests/test_m*.py"], "core-n": ["_core/tests/test_[n-r]*.py"],
        "core-s": ["_core/tests/test_s*.py"], "core-t": ["_core/tests/test_[t-z]*.py"], "lib": ["lib"], "linalg": ["linalg"], "ma": ["ma"],
        "random": ["random"], "rest": ["fft", "[!_cflmr]*/tests", "_[!c]*/tests", "compat/tests", "matrixlib", "tests"]}.items():
    numpy_tests("numpy-" + _part, _modules, "-k", "not huge", timeout=3600, large=True)
