/* An instruction that this host has not: ud2. */
#pragma once

static const unsigned char no_insn[] = {0x0f, 0x0b};
