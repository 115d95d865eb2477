/* An instruction that this host has not: unimp. */
#pragma once

static const unsigned char no_insn[] = {0x73, 0x10, 0x00, 0xc0};
