/* SPDX-License-Identifier: MIT */
/* What the measuring itself is made of. None exits under the policy that calibration runs under. */
#include "row.h"

ROW_CODE(lfence, "", "lfence")
ROW_CODE(rdtsc, "", "rdtsc")
ROW_CODE(rdtscp, "", "rdtscp")
ROW_CODE(rdpmc, "xor %%ecx, %%ecx", "rdpmc")

#define CALIBRATION(id, mnemonic)                                                      \
    {                                                                                  \
        .name = "calibrate/" #id, CODE(id), .description = mnemonic " alone, no exit", \
        .instruction = mnemonic, .flags = ROW_CALIBRATION,                             \
    }

ROWS = {
    CALIBRATION(lfence, "LFENCE"),
    CALIBRATION(rdtsc, "RDTSC"),
    CALIBRATION(rdtscp, "RDTSCP"),
    CALIBRATION(rdpmc, "RDPMC"),
};
