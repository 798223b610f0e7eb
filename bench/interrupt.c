/* SPDX-License-Identifier: MIT */
#include "interrupt.h"

#include <stddef.h>

static volatile sig_atomic_t caught;

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

static void note(int number)
{
    caught = number;
}

void interrupt_catch(void)
{
    /* No SA_RESTART: a wait ends early. SA_RESETHAND: the second signal kills. */
    struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    signal(SIGPIPE, SIG_IGN); /* a reader of our output that goes away does not cost the run */
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        struct sigaction old;
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL); /* nohup stays nohup */
    }
}

void interrupt_block(sigset_t *before)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaddset(&set, signals[i]);
    sigprocmask(SIG_BLOCK, &set, before);
}

int interrupt_signal(void)
{
    return caught;
}
