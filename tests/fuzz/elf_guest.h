/* What the fuzzer of ELF files is linked with; see elf.c. */
#pragma once

#include "personality/linux/abi.h"

/* The guest in whose process files are mapped. */
extern const struct lx_abi *const fuzz_abi;
