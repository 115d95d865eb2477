/* What a fuzzer has: one function with the interface that libFuzzer calls. Built with clang's -fsanitize=fuzzer it
 * stands alone; otherwise main.c drives it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
