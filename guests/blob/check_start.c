/* SPDX-License-Identifier: MIT */
/*
 * Guests that start in real and in protected mode, walk to 64-bit mode, down again and up again.
 * What they did on the way was the same in the CPU's hands as in the core's (modes.h).
 */
#include "check.h"
#include "modes.h"

#define IA32_EFER 0xc0000080u
#define EFER_LME  (1u << 8)
#define EFER_LMA  (1u << 10)

#define VECTOR_DE  0u
#define ENTERED_IP 7u /* of the call in modes.S that finds it out, with the offset behind it */

#define NOT_MAPPED  0x4400000u
#define ALIAS_VALUE 0x600d600du
#define UNKNOWN     ((uint32_t)HYPERCALL_UNKNOWN)

static void is_intel(const volatile uint32_t vendor[3])
{
    EXPECT(vendor[0] == 0x756e6547 && vendor[1] == 0x49656e69 && vendor[2] == 0x6c65746e);
}

static void real_mode_was_real(uint32_t visits)
{
    EXPECT(real_visits == visits);
    EXPECT(!(real_cr0 & (CR0_PE | CR0_PG)) && real_cr0 & CR0_ET);
    EXPECT(real_cr0_toggled == (real_cr0 ^ CR0_NE));
    EXPECT(real_efer == 0);
    is_intel(real_vendor);
    EXPECT(real_hypercall == UNKNOWN);
    EXPECT(real_through_es == 0x5aa5);
    EXPECT(real_in == 0xfb);
    EXPECT(real_registers[0] == 0xabcd0000 && real_registers[1] == 0xdead0012);
    EXPECT(real_registers[2] == 0xbeef010a && real_ins == 0xf7f7);
    /* FLAGS, CS and IP, and never an error code. */
    EXPECT(real_events[0] == MODE_EVENT(TEST_VECTOR, 6, 2));
    EXPECT(real_events[1] == MODE_EVENT(VECTOR_UD, 6, 0));
    EXPECT(real_events[2] == MODE_EVENT(VECTOR_DE, 6, 0));
    EXPECT(real_events[3] == MODE_EVENT(VECTOR_GP, 6, 0));
    EXPECT(real_events[4] == MODE_EVENT(VECTOR_GP, 6, 0));
    EXPECT(real_events[5] == MODE_EVENT(VECTOR_GP, 6, 0));
}

static void protected_mode_was_protected(uint32_t visits)
{
    EXPECT(protected_visits == visits);
    EXPECT((protected_cr0 & (CR0_PE | CR0_ET | CR0_PG)) == (CR0_PE | CR0_ET));
    EXPECT(protected_cr0_toggled == (protected_cr0 ^ CR0_NE));
    EXPECT(protected_cr3 == 0x7654000);
    EXPECT(protected_cr4[0] == (CR4_PSE | CR4_PAE | CR4_PGE) && protected_cr4[1] == 0);
    EXPECT(protected_efer[0] == 0 && protected_efer[1] == EFER_LME);
    is_intel(protected_vendor);
    EXPECT(protected_hypercall == UNKNOWN);
    EXPECT(protected_product[0] == 0x20001 && protected_product[1] == 1);
    EXPECT(protected_in == 0xfb);
    EXPECT(protected_registers[0] == 0 && protected_registers[1] == 2);
    EXPECT(protected_registers[2] == 2 && protected_ins == 0xf7f7);
    EXPECT(protected_events[0] == MODE_EVENT(TEST_VECTOR, 12, 2));
    EXPECT(protected_events[1] == MODE_EVENT(VECTOR_UD, 12, 0));
    EXPECT(protected_events[2] == MODE_EVENT(VECTOR_GP, 16, 0) && protected_errors[2] == 0);
    EXPECT(protected_events[3] == MODE_EVENT(VECTOR_GP, 16, 0) && protected_errors[3] == 0);

    EXPECT(protected_paged_cr0 == (protected_cr0 | CR0_PG));
    EXPECT(protected_paged_cr3 == (uint32_t)(uintptr_t)protected_directory);
    EXPECT(protected_alias[0] == ALIAS_VALUE && protected_alias[1] == ALIAS_VALUE);
    EXPECT(protected_events[4] == MODE_EVENT(VECTOR_PF, 16, 0) && protected_errors[4] == 2);
    EXPECT(protected_cr2 == NOT_MAPPED && protected_unpaged_cr0 == protected_cr0);
}

/* Here, and as it was reached: LMA follows paging. */
static void long_mode_is_long(void)
{
    uint64_t efer, wide = 0x123456789abcdef0;

    EXPECT(up_efer[0] == EFER_LME && up_efer[1] == (EFER_LME | EFER_LMA));
    EXPECT(try_rdmsr(IA32_EFER, &efer) && efer == (EFER_LME | EFER_LMA));
    EXPECT((read_cr0() & (CR0_PE | CR0_PG)) == (CR0_PE | CR0_PG) && read_cr4() == CR4_PAE);
    __asm__ volatile("mov %0, %%r8; bswap %%r8; mov %%r8, %0" : "+r"(wide) : : "r8");
    EXPECT(wide == 0xf0debc9a78563412);
}

static void descend(bool real, uint32_t real_visits_then, uint32_t protected_visits_then)
{
    uint64_t cr3 = read_cr3();

    modes_descend(real);
    EXPECT(down_efer == EFER_LME && read_cr3() == cr3);
    EXPECT(real_visits == real_visits_then);
    protected_mode_was_protected(protected_visits_then);
    long_mode_is_long();
}

static void check_start_real(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    EXPECT(entered_cs == GUEST_LOW_BASE >> 4 && entered_ip == ENTERED_IP);
    EXPECT(read_cr3() == (uint64_t)modes_tables);
    real_mode_was_real(1);
    EXPECT(real_cr0 == CR0_ET);
    protected_mode_was_protected(1);
    long_mode_is_long();
    descend(true, 2, 2);
    real_mode_was_real(2);
    descend(false, 2, 3);
    descend(true, 3, 4);
    real_mode_was_real(3);
}

static void check_start_protected(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    EXPECT(read_cr3() == (uint64_t)modes_tables);
    EXPECT(real_visits == 0);
    protected_mode_was_protected(1);
    EXPECT(protected_cr0 == (CR0_PE | CR0_ET));
    long_mode_is_long();
    descend(false, 0, 2);
    descend(false, 0, 3);
}

/* From 64-bit mode to protected mode and back, in which a start in 64-bit mode differs in nothing.
 */
static void check_descent(struct sample *samples, uint64_t count)
{
    uint32_t visits = protected_visits;

    (void)samples;
    (void)count;
    descend(false, real_visits, visits + 1);
    EXPECT(read_cr3() == GUEST_PAGE_TABLES);
}

ROWS = {
    {
        .name = "check/start_real",
        .description = "starts in real mode, and goes up to 64-bit mode, down and up",
        .instruction = "MOV CR, WRMSR, INT",
        .op = check_start_real,
        .control = check_start_real,
        .requires = ROW_REQUIRES_UNRESTRICTED | ROW_REQUIRES_REAL_PORTS | ROW_REQUIRES_REAL_MSRS,
        .flags = ROW_CHECK | ROW_START_REAL,
    },
    {
        .name = "check/start_protected",
        .description = "starts in protected mode, and goes up to 64-bit mode, down and up",
        .instruction = "MOV CR, WRMSR, INT",
        .op = check_start_protected,
        .control = check_start_protected,
        .flags = ROW_CHECK | ROW_START_PROTECTED,
        .requires = ROW_REQUIRES_REAL_PORTS | ROW_REQUIRES_REAL_MSRS,
    },
    {
        .name = "check/descent",
        .description = "starts in 64-bit mode, and goes down to protected mode and up",
        .instruction = "MOV CR, WRMSR, INT",
        .op = check_descent,
        .control = check_descent,
        .flags = ROW_CHECK,
        .requires = ROW_REQUIRES_REAL_PORTS | ROW_REQUIRES_REAL_MSRS,
    },
};
