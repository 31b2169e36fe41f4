#pragma once
#define _XOPEN_SOURCE_EXTENDED 1
#define NCURSES_WIDECHAR 1
// Functions instead of macros, which Swift cannot see.
#define NCURSES_NOMACROS 1
#include <ncurses.h>
#include <wchar.h>

// `stdscr` and `curscr` are mutable globals, which Swift 6 does not let one read.
static inline WINDOW *pail_stdscr(void) { return stdscr; }
static inline WINDOW *pail_curscr(void) { return curscr; }

// Attributes are macros with casts.
static inline attr_t pail_attribute_bold(void) { return A_BOLD; }
static inline attr_t pail_attribute_dim(void) { return A_DIM; }
static inline attr_t pail_attribute_underline(void) { return A_UNDERLINE; }
static inline attr_t pail_attribute_reverse(void) { return A_REVERSE; }

// The answer for a capability that is no string is a macro for (char *)-1.
static inline const char *pail_terminfo_string(const char *name) {
  const char *value = tigetstr(name);
  return value == (const char *)-1 ? 0 : value;
}

// glibc declares these for _GNU_SOURCE or _XOPEN_SOURCE only, which Swift's view of it lacks.
extern int memfd_create(const char *name, unsigned int flags);
extern int pipe2(int ends[2], int flags);
extern int wcwidth(wchar_t character);
