/* The guest ISAs whose programs can be run. */
#include "personality/linux/abi.h"

const struct lx_abi *const lx_abis[] = {&lx_abi_riscv64, &lx_abi_aarch64, NULL};
