/* SPDX-License-Identifier: MIT */
/*
 * What a guest can do to its host or its neighbours by an access that passes. Severities:
 *
 *   CRITICAL  take the machine over, or read or break what is outside the guest
 *   HIGH      take a CPU or a device away from the host, or undo what protects others
 *   MEDIUM    disturb others, or learn what they do
 *   LOW       learn what the hardware is, or disturb others a little
 *   INFO      nothing but to itself, if the host keeps its own value of it
 *
 * No include guard: define AUDIT_MSR(first, last, access, severity, what, source), with access
 * READ, WRITE or BOTH, AUDIT_IO(first, last, severity, what, source) and AUDIT_CONTROL(name,
 * severity, what, source) for what happens while that control is off, and include this file.
 * Sections are those of the SDM of December 2022 and later. What passes under no policy is in
 * core/vmx/msr_never_list.h instead.
 */
AUDIT_MSR(0x10, 0x10, READ, INFO, "reads the time, as RDTSC does, by the host's own clock",
          "SDM 3B 18.17")
AUDIT_MSR(0x10, 0x10, WRITE, HIGH,
          "sets the clock of the CPU: the host and every other guest on it lose their time",
          "SDM 3B 18.17")
AUDIT_MSR(0x17, 0x17, BOTH, LOW, "reads which platform this is", "SDM 4 table 2-2")
AUDIT_MSR(0x1b, 0x1b, READ, LOW, "reads where the host's local APIC is, and which CPU booted",
          "SDM 3A 11.4.4")
AUDIT_MSR(0x1b, 0x1b, WRITE, CRITICAL,
          "disables the host's local APIC or moves it over other memory, SMRAM among it",
          "SDM 3A 11.4.4; Domas, The Memory Sinkhole, 2015")
AUDIT_MSR(0x33, 0x33, BOTH, MEDIUM,
          "turns the detection of split locks off: it can stall every CPU's memory accesses",
          "SDM 4 table 2-2; SDM 3A 9.1.2.3")
AUDIT_MSR(0x34, 0x35, BOTH, LOW, "reads how many SMIs, cores and threads there are",
          "SDM 4 chapter 2")
AUDIT_MSR(0x3a, 0x3a, READ, LOW, "reads which features firmware has allowed", "SDM 3C 24.7")
AUDIT_MSR(0x3a, 0x3a, WRITE, HIGH,
          "where firmware left it open, locks VMX out until the next reset", "SDM 3C 24.7")
AUDIT_MSR(0x3b, 0x3b, READ, LOW, "reads the offset of the host's clock", "SDM 3B 18.17.3")
AUDIT_MSR(0x3b, 0x3b, WRITE, HIGH,
          "moves the clock of the CPU for the host and every other guest on it", "SDM 3B 18.17.3")
AUDIT_MSR(0x48, 0x48, READ, INFO, "reads its own choice of speculation controls", "SDM 4 table 2-2")
AUDIT_MSR(0x48, 0x48, WRITE, HIGH,
          "leaves IBRS, STIBP or SSBD set, or cleared, for the host that runs next: slower, or "
          "unprotected",
          "SDM 4 table 2-2; CVE-2017-5715, CVE-2018-3639")
AUDIT_MSR(0x49, 0x49, READ, INFO, "nothing: it cannot be read", "SDM 4 table 2-2")
AUDIT_MSR(0x49, 0x49, WRITE, LOW,
          "empties the branch predictors of its core: a sibling thread runs slower",
          "SDM 4 table 2-2; CVE-2017-5715")
AUDIT_MSR(0x4e, 0x4f, BOTH, MEDIUM, "reads the serial number of the processor, or opens it to all",
          "SDM 4 table 2-2")
AUDIT_MSR(0x79, 0x79, BOTH, CRITICAL,
          "loads another microcode into the CPU, or crashes it by a damaged one", "SDM 3A 10.11.6")
AUDIT_MSR(0x7a, 0x7a, BOTH, HIGH, "activates features of the package", "SDM 4 table 2-2")
AUDIT_MSR(0x8b, 0x8b, BOTH, LOW,
          "reads the microcode's revision, and so which faults are unpatched", "SDM 3A 10.11.7")
AUDIT_MSR(0x8c, 0x8f, BOTH, HIGH, "says whose SGX launch enclave is trusted",
          "SDM 3D, SGX launch control")
AUDIT_MSR(0x9b, 0x9b, BOTH, CRITICAL, "configures the monitor of system-management mode",
          "SDM 3C, dual-monitor treatment of SMM")
AUDIT_MSR(0x9e, 0x9e, BOTH, MEDIUM, "reads where SMRAM is", "SDM 4 table 2-2")
AUDIT_MSR(0xbc, 0xbd, BOTH, HIGH, "locks the xAPIC, and energy counters, for the package",
          "SDM 4 table 2-2")
AUDIT_MSR(0xc1, 0xc8, BOTH, MEDIUM,
          "reads or spoils the host's performance counters: what others execute shows in them",
          "SDM 3B 20.2; Weber and others, Osiris, 2021")
AUDIT_MSR(0xcd, 0xcf, BOTH, LOW, "reads clock ratios and core capabilities", "SDM 4 table 2-2")
AUDIT_MSR(0xe1, 0xe1, READ, INFO, "reads how long UMWAIT may wait", "SDM 4 table 2-2")
AUDIT_MSR(0xe1, 0xe1, WRITE, MEDIUM,
          "sets how long, and how deeply, user code of the host may sleep in UMWAIT and TPAUSE",
          "SDM 2B UMWAIT")
AUDIT_MSR(0xe2, 0xe4, BOTH, MEDIUM,
          "sets the deepest sleep of the package, and which ports put it to sleep",
          "SDM 4 chapter 2")
AUDIT_MSR(0xe7, 0xe8, READ, LOW,
          "reads at which clock the core runs, and so whether others work it",
          "SDM 3B 15.2; CVE-2022-23823")
AUDIT_MSR(0xe7, 0xe8, WRITE, MEDIUM, "resets the counters by which the host sets the core's clock",
          "SDM 3B 15.2")
AUDIT_MSR(0xfe, 0xfe, BOTH, INFO, "reads how many MTRRs there are", "SDM 3A 12.11.1")
AUDIT_MSR(0x10a, 0x10a, BOTH, LOW, "reads which speculation faults the CPU has", "SDM 4 table 2-2")
AUDIT_MSR(0x10b, 0x10b, READ, INFO, "nothing: it cannot be read", "SDM 4 table 2-2")
AUDIT_MSR(0x10b, 0x10b, WRITE, LOW,
          "empties the core's L1 data cache: a sibling thread runs slower",
          "SDM 4 table 2-2; CVE-2018-3646")
AUDIT_MSR(0x10f, 0x10f, BOTH, MEDIUM, "lets transactions run, or takes a counter from the host",
          "SDM 4 table 2-2")
AUDIT_MSR(0x11e, 0x11e, BOTH, MEDIUM, "configures the L2 cache", "SDM 4 table 2-2")
AUDIT_MSR(0x122, 0x122, READ, INFO, "reads whether transactions are on", "SDM 4 table 2-2")
AUDIT_MSR(0x122, 0x122, WRITE, HIGH,
          "turns TSX on where the host turned it off against sampling of its buffers",
          "CVE-2019-11135")
AUDIT_MSR(0x123, 0x123, BOTH, HIGH,
          "turns off what keeps random numbers and fill buffers of other cores unread",
          "CVE-2020-0543, CVE-2022-21123")
AUDIT_MSR(0x13c, 0x140, BOTH, HIGH, "turns AES-NI off until the next reset, or CPUID faulting on",
          "SDM 4 chapter 2")
AUDIT_MSR(0x150, 0x150, BOTH, CRITICAL,
          "lowers the core's voltage until computations of others go wrong, enclaves' among them",
          "CVE-2019-11157; Murdock and others, Plundervolt, 2020")
AUDIT_MSR(0x174, 0x176, BOTH, INFO, "its own entry points: the VMCS holds them", "SDM 3C 25.4.1")
AUDIT_MSR(0x179, 0x17b, BOTH, HIGH,
          "reads the host's machine checks, clears them, or turns them off", "SDM 3B 16.3")
AUDIT_MSR(0x17d, 0x17d, BOTH, LOW, "reads how SMM sees machine checks", "SDM 4 chapter 2")
AUDIT_MSR(0x186, 0x18d, BOTH, MEDIUM,
          "programs performance counters: it counts what the host does, and raises PMIs in it",
          "SDM 3B 20.2.1")
AUDIT_MSR(0x194, 0x194, BOTH, HIGH, "sets the core's clock ratio", "SDM 4 chapter 2")
AUDIT_MSR(0x198, 0x198, READ, LOW, "reads the core's clock and voltage, and so what others do",
          "SDM 3B 15.1; CVE-2022-23823")
AUDIT_MSR(0x198, 0x198, WRITE, INFO, "nothing: it cannot be written", "SDM 3B 15.1")
AUDIT_MSR(0x199, 0x199, BOTH, MEDIUM,
          "sets the clock and voltage of the core, which its siblings and neighbours share",
          "SDM 3B 15.1")
AUDIT_MSR(0x19a, 0x19a, BOTH, HIGH,
          "stops the core's clock for up to 15/16 of the time, for the host too", "SDM 3B 15.8.3")
AUDIT_MSR(0x19b, 0x19c, BOTH, MEDIUM, "takes the host's thermal interrupts, and clears its logs",
          "SDM 3B 15.8.2")
AUDIT_MSR(0x1a0, 0x1a0, READ, LOW, "reads which of the CPU's features are on", "SDM 4 table 2-2")
AUDIT_MSR(0x1a0, 0x1a0, WRITE, HIGH,
          "turns off fast strings, thermal control, MONITOR or CPUID leaves under the host",
          "SDM 4 table 2-2")
AUDIT_MSR(0x1a2, 0x1a2, BOTH, HIGH, "sets at which temperature the CPU protects itself",
          "SDM 4 chapter 2")
AUDIT_MSR(0x1a4, 0x1a4, BOTH, MEDIUM, "turns prefetchers of the core off: the host runs slower",
          "SDM 4 chapter 2")
AUDIT_MSR(0x1a6, 0x1a7, BOTH, MEDIUM,
          "counts what the core asks of caches and memory, the host's requests too",
          "SDM 3B 20.3.4")
AUDIT_MSR(0x1aa, 0x1af, BOTH, MEDIUM, "sets power management and turbo ratios of the package",
          "SDM 4 chapter 2")
AUDIT_MSR(0x1b0, 0x1b0, BOTH, MEDIUM, "sets whether the core saves energy or time", "SDM 3B 15.3.4")
AUDIT_MSR(0x1b1, 0x1b2, BOTH, MEDIUM, "takes the package's thermal interrupts, and clears its logs",
          "SDM 3B 15.9")
AUDIT_MSR(0x1c4, 0x1c5, BOTH, MEDIUM,
          "decides which state faults for the host that runs next, if it does not keep its own",
          "SDM 1 13.14")
AUDIT_MSR(0x1c8, 0x1c9, BOTH, MEDIUM, "reads where the host branched", "SDM 3B 18.4.8")
AUDIT_MSR(0x1d9, 0x1d9, READ, INFO, "reads its own debug controls: the VMCS holds them",
          "SDM 3C 25.4.1")
AUDIT_MSR(0x1d9, 0x1d9, WRITE, MEDIUM,
          "turns on branch traces into a buffer by linear address, and freezing of counters; SMM "
          "it can slow down",
          "SDM 3B 18.4.1")
AUDIT_MSR(0x1db, 0x1e0, BOTH, MEDIUM, "reads where the host last branched, and last faulted",
          "SDM 3B 18.4.8")
AUDIT_MSR(0x1f2, 0x1f5, BOTH, CRITICAL,
          "changes how SMRAM is cached, by which it can be read and overwritten",
          "SDM 3C, SMRAM caching; Duflot and others, Getting into the SMRAM, 2009")
AUDIT_MSR(0x1f8, 0x1fa, BOTH, LOW, "sets how devices put data into caches", "SDM 4 table 2-2")
AUDIT_MSR(0x1fc, 0x1fc, BOTH, HIGH,
          "sets package power: it can slow every core, or end C1E and PROCHOT", "SDM 4 chapter 2")
AUDIT_MSR(0x200, 0x26f, READ, LOW, "reads the memory map of the host", "SDM 3A 12.11")
AUDIT_MSR(
    0x200, 0x26f, WRITE, CRITICAL,
    "changes how the host's memory, devices and SMRAM are cached: corruption, or a way into SMM",
    "SDM 3A 12.11; Duflot and others, Getting into the SMRAM, 2009")
AUDIT_MSR(0x277, 0x277, READ, INFO, "its own page-attribute table, if the VMCS holds it",
          "SDM 3A 12.12")
AUDIT_MSR(
    0x277, 0x277, WRITE, LOW,
    "its own page-attribute table, if every VM exit loads the host's; else the host's memory types",
    "SDM 3A 12.12; SDM 3C 28.5.1")
AUDIT_MSR(0x280, 0x29f, BOTH, HIGH, "takes the host's corrected-error interrupts away",
          "SDM 3B 16.3.2.5")
AUDIT_MSR(0x2a0, 0x2a0, BOTH, CRITICAL, "moves the memory that SGX protects", "SDM 4 chapter 2")
AUDIT_MSR(0x2ff, 0x2ff, READ, LOW, "reads the default memory type", "SDM 3A 12.11.2.1")
AUDIT_MSR(0x2ff, 0x2ff, WRITE, CRITICAL, "turns caching off for the whole CPU, or all MTRRs",
          "SDM 3A 12.11.2.1")
AUDIT_MSR(0x309, 0x329, BOTH, MEDIUM, "reads or spoils the host's fixed performance counters",
          "SDM 3B 20.2.2")
AUDIT_MSR(0x345, 0x345, BOTH, LOW, "reads what the performance counters can do", "SDM 3B 20.8")
AUDIT_MSR(0x38d, 0x392, BOTH, MEDIUM,
          "starts and stops performance counters, and raises PMIs in the host", "SDM 3B 20.2.2")
AUDIT_MSR(0x3f2, 0x3f3, BOTH, MEDIUM, "sets what the host's PEBS records hold", "SDM 3B 20.9.2.3")
AUDIT_MSR(0x3f6, 0x3f7, BOTH, MEDIUM, "sets which events the host's PEBS records are of",
          "SDM 4 chapter 2")
AUDIT_MSR(0x3f8, 0x3fe, BOTH, LOW,
          "reads how long cores and the package slept, and so what others do", "SDM 4 chapter 2")
AUDIT_MSR(0x400, 0x473, BOTH, HIGH,
          "reads addresses of the host's memory errors, clears them, or turns banks off",
          "SDM 3B 16.3.2")
AUDIT_MSR(0x480, 0x493, BOTH, LOW, "reads what VMX of the host can do", "SDM 3D appendix A")
AUDIT_MSR(0x4c1, 0x4c8, BOTH, MEDIUM,
          "reads or spoils the host's performance counters in their full width", "SDM 3B 20.2.7")
AUDIT_MSR(0x4d0, 0x4d0, BOTH, HIGH, "decides which CPU a machine check goes to", "SDM 3B 16.3.1.4")
AUDIT_MSR(0x4e0, 0x4e3, BOTH, CRITICAL,
          "locks what SMM checks of the code it runs, and reads which CPUs are in it",
          "SDM 4 chapter 2")
AUDIT_MSR(0x500, 0x500, BOTH, LOW, "reads the state of SGX", "SDM 4 table 2-2")
AUDIT_MSR(0x606, 0x60d, BOTH, LOW, "reads units of energy, and sets latencies of package sleep",
          "SDM 3B 15.10")
AUDIT_MSR(0x610, 0x65c, READ, MEDIUM, "reads the energy others use, keys and instructions among it",
          "CVE-2020-8694; Lipp and others, PLATYPUS, 2021")
AUDIT_MSR(0x610, 0x65c, WRITE, HIGH,
          "limits the power of package, memory and ring: every core runs slower", "SDM 3B 15.10.3")
AUDIT_MSR(0x660, 0x660, BOTH, LOW, "reads how long the core slept", "SDM 4 chapter 2")
AUDIT_MSR(0x680, 0x6df, BOTH, MEDIUM, "reads where the host branched", "SDM 3B 18.4.8")
AUDIT_MSR(0x6a0, 0x6a8, BOTH, MEDIUM,
          "its own shadow stacks, if VM exits load the host's; else the host's", "SDM 3C 28.5.1")
AUDIT_MSR(0x6e0, 0x6e0, BOTH, HIGH,
          "sets the host's timer: the host's is lost, or its interrupts come when the guest says",
          "SDM 3A 11.5.4.1")
AUDIT_MSR(0x6e1, 0x6e1, BOTH, MEDIUM,
          "its own keys of pages, if VM exits load the host's; else the host's", "SDM 3C 28.5.1")
AUDIT_MSR(0x770, 0x777, READ, LOW, "reads how fast the package may be, and is", "SDM 3B 15.4")
AUDIT_MSR(0x770, 0x777, WRITE, MEDIUM,
          "sets the speed of the core or the package, and cannot be undone where it turns HWP on",
          "SDM 3B 15.4")
AUDIT_MSR(0x800, 0x82f, READ, LOW, "reads which interrupts the host has waiting, and its APIC's id",
          "SDM 3A 11.12.1.2")
AUDIT_MSR(0x800, 0x82f, WRITE, HIGH,
          "blocks the host's interrupts by TPR, ends those it has not taken, or turns its APIC off",
          "SDM 3A 11.12.1.2")
AUDIT_MSR(0x830, 0x830, READ, LOW, "reads the last interrupt sent", "SDM 3A 11.6.1")
AUDIT_MSR(
    0x830, 0x830, WRITE, CRITICAL,
    "sends INIT, NMI, SMI or any interrupt to any CPU: it resets them, or runs the host's handlers",
    "SDM 3A 11.6.1")
AUDIT_MSR(0x831, 0x8ff, READ, LOW, "reads the host's timer and local interrupts",
          "SDM 3A 11.12.1.2")
AUDIT_MSR(0x831, 0x83e, WRITE, HIGH, "sets the host's timer and where its local interrupts go",
          "SDM 3A 11.5.1")
AUDIT_MSR(0x83f, 0x83f, WRITE, HIGH, "raises any interrupt of the host on its own CPU",
          "SDM 3A 11.12.11")
AUDIT_MSR(0x840, 0x8ff, WRITE, HIGH, "registers of the host's local APIC that are not defined yet",
          "SDM 3A 11.12.1.2")
AUDIT_MSR(0x981, 0x984, BOTH, CRITICAL, "configures the encryption of all memory",
          "SDM 4 table 2-2")
AUDIT_MSR(0x985, 0x98a, BOTH, MEDIUM,
          "its own user interrupts, if the host keeps its own; the descriptor is written by "
          "physical CPUs",
          "SDM 4 table 2-2")
AUDIT_MSR(0xc80, 0xc80, BOTH, CRITICAL, "opens the CPU's debug interface", "SDM 4 table 2-2")
AUDIT_MSR(0xc81, 0xc82, BOTH, HIGH, "turns code and data priority of the shared cache on or off",
          "SDM 3B 18.19.5")
AUDIT_MSR(0xc8d, 0xc8e, BOTH, MEDIUM, "reads how much cache and memory others use",
          "SDM 3B 18.18.6")
AUDIT_MSR(0xc8f, 0xc8f, BOTH, MEDIUM,
          "takes another class of service: more of the shared cache, or a neighbour's part",
          "SDM 3B 18.19.3")
AUDIT_MSR(0xc90, 0xd5f, BOTH, HIGH,
          "decides how much cache and memory bandwidth each class gets, its neighbours' too",
          "SDM 3B 18.19.3")
AUDIT_MSR(0xd90, 0xd90, BOTH, INFO, "its own bounds: the VMCS can hold them", "SDM 3C 25.4.1")
AUDIT_MSR(0xd91, 0xd92, BOTH, HIGH, "copies the key-wrapping key between the CPU and the platform",
          "SDM 4 table 2-2")
AUDIT_MSR(0xd93, 0xd93, BOTH, MEDIUM, "sends work to a shared device in another's address space",
          "SDM 2A ENQCMD")
AUDIT_MSR(0xda0, 0xda0, READ, INFO, "reads its own choice of supervisor state", "SDM 1 13.3")
AUDIT_MSR(0xda0, 0xda0, WRITE, MEDIUM,
          "decides what XSAVES of the host saves, if the host does not keep its own", "SDM 1 13.3")
AUDIT_MSR(0xdb0, 0xdb2, BOTH, MEDIUM, "has the package force cores to idle", "SDM 3B 15.5")
AUDIT_MSR(0xdc0, 0xddf, BOTH, MEDIUM, "reads how long the host's branches took", "SDM 3B 18.12")
AUDIT_MSR(0x1200, 0x121f, BOTH, MEDIUM, "reads how long the host's branches took", "SDM 3B 19.1")
AUDIT_MSR(0x1400, 0x1401, BOTH, CRITICAL, "moves the memory of the SEAM module", "SDM 4 table 2-2")
AUDIT_MSR(0x14ce, 0x161f, BOTH, MEDIUM, "has the CPU record branches, and reads the host's",
          "SDM 3B 19.1")
AUDIT_MSR(0x17d2, 0x17da, BOTH, LOW, "reads what the hardware thinks of its threads, and resets it",
          "SDM 3B 15.6")
AUDIT_MSR(0xc0000080, 0xc0000080, READ, INFO, "reads its own EFER, if the VMCS holds it",
          "SDM 3C 25.4.1")
AUDIT_MSR(0xc0000080, 0xc0000080, WRITE, HIGH,
          "changes its mode, and NXE and SCE, without the host: the next VM entry fails, or the "
          "host walks its tables wrongly; "
          "the host's own EFER, where no VM exit loads it",
          "SDM 3C 27.3.1.1; SDM 3C 28.5.1")
AUDIT_MSR(0xc0000081, 0xc0000084, BOTH, INFO,
          "its own entry points, if the host sets its own before SYSCALL can be executed",
          "SDM 3A 5.8.8")
AUDIT_MSR(0xc0000100, 0xc0000101, BOTH, INFO, "its own segment bases: the VMCS holds them",
          "SDM 3C 25.4.1")
AUDIT_MSR(0xc0000102, 0xc0000102, BOTH, INFO,
          "its own base for SWAPGS, if the host sets its own before it uses it", "SDM 2B SWAPGS")
AUDIT_MSR(0xc0000103, 0xc0000103, BOTH, LOW,
          "what RDTSCP and RDPID say; in the host too, if it does not set its own", "SDM 2B RDTSCP")
