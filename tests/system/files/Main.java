/* Hot loops that are compiled at run time, threads, locks, collections, streams, strings, exceptions, a socket, garbage collection. */
import java.io.*;
import java.math.BigInteger;
import java.net.*;
import java.nio.file.*;
import java.security.MessageDigest;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;

public class Main {
    interface Shape { double area(); }
    record Circle(double r) implements Shape { public double area() { return Math.PI * r * r; } }
    record Square(double a) implements Shape { public double area() { return a * a; } }

    static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
    static int deep(int n) { return n + deep(n + 1); }

    public static void main(String[] args) throws Exception {
        System.out.println(fib(27));
        long h = 0;
        for (int i = 0; i < 5_000_000; i++) h = h * 31 + (i ^ (h >>> 7));
        System.out.println(h);
        double s = 0;
        for (int i = 1; i < 300_000; i++) s += Math.sin(i) / i + Math.sqrt(i) % 1;
        System.out.printf("%.9f %d %d %d%n", s, (int) Double.NaN, (long) 1e30, Integer.MIN_VALUE / -1);
        Shape[] shapes = new Shape[1000];
        for (int i = 0; i < 1000; i++) shapes[i] = i % 2 == 0 ? new Circle(i) : new Square(i);
        double area = 0;
        for (int k = 0; k < 200; k++) for (Shape x : shapes) area += x.area();
        System.out.printf("%.3f%n", area);
        Map<String, Integer> m = new HashMap<>();
        for (int i = 0; i < 100_000; i++) m.merge("k" + i * 7919L % 5003, 1, Integer::sum);
        System.out.println(m.size() + " " + m.get("k42") + " " + new TreeMap<>(m).firstKey());
        System.out.println(IntStream.range(0, 100_000).parallel().filter(i -> i % 7 == 0).mapToLong(i -> i).sum());
        System.out.println(Stream.of("b", "a", "c").sorted().collect(Collectors.joining(",")) + BigInteger.TWO.pow(127).subtract(BigInteger.ONE).isProbablePrime(20));
        ExecutorService pool = Executors.newFixedThreadPool(8);
        AtomicLong total = new AtomicLong();
        int[] locked = new int[1];
        List<Future<Integer>> futures = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
            final int id = t;
            futures.add(pool.submit(() -> { for (int i = 0; i < 20_000; i++) { total.addAndGet(id); synchronized (locked) { locked[0]++; } } return id * id; }));
        }
        int sum = 0;
        for (Future<Integer> f : futures) sum += f.get();
        pool.shutdown();
        System.out.println(total + " " + locked[0] + " " + sum + " " + pool.awaitTermination(5, TimeUnit.SECONDS));
        BlockingQueue<Integer> q = new ArrayBlockingQueue<>(10);
        Thread producer = new Thread(() -> { try { for (int i = 0; i < 2000; i++) q.put(i); q.put(-1); } catch (InterruptedException e) { } });
        producer.start();
        long got = 0;
        for (int v; (v = q.take()) >= 0;) got += v;
        System.out.println(got);
        try { Object o = null; o.hashCode(); } catch (NullPointerException e) { System.out.println("null"); }
        try { deep(0); } catch (StackOverflowError e) { System.out.println("overflow"); }
        try { int[] a = new int[3]; a[args.length + 3] = 1; } catch (ArrayIndexOutOfBoundsException e) { System.out.println(e.getMessage()); }
        try { System.out.println(1 / args.length); } catch (ArithmeticException e) { System.out.println(e.getMessage()); }
        System.out.println(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest("x".repeat(100_000).getBytes())));
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread t = new Thread(() -> { try (Socket c = server.accept()) { c.getInputStream().transferTo(c.getOutputStream()); } catch (IOException e) { } });
            t.start();
            try (Socket c = new Socket(InetAddress.getLoopbackAddress(), server.getLocalPort())) {
                c.getOutputStream().write("echo\n".getBytes());
                c.shutdownOutput();
                System.out.print(new String(c.getInputStream().readAllBytes()));
            }
            t.join();
        }
        List<byte[]> keep = new ArrayList<>();
        for (int i = 0; i < 3000; i++) { keep.add(new byte[20_000]); if (keep.size() > 50) keep.remove(0); }
        System.gc();
        System.out.println(keep.size());
        Process p = new ProcessBuilder("sh", "-c", "echo child; exit 4").redirectErrorStream(true).start();
        System.out.print(new String(p.getInputStream().readAllBytes()));
        System.out.println(p.waitFor());
        Thread[] many = new Thread[40];
        AtomicInteger n = new AtomicInteger();
        for (int i = 0; i < many.length; i++) { many[i] = Thread.ofVirtual().start(n::incrementAndGet); }
        for (Thread t : many) t.join();
        System.out.println(n);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
        System.exit(6);
    }
}
