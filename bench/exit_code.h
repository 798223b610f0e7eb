/* SPDX-License-Identifier: MIT */
/*
 * What exitmeter exits with. Scripts and CI branch on these; they never change meaning.
 */
#ifndef EXITMETER_BENCH_EXIT_CODE_H
#define EXITMETER_BENCH_EXIT_CODE_H

enum exit_code {
    CODE_DONE = 0,
    CODE_FAILED = 1,      /* it ran, and the answer is "failed" or "regressed" */
    CODE_USAGE = 2,       /* wrong usage or bad input: nothing was started */
    CODE_UNAVAILABLE = 3, /* cannot be measured here, or not comparable */
    CODE_SIGNAL = 128,    /* plus the number of the signal that ended it */
};

#endif
