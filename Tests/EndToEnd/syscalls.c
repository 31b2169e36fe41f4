// Loaded before the C library: writes to CALLS_LOG what is flushed, named and sent, in that order, and
// what is written to SQLite's logs. With NO_LOCKS set no file can be locked, and with NO_MD5 there is no
// such digest, as where FIPS 140 forbids it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

static void note(const char *what, const char *about, int length) {
  static int log = -1;
  const char *path = getenv("CALLS_LOG");
  if (log < 0 && path) log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log >= 0) dprintf(log, "%s %.*s\n", what, length, about);
}

// Of files whose path ends like that.
static void note_file(const char *what, int file, const char *end) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path), rest = strlen(end);
  if (length >= rest && memcmp(path + length - rest, end, rest) == 0) note(what, path, length);
}

// Noted when it has returned: what is noted is on the disk.
#define FLUSH(name)                                            \
  int name(int file) {                                         \
    int result = ((int (*)(int))dlsym(RTLD_NEXT, #name))(file); \
    if (result == 0) note_file("flushed", file, "");              \
    return result;                                             \
  }
FLUSH(fsync)
FLUSH(fdatasync)

// Noted before: what comes of it is not on the disk before the next flush.
ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t place) {
  note_file("written", file, "-wal");
  return ((ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64"))(file, bytes, count, place);
}

int flock(int file, int operation) {
  if (!getenv("NO_LOCKS")) return ((int (*)(int, int))dlsym(RTLD_NEXT, "flock"))(file, operation);
  errno = ENOSYS;
  return -1;
}

void *EVP_MD_fetch(void *library, const char *name, const char *properties) {
  if (getenv("NO_MD5") && strcmp(name, "MD5") == 0) return NULL;
  return ((void *(*)(void *, const char *, const char *))dlsym(RTLD_NEXT, "EVP_MD_fetch"))(library, name, properties);
}

int renameat(int from, const char *old, int to, const char *name) {
  note("named", name, strlen(name));
  return ((int (*)(int, const char *, int, const char *))dlsym(RTLD_NEXT, "renameat"))(from, old, to, name);
}

int linkat(int from, const char *old, int to, const char *name, int flags) {
  note("named", name, strlen(name));
  return ((int (*)(int, const char *, int, const char *, int))dlsym(RTLD_NEXT, "linkat"))(from, old, to, name, flags);
}

ssize_t send(int socket, const void *bytes, size_t count, int flags) {
  const char *end = memchr(bytes, '\r', count);
  if (end && end - (const char *)bytes > 8 && memcmp(end - 8, "HTTP/1.1", 8) == 0)
    note("sent", bytes, end - (const char *)bytes);
  return ((ssize_t(*)(int, const void *, size_t, int))dlsym(RTLD_NEXT, "send"))(socket, bytes, count, flags);
}
