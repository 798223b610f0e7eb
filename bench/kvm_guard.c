/* SPDX-License-Identifier: MIT */
#include "kvm_guard.h"

#include "child.h"
#include "interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MILLISECONDS 200 /* for a signal that came just before the wait */

static void become(void (*function)(const void *), const void *argument, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) /* else it was gone before that could matter */
        function(argument);
    _exit(0);
}

/* Whether it has ended, after waiting a little for it; the wait costs no CPU time. */
static int has_ended(pid_t pid, int file, int *status)
{
    struct pollfd waiting = {.fd = file, .events = POLLIN};

    if (file >= 0)
        poll(&waiting, 1, LOOK_MILLISECONDS);
    else
        usleep(1000); /* a kernel without pidfd_open() */
    return waitpid(pid, status, WNOHANG) == pid;
}

struct kvm_guard_end kvm_guard(void (*function)(const void *), const void *argument,
                               const _Atomic double *deadline)
{
    pid_t parent = getpid();
    int status = 0;

    fflush(NULL); /* or it would be written twice */
    pid_t pid = fork();
    if (pid < 0)
        return (struct kvm_guard_end){KVM_GUARD_NOT_STARTED, errno};
    if (pid == 0)
        become(function, argument, parent);

    struct kvm_guard_end end = {KVM_GUARD_ENDED, 0};
    int file = pidfd_open(pid, 0);
    while (!has_ended(pid, file, &status)) {
        if (interrupt_signal())
            end = (struct kvm_guard_end){KVM_GUARD_INTERRUPTED, interrupt_signal()};
        else if (monotonic_seconds() > *deadline)
            end = (struct kvm_guard_end){KVM_GUARD_TIMED_OUT, 0};
        else
            continue;
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        break;
    }
    if (file >= 0)
        close(file);
    if (end.how == KVM_GUARD_ENDED && WIFSIGNALED(status))
        end = (struct kvm_guard_end){KVM_GUARD_DIED, WTERMSIG(status)};
    return end;
}
