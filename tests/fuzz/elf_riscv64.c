/* The fuzzer of ELF files for riscv64; see elf.c. */
#include "tests/fuzz/elf_guest.h"

const struct lx_abi *const fuzz_abi = &lx_abi_riscv64;
