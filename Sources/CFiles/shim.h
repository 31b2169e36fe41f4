#pragma once
#include <linux/magic.h>
#include <stdbool.h>
#include <sys/statfs.h>
#include <sys/types.h>

// Swift's Glibc module leaves out what only Linux has. The headers that declare this would bring
// structures along that are Glibc's in the eyes of Swift.
extern int fallocate(int file, int mode, off_t offset, off_t count);
extern int pipe2(int ends[2], int flags);
struct rlimit;
extern int prlimit(pid_t process, unsigned int resource, const struct rlimit *limit,
                   struct rlimit *former);

// Whether the file lies in memory: statfs(2).
static inline bool pail_is_in_memory(int file) {
  struct statfs system;
  return fstatfs(file, &system) == 0 && system.f_type == TMPFS_MAGIC;
}

// Whether the file is one of /proc: statfs(2).
static inline bool pail_is_in_proc(int file) {
  struct statfs system;
  return fstatfs(file, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}
