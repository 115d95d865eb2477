/* An instruction that this host has not: udf. */
#pragma once

static const unsigned char no_insn[] = {0x00, 0x00, 0x00, 0x00};
