/* How the operands of floating point and SIMD are written: print_KIND functions of disasm.c. */
#pragma once
