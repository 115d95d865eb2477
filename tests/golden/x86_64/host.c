#include "tests/golden/emit.h"

#include "translator/host/x86_64/gen.h"

void golden_features(u64 features)
{
    host_features = features & ((1u << NFEATS) - 1);
}

const char *golden_common(const void *common, u32 i, u32 *off)
{
    static const char *const names[] = {
        [C_ENTER] = "enter",
        [C_LEAVE] = "leave",
        [C_LEAVE_TAIL] = "leave_tail",
        [C_LINK] = "link",
        [C_LINK_AT] = "link_at",
        [C_LOOKUP] = "lookup",
        [C_RETURN] = "return",
        [C_RETURN_NONE] = "return_none",
        [C_POLL] = "poll",
        [C_POLL_AT] = "poll_at",
        [C_TRAP] = "trap",
        [C_SYSCALL] = "system_call",
        [C_MISALIGNED] = "misaligned",
        [C_CALL] = "call",
        [C_CALL_FP] = "call_fp",
        [C_SOFT] = "soft",
        [K_BOX32] = "k_box32",
        [K_BOX16] = "k_box16",
        [K_NAN64] = "k_nan64",
        [K_NAN32] = "k_nan32",
        [K_NAN16] = "k_nan16",
        [K_SIGN64] = "k_sign64",
        [K_SIGN32] = "k_sign32",
        [K_ABS64] = "k_abs64",
        [K_ABS32] = "k_abs32",
        [K_U32_64] = "k_u32_64",
        [K_U63_64] = "k_u63_64",
        [K_ZERO] = "k_zero",
        [K_HALF32] = "k_half32",
        [K_HALF64] = "k_half64",
        [K_ONE32] = "k_one32",
        [K_ONE64] = "k_one64",
        [K_POP1] = "k_pop1",
        [K_POP2] = "k_pop2",
        [K_FLAGS] = "k_flags",
        [K_ONES] = "k_ones",
        [K_EVEN8] = "k_even8",
        [K_EVEN16] = "k_even16",
        [K_EVEN32] = "k_even32",
        [K_SIGN8_V] = "k_sign8_v",
        [K_SIGN16_V] = "k_sign16_v",
        [K_SIGN32_V] = "k_sign32_v",
        [K_SIGN64_V] = "k_sign64_v",
        [K_NIBBLE] = "k_nibble",
        [K_POPS] = "k_pops",
        [K_PAST15] = "k_past15",
        [K_REV2] = "k_rev2",
        [K_REV4] = "k_rev4",
        [K_REV8] = "k_rev8",
        [K_REV16] = "k_rev16",
        [K_2P31_LESS] = "k_2p31_less",
        [K_2P16] = "k_2p16",
        [K_2P31_V] = "k_2p31_v",
        [K_MAX32_V] = "k_max32_v",
        [K_MAX64_V] = "k_max64_v",
        [K_2P23_V] = "k_2p23_v",
        [K_2P52_V] = "k_2p52_v",
        [K_HALF_LESS32] = "k_half_less32",
        [K_HALF_LESS64] = "k_half_less64",
        [K_ONE32_V] = "k_one32_v",
        [K_ONE64_V] = "k_one64_v",
        [K_2P63_LESS] = "k_2p63_less",
        [K_ODD8] = "k_odd8",
        [K_ODD16] = "k_odd16",
        [K_SEVEN8] = "k_seven8",
        [K_EIGHT8] = "k_eight8",
        [K_SIXTEEN16] = "k_sixteen16",
        [K_POW_SHL] = "k_pow_shl",
        [K_POW_SHR] = "k_pow_shr",
        [K_POW_SAR] = "k_pow_sar",
        [K_CLZ_LOW] = "k_clz_low",
        [K_CLZ_HIGH] = "k_clz_high",
        [K_FLUSH32] = "k_flush32",
        [K_FLUSH32_TOP] = "k_flush32_top",
        [K_FLUSH64] = "k_flush64",
        [K_FLUSH64_TOP] = "k_flush64_top",
        [K_EXP32_V] = "k_exp32_v",
        [K_EXP64_V] = "k_exp64_v",
        [K_SUM32] = "k_sum32",
        [K_SUM64] = "k_sum64",
        [K_RATIO32] = "k_ratio32",
        [K_RATIO64] = "k_ratio64",
        [K_NARROW_TOP] = "k_narrow_top",
        [K_LOW_HALF] = "k_low_half",
        [K_SHA1] = "k_sha1",
        [K_SHA1_2] = "k_sha1_2",
        [K_SHA1_3] = "k_sha1_3",
        [K_SHL8] = "k_shl8",
        [K_SHR8] = "k_shr8",
        [K_SAR8] = "k_sar8",
        [K_EST] = "k_est",
        [K_EST_ROOT] = "k_est_root",
        [C_GETFLAGS] = "getflags",
        [C_SETFLAGS] = "setflags",
        [K_TRAPS] = "k_traps",
        [C_KNOWN] = "known",
    };
    const struct common_head *h = common;
    _Static_assert(ARRAY_LEN(names) == C_COUNT, "each has a name");
    if (i >= C_COUNT)
        return NULL;
    *off = h->off[i];
    return names[i] ? names[i] : "nameless";
}

const char *golden_field(u32 i, u32 *off)
{
    static const struct {
        const char *name;
        s32 off;
    } fields[] = {
        {"jc.pc", VOFF(jc[0].pc)}, {"jc.code", VOFF(jc[0].code)}, {"jc_mask", VOFF(jc_mask)}, {"unseen", VOFF(unseen)}};
    if (i >= ARRAY_LEN(fields))
        return NULL;
    *off = (u32)fields[i].off;
    return fields[i].name;
}
