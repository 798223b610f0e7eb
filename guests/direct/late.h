/* SPDX-License-Identifier: MIT */
/*
 * What the guest-only image says on the console before it runs the rows that may never come back,
 * with a number of seconds behind: if it says nothing for so long then, it will say nothing any
 * more, and its results are as they shall be.
 */
#ifndef EXITMETER_GUESTS_DIRECT_LATE_H
#define EXITMETER_GUESTS_DIRECT_LATE_H

#define DIRECT_LATE_LINE "last, rows that may never come back; the end is a silence of "

#endif
