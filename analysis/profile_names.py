# SPDX-License-Identifier: MIT
"""What the details of a profile's exits are called: MSRs as in the SDM, ports by their device."""

EXCEPTION_OR_NMI, EXTERNAL_INTERRUPT, CPUID, VMCALL = 0, 1, 10, 18
CR_ACCESS, MOV_DR, IO, RDMSR, WRMSR, EPT_VIOLATION = 28, 29, 30, 31, 32, 48
INVLPG, RDRAND, RDSEED, XSETBV = 14, 57, 61, 55

MSRS = {
    0x0: "IA32_P5_MC_ADDR", 0x1: "IA32_P5_MC_TYPE", 0x10: "IA32_TIME_STAMP_COUNTER",
    0x17: "IA32_PLATFORM_ID", 0x1b: "IA32_APIC_BASE", 0x34: "MSR_SMI_COUNT",
    0x3a: "IA32_FEATURE_CONTROL", 0x3b: "IA32_TSC_ADJUST", 0x48: "IA32_SPEC_CTRL",
    0x49: "IA32_PRED_CMD", 0x79: "IA32_BIOS_UPDT_TRIG", 0x8b: "IA32_BIOS_SIGN_ID",
    0xce: "MSR_PLATFORM_INFO", 0xcf: "IA32_CORE_CAPABILITIES", 0xe1: "IA32_UMWAIT_CONTROL",
    0xe2: "MSR_PKG_CST_CONFIG_CONTROL", 0xe7: "IA32_MPERF", 0xe8: "IA32_APERF",
    0xfe: "IA32_MTRRCAP", 0x10a: "IA32_ARCH_CAPABILITIES", 0x10b: "IA32_FLUSH_CMD",
    0x122: "IA32_TSX_CTRL", 0x140: "MSR_MISC_FEATURES_ENABLES", 0x174: "IA32_SYSENTER_CS",
    0x175: "IA32_SYSENTER_ESP", 0x176: "IA32_SYSENTER_EIP", 0x179: "IA32_MCG_CAP",
    0x17a: "IA32_MCG_STATUS", 0x17b: "IA32_MCG_CTL", 0x198: "IA32_PERF_STATUS",
    0x199: "IA32_PERF_CTL", 0x19a: "IA32_CLOCK_MODULATION", 0x19b: "IA32_THERM_INTERRUPT",
    0x19c: "IA32_THERM_STATUS", 0x1a0: "IA32_MISC_ENABLE", 0x1a2: "MSR_TEMPERATURE_TARGET",
    0x1ad: "MSR_TURBO_RATIO_LIMIT", 0x1b0: "IA32_ENERGY_PERF_BIAS",
    0x1b1: "IA32_PACKAGE_THERM_STATUS", 0x1d9: "IA32_DEBUGCTL", 0x250: "IA32_MTRR_FIX64K_00000",
    0x258: "IA32_MTRR_FIX16K_80000", 0x259: "IA32_MTRR_FIX16K_A0000", 0x277: "IA32_PAT",
    0x2ff: "IA32_MTRR_DEF_TYPE", 0x345: "IA32_PERF_CAPABILITIES", 0x38d: "IA32_FIXED_CTR_CTRL",
    0x38e: "IA32_PERF_GLOBAL_STATUS", 0x38f: "IA32_PERF_GLOBAL_CTRL",
    0x390: "IA32_PERF_GLOBAL_OVF_CTRL", 0x3f1: "IA32_PEBS_ENABLE", 0x600: "IA32_DS_AREA",
    0x606: "MSR_RAPL_POWER_UNIT", 0x611: "MSR_PKG_ENERGY_STATUS", 0x6e0: "IA32_TSC_DEADLINE",
    0x770: "IA32_PM_ENABLE", 0x771: "IA32_HWP_CAPABILITIES", 0x774: "IA32_HWP_REQUEST",
    0xda0: "IA32_XSS", 0x802: "IA32_X2APIC_APICID", 0x803: "IA32_X2APIC_VERSION",
    0x808: "IA32_X2APIC_TPR", 0x80a: "IA32_X2APIC_PPR", 0x80b: "IA32_X2APIC_EOI",
    0x80d: "IA32_X2APIC_LDR", 0x80f: "IA32_X2APIC_SIVR", 0x828: "IA32_X2APIC_ESR",
    0x82f: "IA32_X2APIC_LVT_CMCI", 0x830: "IA32_X2APIC_ICR", 0x832: "IA32_X2APIC_LVT_TIMER",
    0x833: "IA32_X2APIC_LVT_THERMAL", 0x834: "IA32_X2APIC_LVT_PMI",
    0x835: "IA32_X2APIC_LVT_LINT0", 0x836: "IA32_X2APIC_LVT_LINT1",
    0x837: "IA32_X2APIC_LVT_ERROR", 0x838: "IA32_X2APIC_INIT_COUNT",
    0x839: "IA32_X2APIC_CUR_COUNT", 0x83e: "IA32_X2APIC_DIV_CONF",
    0x83f: "IA32_X2APIC_SELF_IPI", 0xc0000080: "IA32_EFER", 0xc0000081: "IA32_STAR",
    0xc0000082: "IA32_LSTAR", 0xc0000083: "IA32_CSTAR", 0xc0000084: "IA32_FMASK",
    0xc0000100: "IA32_FS_BASE", 0xc0000101: "IA32_GS_BASE", 0xc0000102: "IA32_KERNEL_GS_BASE",
    0xc0000103: "IA32_TSC_AUX",
}
MSR_RANGES = [
    (0x200, 0x213, "IA32_MTRR_PHYSBASE/MASK{}", 2), (0x268, 0x26f, "IA32_MTRR_FIX4K_{}", 1),
    (0xc1, 0xc8, "IA32_PMC{}", 1), (0x186, 0x18d, "IA32_PERFEVTSEL{}", 1),
    (0x309, 0x30b, "IA32_FIXED_CTR{}", 1), (0x280, 0x29f, "IA32_MC{}_CTL2", 1),
    (0x480, 0x493, "VMX capability {}", 1), (0x810, 0x817, "IA32_X2APIC_ISR{}", 1),
    (0x818, 0x81f, "IA32_X2APIC_TMR{}", 1), (0x820, 0x827, "IA32_X2APIC_IRR{}", 1),
]
MACHINE_CHECK = (0x400, 0x47f, ("CTL", "STATUS", "ADDR", "MISC"))

# First port, last port, whose they are on a PC.
PORTS = [
    (0x00, 0x0f, "DMA controller 1"), (0x20, 0x21, "PIC, master"), (0x2e, 0x2f, "Super I/O"),
    (0x40, 0x43, "PIT"), (0x60, 0x60, "keyboard data"), (0x61, 0x61, "system control B"),
    (0x64, 0x64, "keyboard command"), (0x70, 0x71, "RTC and CMOS"), (0x80, 0x80, "delay, POST"),
    (0x81, 0x8f, "DMA pages"), (0x92, 0x92, "system control A"), (0xa0, 0xa1, "PIC, slave"),
    (0xb2, 0xb3, "APM, SMI command"), (0xc0, 0xdf, "DMA controller 2"), (0xf0, 0xff, "FPU"),
    (0x170, 0x177, "IDE, secondary"), (0x1f0, 0x1f7, "IDE, primary"), (0x278, 0x27a, "LPT2"),
    (0x2e8, 0x2ef, "COM4"), (0x2f8, 0x2ff, "COM2"), (0x376, 0x376, "IDE, secondary"),
    (0x378, 0x37a, "LPT1"), (0x3b0, 0x3df, "VGA"), (0x3e8, 0x3ef, "COM3"),
    (0x3f0, 0x3f5, "floppy"), (0x3f6, 0x3f6, "IDE, primary"), (0x3f7, 0x3f7, "floppy"),
    (0x3f8, 0x3ff, "COM1"), (0x402, 0x402, "BIOS console"), (0x4d0, 0x4d1, "PIC triggers"),
    (0x510, 0x511, "fw_cfg"), (0xcf8, 0xcfb, "PCI address"), (0xcfc, 0xcff, "PCI data"),
    (0xb000, 0xb03f, "ACPI power management"), (0xb100, 0xb10f, "SMBus"),
    (0x8900, 0x8900, "Bochs"),
]

# Leaves of CPUID that look at ECX.
SUBLEAVES = {0x4, 0x7, 0xb, 0xd, 0xf, 0x10, 0x12, 0x14, 0x17, 0x18, 0x1a, 0x1b, 0x1d, 0x1e, 0x1f,
             0x20, 0x23, 0x24, 0x8000001d}
LEAVES = {
    0x0: "vendor", 0x1: "version and features", 0x2: "cache descriptors", 0x3: "serial number",
    0x4: "caches", 0x5: "MONITOR", 0x6: "thermal and power", 0x7: "extended features",
    0x9: "DCA", 0xa: "performance monitoring", 0xb: "topology", 0xd: "extended state",
    0x14: "processor trace", 0x15: "TSC and crystal", 0x16: "frequencies", 0x1f: "topology, V2",
    0x40000000: "hypervisor", 0x80000000: "extended range", 0x80000001: "extended features",
    0x80000002: "brand", 0x80000003: "brand", 0x80000004: "brand", 0x80000005: "L1 and TLB",
    0x80000006: "L2", 0x80000007: "invariant TSC", 0x80000008: "address widths",
}
VECTORS = ("#DE #DB NMI #BP #OF #BR #UD #NM #DF 9 #TS #NP #SS #GP #PF 15 #MF #AC #MC #XM #VE #CP"
           .split())


def msr_name(msr: int) -> str:
    """As the SDM calls it; "" for one that is not listed here."""
    if msr in MSRS:
        return MSRS[msr]
    for first, last, name, step in MSR_RANGES:
        if first <= msr <= last:
            return name.format((msr - first) // step)
    first, last, kinds = MACHINE_CHECK
    if first <= msr <= last:
        return f"IA32_MC{(msr - first) // 4}_{kinds[(msr - first) % 4]}"
    return ""


def port_name(port: int) -> str:
    for first, last, name in PORTS:
        if first <= port <= last:
            return name
    return ""


def canonical(reason: int, detail: int) -> int:
    """The detail without what says nothing: the ECX of a CPUID leaf that does not look at it."""
    if reason == CPUID and detail & 0xffffffff not in SUBLEAVES:
        return detail & 0xffffffff
    return detail


def detail_text(reason: int, detail: int | None) -> str:
    """What an exit accessed, in words; "" where its handler does not say."""
    if detail is None:
        return ""
    describe = _DESCRIBE.get(reason)
    return describe(detail) if describe else f"{detail:#x}"


def _named(text: str, name: str) -> str:
    return f"{text} {name}" if name else text


def _cpuid(detail: int) -> str:
    leaf, subleaf = detail & 0xffffffff, detail >> 32
    text = f"leaf {leaf:#x}" + (f".{subleaf:#x}" if leaf in SUBLEAVES else "")
    return _named(text, LEAVES.get(leaf, ""))


def _msr(detail: int) -> str:
    return _named(f"MSR {detail:#x}", msr_name(detail))


def _io(detail: int) -> str:
    """Exit qualification of I/O instructions, SDM Vol. 3C table 28-5."""
    port, size = detail >> 16 & 0xffff, (detail & 7) + 1
    verb = ("IN" if detail & 8 else "OUT") + ("S" if detail & 0x10 else "")
    verb = ("REP " if detail & 0x20 else "") + verb
    return _named(f"{verb} port {port:#x}, {8 * size} bits", port_name(port))


def _control_register(detail: int) -> str:
    """Exit qualification of control-register accesses, SDM Vol. 3C table 28-3."""
    number = detail & 0xf
    return (f"MOV to CR{number}", f"MOV from CR{number}", "CLTS", "LMSW")[detail >> 4 & 3]


def _debug_register(detail: int) -> str:
    return f"MOV {'from' if detail & 0x10 else 'to'} DR{detail & 7}"


def _exception(detail: int) -> str:
    vector = detail & 0xff
    return VECTORS[vector] if vector < len(VECTORS) else f"vector {vector}"


_DESCRIBE = {
    EXCEPTION_OR_NMI: _exception,
    EXTERNAL_INTERRUPT: lambda detail: f"vector {detail:#x}",
    CPUID: _cpuid,
    VMCALL: lambda detail: f"number {detail:#x}",
    CR_ACCESS: _control_register,
    MOV_DR: _debug_register,
    IO: _io,
    RDMSR: _msr,
    WRMSR: _msr,
    EPT_VIOLATION: lambda detail: f"page {detail:#x}",
    INVLPG: lambda detail: f"address {detail:#x}",
}
