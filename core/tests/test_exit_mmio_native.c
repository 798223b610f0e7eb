/* SPDX-License-Identifier: MIT */
/*
 * The emulation against the CPU that runs this test: random instructions of every form are executed
 * on memory, and emulated on a device that holds the same; registers, flags and bytes must be the
 * same afterwards. Linear addresses are the same for both, RIP included.
 */
#include "mmio_fixture.h"
#include "mmio_random.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define NATIVE_STATE  0x30000000 /* struct native; in the stub's text too */
#define NATIVE_CODE   0x30100000ull
#define NATIVE_DATA   0x30200000ull /* the page that is a device to the guest */
#define NATIVE_MEMORY 0x30300000ull /* ... and one that is memory to both */
#define ROUNDS        60000
#define FLAGS         (RFLAGS_ARITHMETIC | RFLAGS_DF)

/* In the order of register numbers. */
static struct native {
    uint64_t before[16], after[16];
    uint64_t flags_before, flags_after, rsp, target, back;
} * native;

/* Loads all registers, jumps to the target, which jumps back to native_back, and stores them. */
void native_run(void);
extern const char native_back[];
#define S "0x30000000+"
__asm__(".text\nnative_run:\n"
        "push %rbx\npush %rbp\npush %r12\npush %r13\npush %r14\npush %r15\n"
        "mov %rsp, " S "272\npushq " S "256\npopfq\n"
        "mov " S "0, %rax\nmov " S "8, %rcx\nmov " S "16, %rdx\nmov " S "24, %rbx\n"
        "mov " S "32, %rsp\nmov " S "40, %rbp\nmov " S "48, %rsi\nmov " S "56, %rdi\n"
        "mov " S "64, %r8\nmov " S "72, %r9\nmov " S "80, %r10\nmov " S "88, %r11\n"
        "mov " S "96, %r12\nmov " S "104, %r13\nmov " S "112, %r14\nmov " S "120, %r15\n"
        "jmp *" S "280\n"
        ".globl native_back\nnative_back:\n"
        "mov %rax, " S "128\nmov %rcx, " S "136\nmov %rdx, " S "144\nmov %rbx, " S "152\n"
        "mov %rsp, " S "160\nmov %rbp, " S "168\nmov %rsi, " S "176\nmov %rdi, " S "184\n"
        "mov %r8, " S "192\nmov %r9, " S "200\nmov %r10, " S "208\nmov %r11, " S "216\n"
        "mov %r12, " S "224\nmov %r13, " S "232\nmov %r14, " S "240\nmov %r15, " S "248\n"
        "mov " S "272, %rsp\npushfq\npopq " S "264\ncld\n"
        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbp\npop %rbx\nret\n");

static uint64_t seed;
static struct mmio_made made;

static void run_native(void)
{
    const struct {
        uint8_t jump[3];
        uint32_t at;
    } __attribute__((packed))
    back = {{0xff, 0x24, 0x25}, NATIVE_STATE + offsetof(struct native, back)};
    uint8_t *code = (uint8_t *)NATIVE_CODE;

    memcpy(code, made.bytes, made.count);
    memcpy(code + made.count, &back, sizeof(back));
    native->back = (uintptr_t)native_back;
    native->target = NATIVE_CODE;
    native_run();
}

static void frame_set(const uint64_t registers[16])
{
    for (unsigned i = 0; i < 16; i++)
        if (i != REGISTER_RSP)
            vcpu_set_register(&guest, i, registers[i]);
    exit_field(VMCS_GUEST_RSP, registers[REGISTER_RSP]);
}

/* Which of the operands of MOVS the next exit is about, as the CPU would find. */
static void take_exits(const struct opcode_form *form)
{
    for (unsigned i = 0; *simulated_field(VMCS_GUEST_RIP) == NATIVE_CODE; i++) {
        uint64_t linear = made.target, mask = made.narrow ? UINT32_MAX : UINT64_MAX;
        unsigned access = VIOLATION_READ | VIOLATION_WRITE;
        if (form->string) {
            bool to = (guest.rdi & mask) / PAGE_SIZE == NATIVE_DATA / PAGE_SIZE &&
                      (form->bytes[0] & 0xfe) != 0xac;
            linear = (to ? guest.rdi : guest.rsi) & mask;
            access = to ? VIOLATION_WRITE : VIOLATION_READ;
        }
        exit_field(VMCS_GUEST_LINEAR_ADDRESS, linear);
        exit_field(VMCS_GUEST_PHYSICAL_ADDRESS, MMIO_DEVICE + linear % PAGE_SIZE);
        assert_in_range(i, 0, 8);
        enum exit_outcome outcome =
            exit_take(EXIT_REASON_EPT_VIOLATION, access | VIOLATION_LINEAR | VIOLATION_FINAL);
        if (outcome != EXIT_RESUME)
            fail_msg("%s: %s", stop_cause_name(guest.stop.cause), guest.stop.text);
    }
}

static void say_instruction(void)
{
    char text[80] = "";
    for (size_t i = 0; i < made.count; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), " %02x", made.bytes[i]);
    print_error("instruction%s\n", text);
}

static void expect_same(const struct opcode_form *form, uint64_t flags)
{
    uint64_t ignored = form->logic ? RFLAGS_AF : 0, is = *simulated_field(VMCS_GUEST_RFLAGS);
    bool same = !((is ^ native->flags_after) & FLAGS & ~ignored) &&
                !memcmp(mmio_device, (void *)NATIVE_DATA, PAGE_SIZE) &&
                !memcmp(mmio_memory + MMIO_DATA, (void *)NATIVE_MEMORY, PAGE_SIZE) &&
                *simulated_field(VMCS_GUEST_RIP) == NATIVE_CODE + made.count;

    for (unsigned i = 0; i < 16; i++)
        same &= vcpu_register(&guest, i) == native->after[i];
    if (same)
        return;
    say_instruction();
    for (unsigned i = 0; i < 16; i++)
        print_error("%2u: 0x%016llx -> 0x%016llx, CPU 0x%016llx\n", i,
                    (unsigned long long)native->before[i],
                    (unsigned long long)vcpu_register(&guest, i),
                    (unsigned long long)native->after[i]);
    print_error("flags 0x%llx -> 0x%llx, CPU 0x%llx\n", (unsigned long long)flags,
                (unsigned long long)is, (unsigned long long)native->flags_after);
    fail_msg("differs from the CPU");
}

static void one_instruction(const struct opcode_form *form)
{
    uint64_t flags = RFLAGS_FIXED | (random_bits(&seed) & FLAGS);
    uint8_t *data = (uint8_t *)NATIVE_DATA, *memory = (uint8_t *)NATIVE_MEMORY;

    mmio_random(form, &(struct mmio_places){NATIVE_CODE, NATIVE_DATA, NATIVE_MEMORY}, &seed, &made);
    memcpy(native->before, made.registers, sizeof(made.registers));
    for (unsigned i = 1000; i < 1600; i++)
        mmio_device[i] = data[i] = (uint8_t)random_bits(&seed);
    for (unsigned i = 2000; i < 2200; i++)
        memory[i] = mmio_memory[MMIO_DATA + i] = (uint8_t)random_bits(&seed);
    memcpy(mmio_memory + MMIO_CODE, made.bytes, made.count);
    frame_set(native->before);
    exit_field(VMCS_GUEST_RIP, NATIVE_CODE);
    exit_field(VMCS_GUEST_RFLAGS, flags | RFLAGS_RF);
    native->flags_before = flags;
    take_exits(form);
    run_native();
    expect_same(form, flags);
}

/* The guest sees the same addresses: its page directory's next entries. */
static void map_linear(uint64_t linear, uint64_t physical, unsigned page)
{
    uint64_t *directory = (uint64_t *)(mmio_memory + MMIO_TABLES + 0x2000);
    uint64_t *table = (uint64_t *)(mmio_memory + 0xa000 + page * PAGE_SIZE);

    directory[linear >> 21 & 511] = (0xa000 + page * PAGE_SIZE) | 7;
    table[linear >> 12 & 511] = physical | 7;
}

static void all_forms(void **state)
{
    const int protection = PROT_READ | PROT_WRITE | PROT_EXEC;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    (void)state;
    for (uint64_t at = NATIVE_STATE; at <= NATIVE_MEMORY; at += 0x100000)
        assert_ptr_equal(mmap((void *)at, PAGE_SIZE, protection, flags, -1, 0), at);
    native = (struct native *)NATIVE_STATE;
    map_linear(NATIVE_CODE, MMIO_CODE, 0);
    map_linear(NATIVE_DATA, MMIO_DEVICE, 1);
    map_linear(NATIVE_MEMORY, MMIO_DATA, 1);
    ((uint64_t *)(mmio_memory + 0xb000))[NATIVE_MEMORY >> 12 & 511] = MMIO_DATA | 7;
    for (int i = 0; i < ROUNDS; i++)
        one_instruction(&opcode_forms[(unsigned)i % opcode_form_count]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {mmio_test(all_forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
