/* SPDX-License-Identifier: MIT */
/*
 * Bochs' CPU models with VMX, by `bochs --help cpu`, the default first, and the PMU of the CPU that
 * each is made after: BOCHS_CPU(cpu, pmu). libpfm has none for Cannon Lake, and bx_generic is made
 * after no CPU.
 */
BOCHS_CPU("corei7_haswell_4770", "hsw")
BOCHS_CPU("corei7_ivy_bridge_3770k", "ivb")
BOCHS_CPU("corei7_sandy_bridge_2600k", "snb")
BOCHS_CPU("broadwell_ult", "bdw")
BOCHS_CPU("corei7_skylake_x", "skx")
BOCHS_CPU("corei7_icelake_u", "icl")
BOCHS_CPU("corei3_cnl", NULL)
BOCHS_CPU("tigerlake", "icl")
BOCHS_CPU("corei5_arrandale_m520", "wsm")
BOCHS_CPU("corei5_lynnfield_750", "nhm")
BOCHS_CPU("core2_penryn_t9600", "core")
BOCHS_CPU("bx_generic", NULL)
