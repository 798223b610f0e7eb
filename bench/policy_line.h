/* SPDX-License-Identifier: MIT */
/*
 * One line of a policy, cut into words, and what reads words: each either gives what it is asked
 * for, or notes one error at the word's line and column.
 */
#ifndef EXITMETER_BENCH_POLICY_LINE_H
#define EXITMETER_BENCH_POLICY_LINE_H

#include "policy.h"

#define LINE_WORDS_MAX 8u
#define LINE_WORD_SIZE 64u

struct line {
    struct policy *policy; /* that the rule changes */
    struct policy_error *error;
    unsigned number; /* from 1 */
    unsigned words;
    char word[LINE_WORDS_MAX][LINE_WORD_SIZE];
    unsigned column[LINE_WORDS_MAX + 1]; /* of each word, and of the end of the line */
};

/*
 * Cuts the bytes from start to end into words, a comment left out; columns count bytes. False,
 * with the error, if that cannot be a rule.
 */
bool line_cut(struct line *line, const char *start, const char *end);

/* Notes an error at a word, or at the end of the line; takes the message. Returns false. */
bool line_wrong(struct line *line, unsigned word, char *message);

/* Index of a word among names; else an error that says what it is not and what is near, and -1. */
int line_choose(struct line *line, unsigned word, const char *what, const char *const *names,
                size_t count);

/* False, with the error, if there are more words than that. */
bool line_ends(struct line *line, unsigned words);

/* Whether the word is there and starts with a digit: a number rather than a name. */
bool line_is_number(const struct line *line, unsigned word);

/* N or N-M up to limit. */
bool line_range(struct line *line, unsigned word, uint32_t limit, uint32_t *first, uint32_t *last);

/* Reads a number as in C and moves *from behind it; false if there is none, or it is too large. */
bool line_parse_number(const char **from, unsigned long long *value);

#endif
