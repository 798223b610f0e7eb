/* SPDX-License-Identifier: MIT */
/* Checks on guest segment registers (SDM Vol. 3C 27.3.1.2). */
#include "check_rule.h"

enum { ES, CS, SS, DS, FS, GS, LDTR, TR, SEGMENTS };

#define ONE(register) (1u << (register))
#define DATA          (ONE(ES) | ONE(DS) | ONE(FS) | ONE(GS))
#define SIX           (DATA | ONE(CS) | ONE(SS))

#define TYPE(rights) ((rights)&0xf)
#define DPL(rights)  ((rights) >> 5 & 3)
#define RPL(value)   ((value)&3)

/* Access rights, SDM Vol. 3C table 25-2. */
#define TYPE_ACCESSED   0x1u
#define TYPE_READABLE   0x2u
#define TYPE_CODE       0x8u
#define RIGHTS_DPL      0x60u
#define RIGHTS_S        0x10u
#define RIGHTS_P        0x80u
#define RIGHTS_DB       0x4000u
#define RIGHTS_G        0x8000u
#define RIGHTS_UNUSABLE 0x10000u
#define RIGHTS_RESERVED 0xfffe0f00u
#define SELECTOR_TI     0x4u
#define UPPER           0xffffffff00000000ull
#define LIMIT_V86       0xffffu
#define RIGHTS_V86      0xf3u
#define CODE_TYPES      (1u << 9 | 1u << 11 | 1u << 13 | 1u << 15)
#define TYPE_READ_WRITE 3u

static enum vmcs_field of(enum vmcs_field of_es, int segment)
{
    return (enum vmcs_field)(of_es + 2 * segment);
}

static uint64_t rights_of(int segment)
{
    return check_field(of(VMCS_GUEST_ES_ACCESS_RIGHTS, segment));
}

static uint64_t selector_of(int segment)
{
    return check_field(of(VMCS_GUEST_ES_SELECTOR, segment));
}

static bool wants_rpl_of_cs(const struct check *check, uint64_t selector, uint64_t operand)
{
    (void)check;
    (void)operand;
    return RPL(selector) == RPL(selector_of(CS));
}

static bool wants_base_v86(const struct check *check, uint64_t base, uint64_t operand)
{
    (void)operand;
    return base == selector_of(check->segment) << 4;
}

/* Operand: a bit for each type allowed. */
static bool wants_type(const struct check *check, uint64_t rights, uint64_t types)
{
    (void)check;
    return types >> TYPE(rights) & 1;
}

static bool wants_readable_code(const struct check *check, uint64_t rights, uint64_t operand)
{
    (void)check;
    (void)operand;
    return !(rights & TYPE_CODE) || rights & TYPE_READABLE;
}

static bool wants_cs_dpl(const struct check *check, uint64_t rights, uint64_t operand)
{
    uint64_t dpl = DPL(rights), of_ss = DPL(rights_of(SS));
    (void)check;
    (void)operand;
    switch (TYPE(rights)) {
    case TYPE_READ_WRITE:
        return dpl == 0;
    case 9:
    case 11:
        return dpl == of_ss;
    default:
        return dpl <= of_ss;
    }
}

static bool wants_dpl_is_rpl(const struct check *check, uint64_t rights, uint64_t operand)
{
    (void)operand;
    return DPL(rights) == RPL(selector_of(check->segment));
}

static bool wants_ss_dpl_0(const struct check *check, uint64_t rights, uint64_t operand)
{
    (void)operand;
    return DPL(rights) == 0 ||
           (check->facts & IF(GUEST_PE) && TYPE(rights_of(CS)) != TYPE_READ_WRITE);
}

static bool wants_dpl_of_data(const struct check *check, uint64_t rights, uint64_t operand)
{
    (void)operand;
    return TYPE(rights) > 11 || DPL(rights) >= RPL(selector_of(check->segment));
}

static bool wants_db(const struct check *check, uint64_t rights, uint64_t operand)
{
    const uint64_t mode_64 = IF(ENTRY_IA32E_GUEST) | IF(GUEST_CS_L);
    (void)operand;
    return (check->facts & mode_64) != mode_64 || !(rights & RIGHTS_DB);
}

static bool wants_g_clear(const struct check *check, uint64_t rights, uint64_t operand)
{
    uint64_t limit = check_field(of(VMCS_GUEST_ES_LIMIT, check->segment));
    (void)operand;
    return (limit & 0xfff) == 0xfff || !(rights & RIGHTS_G);
}

static bool wants_g_set(const struct check *check, uint64_t rights, uint64_t operand)
{
    uint64_t limit = check_field(of(VMCS_GUEST_ES_LIMIT, check->segment));
    (void)operand;
    return !(limit & 0xfff00000) || rights & RIGHTS_G;
}

#define SELECTOR VMCS_GUEST_ES_SELECTOR
#define BASE     VMCS_GUEST_ES_BASE
#define LIMIT    VMCS_GUEST_ES_LIMIT
#define RIGHTS   VMCS_GUEST_ES_ACCESS_RIGHTS
#define V86      IF(GUEST_V86)
#define FREE     IF(SECONDARY_UNRESTRICTED_GUEST)

static const struct {
    unsigned registers;
    struct rule rule;
} rules[] = {
    {ONE(TR), {SELECTOR, ALWAYS, NEVER, wants_clear, SELECTOR_TI, "27.3.1.2: TI must be 0"}},
    {ONE(LDTR),
     {SELECTOR, ALWAYS, IF(UNUSABLE), wants_clear, SELECTOR_TI, "27.3.1.2: TI must be 0"}},
    {ONE(SS),
     {SELECTOR, ALWAYS, V86 | FREE, wants_rpl_of_cs, 0,
      "27.3.1.2: RPL must be that of CS (unless unrestricted guest)"}},
    {SIX,
     {BASE, V86, NEVER, wants_base_v86, 0, "27.3.1.2: in virtual-8086 mode the selector times 16"}},
    {ONE(TR) | ONE(FS) | ONE(GS),
     {BASE, ALWAYS, NEVER, wants_canonical, 0, "27.3.1.2: must be canonical"}},
    {ONE(LDTR), {BASE, ALWAYS, IF(UNUSABLE), wants_canonical, 0, "27.3.1.2: must be canonical"}},
    {ONE(CS) | ONE(SS) | ONE(DS) | ONE(ES),
     {BASE, ALWAYS, IF(UNUSABLE), wants_clear, UPPER, "27.3.1.2: bits 63:32 must be 0"}},
    {SIX, {LIMIT, V86, NEVER, wants_equal, LIMIT_V86, "27.3.1.2: in virtual-8086 mode 0xffff"}},
    {SIX, {RIGHTS, V86, NEVER, wants_equal, RIGHTS_V86, "27.3.1.2: in virtual-8086 mode 0xf3"}},
    {ONE(CS),
     {RIGHTS, ALWAYS, V86 | FREE, wants_type, CODE_TYPES,
      "27.3.1.2: type must be 9, 11, 13 or 15"}},
    {ONE(CS),
     {RIGHTS, FREE, V86, wants_type, CODE_TYPES | 1u << TYPE_READ_WRITE,
      "27.3.1.2: type must be 3, 9, 11, 13 or 15"}},
    {ONE(SS),
     {RIGHTS, ALWAYS, V86 | IF(UNUSABLE), wants_type, 1u << 3 | 1u << 7,
      "27.3.1.2: type must be 3 or 7"}},
    {DATA,
     {RIGHTS, ALWAYS, V86 | IF(UNUSABLE), wants_set, TYPE_ACCESSED,
      "27.3.1.2: type must be accessed (bit 0)"}},
    {DATA,
     {RIGHTS, ALWAYS, V86 | IF(UNUSABLE), wants_readable_code, 0,
      "27.3.1.2: type, if code, must be readable (bit 1)"}},
    {SIX,
     {RIGHTS, ALWAYS, V86 | IF(UNUSABLE), wants_set, RIGHTS_S, "27.3.1.2: S (bit 4) must be 1"}},
    {ONE(CS),
     {RIGHTS, ALWAYS, V86, wants_cs_dpl, 0,
      "27.3.1.2: DPL must be 0 for type 3, SS's DPL for 9 and 11, at most SS's for 13 and 15"}},
    {ONE(SS),
     {RIGHTS, ALWAYS, V86 | FREE, wants_dpl_is_rpl, 0,
      "27.3.1.2: DPL must be the selector's RPL (unless unrestricted guest)"}},
    {ONE(SS),
     {RIGHTS, ALWAYS, V86, wants_ss_dpl_0, 0,
      "27.3.1.2: DPL must be 0 without CR0.PE, or with CS of type 3"}},
    {DATA,
     {RIGHTS, ALWAYS, V86 | FREE | IF(UNUSABLE), wants_dpl_of_data, 0,
      "27.3.1.2: DPL, for types up to 11, not below the selector's RPL (unless unrestricted "
      "guest)"}},
    {SIX,
     {RIGHTS, ALWAYS, V86 | IF(UNUSABLE), wants_set, RIGHTS_P, "27.3.1.2: P (bit 7) must be 1"}},
    {SIX,
     {RIGHTS, ALWAYS, V86 | IF(UNUSABLE), wants_clear, RIGHTS_RESERVED,
      "27.3.1.2: bits 11:8 and 31:17 must be 0"}},
    {ONE(CS), {RIGHTS, ALWAYS, V86, wants_db, 0, "27.3.1.2: D/B must be 0 in 64-bit mode"}},
    {SIX | ONE(LDTR) | ONE(TR),
     {RIGHTS, ALWAYS, V86 | IF(UNUSABLE), wants_g_clear, 0,
      "27.3.1.2: G must be 0 if any of the limit's bits 11:0 is 0"}},
    {SIX | ONE(LDTR) | ONE(TR),
     {RIGHTS, ALWAYS, V86 | IF(UNUSABLE), wants_g_set, 0,
      "27.3.1.2: G must be 1 if any of the limit's bits 31:20 is 1"}},
    {ONE(TR),
     {RIGHTS, ALWAYS, NEVER, wants_clear, RIGHTS_UNUSABLE, "27.3.1.2: must be usable (bit 16)"}},
    {ONE(TR),
     {RIGHTS, ALWAYS, IF(ENTRY_IA32E_GUEST), wants_type, 1u << 3 | 1u << 11,
      "27.3.1.2: type must be 3 or 11 (busy TSS)"}},
    {ONE(TR),
     {RIGHTS, IF(ENTRY_IA32E_GUEST), NEVER, wants_type, 1u << 11,
      "27.3.1.2: type must be 11 (busy 64-bit TSS)"}},
    {ONE(LDTR),
     {RIGHTS, ALWAYS, IF(UNUSABLE), wants_type, 1u << 2, "27.3.1.2: type must be 2 (LDT)"}},
    {ONE(LDTR) | ONE(TR),
     {RIGHTS, ALWAYS, IF(UNUSABLE), wants_clear, RIGHTS_S, "27.3.1.2: S (bit 4) must be 0"}},
    {ONE(LDTR) | ONE(TR),
     {RIGHTS, ALWAYS, IF(UNUSABLE), wants_set, RIGHTS_P, "27.3.1.2: P (bit 7) must be 1"}},
    {ONE(LDTR) | ONE(TR),
     {RIGHTS, ALWAYS, IF(UNUSABLE), wants_clear, RIGHTS_RESERVED,
      "27.3.1.2: bits 11:8 and 31:17 must be 0"}},
};

bool check_segments(const struct check *check, struct vmcs_fault *fault)
{
    for (int segment = 0; segment < SEGMENTS; segment++) {
        struct check here = *check;
        here.segment = segment;
        here.facts &= ~IF(UNUSABLE);
        /* CS is checked as if it were usable, and TR must be. */
        if (segment != CS && segment != TR && rights_of(segment) & RIGHTS_UNUSABLE)
            here.facts |= IF(UNUSABLE);
        for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
            if (rules[i].registers & ONE(segment) && !check_rules(&here, &rules[i].rule, 1, fault))
                return false;
    }
    return true;
}
