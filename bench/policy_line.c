/* SPDX-License-Identifier: MIT */
#include "policy_line.h"

#include "nearest.h"
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool line_wrong(struct line *line, unsigned word, char *message)
{
    line->error->line = line->number;
    line->error->column = line->column[word < line->words ? word : line->words];
    line->error->message = message;
    return false;
}

int line_choose(struct line *line, unsigned word, const char *what, const char *const *names,
                size_t count)
{
    if (word >= line->words) {
        line_wrong(line, word, text("the line ends where %s should follow", what));
        return -1;
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp(line->word[word], names[i]) == 0)
            return (int)i;
    char *hint = nearest_hint(line->word[word], names, count);
    line_wrong(line, word, text("'%s' is not %s%s", line->word[word], what, hint));
    free(hint);
    return -1;
}

bool line_ends(struct line *line, unsigned words)
{
    if (line->words <= words)
        return true;
    return line_wrong(line, words, text("'%s' is one word too many", line->word[words]));
}

bool line_is_number(const struct line *line, unsigned word)
{
    return word < line->words && isdigit((unsigned char)line->word[word][0]);
}

bool line_parse_number(const char **from, unsigned long long *value)
{
    char *end;
    if (!isdigit((unsigned char)**from))
        return false;
    errno = 0;
    *value = strtoull(*from, &end, 0);
    *from = end;
    return errno == 0;
}

bool line_range(struct line *line, unsigned word, uint32_t limit, uint32_t *first, uint32_t *last)
{
    if (word >= line->words)
        return line_wrong(line, word,
                          text("the line ends where a number N or a range N-M should follow"));
    const char *at = line->word[word];
    unsigned long long low, high;
    bool valid = line_parse_number(&at, &low);
    high = low;
    if (valid && *at == '-') {
        at++;
        valid = line_parse_number(&at, &high);
    }
    if (!valid || *at)
        return line_wrong(line, word,
                          text("'%s' is not a number N or a range N-M", line->word[word]));
    if (high > limit)
        return line_wrong(line, word, text("0x%llx is beyond the last, 0x%x", high, limit));
    if (low > high)
        return line_wrong(line, word, text("the range %s runs backwards", line->word[word]));
    *first = (uint32_t)low;
    *last = (uint32_t)high;
    return true;
}

bool line_cut(struct line *line, const char *start, const char *end)
{
    const char *from = start, *comment = memchr(start, '#', (size_t)(end - start));
    end = comment ? comment : end;
    line->words = 0;
    for (;;) {
        while (from < end && isspace((unsigned char)*from))
            from++;
        line->column[line->words] = (unsigned)(from - start) + 1;
        if (from == end)
            return true;
        const char *word = from;
        while (from < end && !isspace((unsigned char)*from))
            from++;
        size_t length = (size_t)(from - word);
        if (line->words == LINE_WORDS_MAX || length >= LINE_WORD_SIZE || memchr(word, '\0', length))
            return line_wrong(line, line->words, text("this is not part of any rule"));
        memcpy(line->word[line->words], word, length);
        line->word[line->words++][length] = '\0';
        line->column[line->words] = (unsigned)(from - start) + 1;
    }
}
