/* SPDX-License-Identifier: MIT */
#ifndef EXITMETER_GUESTS_IMAGE_PM_TIMER_H
#define EXITMETER_GUESTS_IMAGE_PM_TIMER_H

#include <stdbool.h>

/* Whether the chipset's ACPI power-management timer is at GUEST_PM_TIMER. */
bool pm_timer_is_there(void);

#endif
