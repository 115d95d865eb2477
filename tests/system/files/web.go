// A web server: a goroutine a connection, a mutex, a channel with workers behind it, an end by signal that waits for what is under way.
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

type job struct {
	n      int
	answer chan int
}

func primes(n int) int {
	sieve := make([]bool, n+1)
	count := 0
	for i := 2; i <= n; i++ {
		if !sieve[i] {
			count++
			for j := i * i; j <= n; j += i {
				sieve[j] = true
			}
		}
	}
	return count
}

func main() {
	var lock sync.Mutex
	count := 0
	jobs := make(chan job)
	for i := 0; i < 4; i++ {
		go func() {
			for j := range jobs {
				j.answer <- primes(j.n)
			}
		}()
	}
	number := func(r *http.Request) int {
		n, _ := strconv.Atoi(r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
		return n
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/hash/", func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		count++
		lock.Unlock()
		fmt.Fprintf(w, "%x", sha256.Sum256([]byte(strings.Repeat("x", number(r)))))
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	mux.HandleFunc("/primes/", func(w http.ResponseWriter, r *http.Request) {
		j := job{number(r), make(chan int)}
		jobs <- j
		fmt.Fprintf(w, "%d\n", <-j.answer)
	})
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%d\n", count) })
	server := &http.Server{Addr: "127.0.0.1:" + os.Args[1], Handler: mux}
	done := make(chan os.Signal, 1)
	signal.Notify(done, syscall.SIGTERM)
	go func() { fmt.Fprintln(os.Stderr, server.ListenAndServe()) }()
	<-done
	server.Shutdown(context.Background())
}
