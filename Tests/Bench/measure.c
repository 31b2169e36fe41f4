// Runs one command and writes down what it took: seconds on the clock, seconds of the processors,
// and its largest resident size in KiB, in one line.
//
//   cc -O2 -o measure measure.c
//   measure RESULT-FILE COMMAND [ARGUMENT…]
//
// A process begins with the largest size of the one that started it (Linux, `exec_mmap`), so what
// starts the commands has to be smaller than any of them, which Python is not.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static double seconds(struct timeval time) { return time.tv_sec + time.tv_usec / 1e6; }

int main(int count, char **arguments) {
  if (count < 3) return 64;
  FILE *result = fopen(arguments[1], "we");
  if (!result) return 71;
  double started = now();
  pid_t child = fork();
  if (child == 0) {
    execvp(arguments[2], arguments + 2);
    fprintf(stderr, "%s: %s\n", arguments[2], strerror(errno));
    _exit(127);
  }
  int status;
  struct rusage usage;
  while (child > 0 && wait4(child, &status, 0, &usage) < 0)
    if (errno != EINTR) return 71;
  if (child < 0) return 71;
  fprintf(result, "%.6f %.6f %ld\n", now() - started,
          seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss);
  if (fclose(result) != 0) return 71;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
