/* SPDX-License-Identifier: MIT */
/* What the subcommands of policy share. */
#ifndef EXITMETER_BENCH_POLICY_COMMAND_H
#define EXITMETER_BENCH_POLICY_COMMAND_H

#include "command.h"
#include "policy.h"
#include "policy_audit.h"

#include <jansson.h>

int command_policy_compile(const struct command *command, int argc, const char **argv);
int command_policy_show(const struct command *command, int argc, const char **argv);
int command_policy_diff(const struct command *command, int argc, const char **argv);
int command_policy_audit(const struct command *command, int argc, const char **argv);
int command_policy_derive(const struct command *command, int argc, const char **argv);

/* Loads the policy that an argument names; false, having said why, if there is none. */
bool policy_wanted(const struct command *command, const char *name_or_path, struct policy *policy);

/* The severity that --max-severity names; SEVERITIES, having said so, if there is none. */
enum severity policy_severity_wanted(const struct command *command, const char *name);

/* Prints the document, and drops it. */
void policy_print(json_t *document);

#endif
