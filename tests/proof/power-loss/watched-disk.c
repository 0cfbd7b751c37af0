/*
 * A disk that is watched: preloaded into a process, it writes down in one order everything that the process does to the
 * files below a directory, and everything that it says to others on TCP. `crash-states.ts` makes from that what a power
 * cut could have left. On request it lets calls fail, or claims that a sync was done which was not.
 *
 *   DISK_ROOT   the directory to watch
 *   DISK_TRACE  the file to write down in: records of u32 kind, u32 path bytes, u32 data bytes, i64 offset, path, data
 *   DISK_FAIL   "sync:17:5" lets the 17th sync fail with errno 5, "write:17+:28" every write from the 17th on
 *   DISK_FULL   a file: while it exists, every write fails with ENOSPC
 *   DISK_SKIP   "every:50" forgets each 50th sync, "directories" all of directories, "file:log.db" all of that file
 *
 * It sees what goes through the C library: not what is mapped into memory, and not io_uring (set UV_USE_IO_URING=0).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { MADE = 1, WRITTEN, TRUNCATED, SYNCED, RENAMED, REMOVED, SAID, DIRECTORY_SYNCED, DIRECTORY_MADE, FAILED };

#define FDS 65536

static char root[PATH_MAX], full_flag[PATH_MAX], skipped_file[256], failing_call[16];
static int trace = -1, failing_errno, failing_for_ever, skips_directories;
static long failing_at = -1, calls_to_fail, skip_every, syncs;
static char *paths[FDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct __attribute__((packed)) head { uint32_t kind, path_bytes, data_bytes; int64_t offset; };

__attribute__((constructor)) static void begin(void) {
  const char *where = getenv("DISK_ROOT"), *file = getenv("DISK_TRACE"), *fail = getenv("DISK_FAIL");
  const char *full = getenv("DISK_FULL"), *skip = getenv("DISK_SKIP");
  if (where) snprintf(root, sizeof root, "%s", where);
  if (full) snprintf(full_flag, sizeof full_flag, "%s", full);
  if (file) trace = syscall(SYS_openat, AT_FDCWD, file, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
  char nth[32];
  if (fail && sscanf(fail, "%15[^:]:%31[^:]:%d", failing_call, nth, &failing_errno) == 3) {
    failing_at = atol(nth);
    failing_for_ever = strchr(nth, '+') != NULL;
  }
  if (skip && sscanf(skip, "every:%ld", &skip_every) != 1) {
    skips_directories = strcmp(skip, "directories") == 0;
    sscanf(skip, "file:%255s", skipped_file);
  }
}

static int watched(const char *path) { size_t n = strlen(root); return n > 0 && strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == 0); }

/* Called with the lock, so that records are in the order in which things happened. */
static void record(enum kind kind, const char *path, int64_t offset, const void *data, size_t bytes) {
  if (trace < 0) return;
  struct head head = { kind, strlen(path), bytes, offset };
  struct iovec parts[3] = { { &head, sizeof head }, { (void *)path, head.path_bytes }, { (void *)data, bytes } };
  syscall(SYS_writev, trace, parts, 3);
}

static int fails(const char *call, const char *path) {
  int error = 0;
  if (full_flag[0] && strcmp(call, "write") == 0 && syscall(SYS_faccessat, AT_FDCWD, full_flag, F_OK) == 0) error = ENOSPC;
  if (failing_at >= 0 && strcmp(call, failing_call) == 0) {
    long n = ++calls_to_fail;
    if (n == failing_at || (failing_for_ever && n > failing_at)) error = failing_errno;
  }
  if (error == 0) return 0;
  record(FAILED, path, error, call, strlen(call));
  errno = error;
  return 1;
}

static int skips(const char *path, int directory) {
  size_t n = strlen(path), m = strlen(skipped_file);
  if (skip_every > 0) return ++syncs % skip_every == 0;
  if (directory) return skips_directories;
  return m > 0 && n > m && strcmp(path + n - m, skipped_file) == 0 && path[n - m - 1] == '/';
}

static void absolute(int at, const char *path, char *whole) {
  char base[PATH_MAX] = "";
  if (path[0] == '/') { snprintf(whole, PATH_MAX, "%s", path); return; }
  if (at == AT_FDCWD) { if (!getcwd(base, sizeof base)) base[0] = 0; }
  else {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    ssize_t n = readlink(link, base, sizeof base - 1);
    base[n < 0 ? 0 : n] = 0;
  }
  snprintf(whole, PATH_MAX, "%.2000s/%.2000s", base, path);
}

static const char *path_of(int fd) { return fd >= 0 && fd < FDS ? paths[fd] : NULL; }

static void name_fd(int fd, const char *path) {
  if (fd < 0 || fd >= FDS) return;
  free(paths[fd]);
  paths[fd] = path ? strdup(path) : NULL;
}

static int open_at(int at, const char *path, int flags, mode_t mode) {
  char whole[PATH_MAX] = "";
  absolute(at, path, whole);
  int ours = watched(whole), was_there = 1;
  pthread_mutex_lock(&lock);
  struct stat seen;
  if (ours && (flags & O_CREAT)) was_there = stat(whole, &seen) == 0;
  int fd = syscall(SYS_openat, at, path, flags, mode), error = errno;
  if (fd >= 0) {
    name_fd(fd, ours ? whole : NULL);
    if (ours && !was_there) record(MADE, whole, 0, NULL, 0);
    if (ours && (flags & O_TRUNC)) record(TRUNCATED, whole, 0, NULL, 0);
  }
  pthread_mutex_unlock(&lock);
  errno = error;
  return fd;
}

#define MODE mode_t mode = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, int); va_end(rest); }
int open(const char *path, int flags, ...) { MODE return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode); }
int openat(int at, const char *path, int flags, ...) { MODE return open_at(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE return open_at(at, path, flags | O_LARGEFILE, mode); }

int close(int fd) {
  pthread_mutex_lock(&lock);
  if (path_of(fd)) name_fd(fd, NULL);
  pthread_mutex_unlock(&lock);
  return syscall(SYS_close, fd);
}

static int is_tcp(int fd) {
  struct sockaddr_storage name;
  socklen_t size = sizeof name;
  return getsockname(fd, (struct sockaddr *)&name, &size) == 0 && (name.ss_family == AF_INET || name.ss_family == AF_INET6);
}

/* What is said is written down before it is sent: whoever hears it may act on it at once. */
static void say(int fd, const struct iovec *parts, int count) {
  char name[32];
  size_t bytes = 0, at = 0;
  for (int i = 0; i < count; i++) bytes += parts[i].iov_len;
  char *all = malloc(bytes + 1);
  for (int i = 0; i < count; i++) { memcpy(all + at, parts[i].iov_base, parts[i].iov_len); at += parts[i].iov_len; }
  snprintf(name, sizeof name, "%d", fd);
  pthread_mutex_lock(&lock);
  record(SAID, name, 0, all, bytes);
  pthread_mutex_unlock(&lock);
  free(all);
}

static ssize_t write_at(int fd, const void *data, size_t bytes, off_t offset, int positioned) {
  const char *path = path_of(fd);
  if (!path) return positioned ? syscall(SYS_pwrite64, fd, data, bytes, offset) : syscall(SYS_write, fd, data, bytes);
  pthread_mutex_lock(&lock);
  ssize_t done = -1;
  if (!fails("write", path)) {
    off_t at = offset;
    struct stat seen;
    if (!positioned) at = fcntl(fd, F_GETFL) & O_APPEND ? (fstat(fd, &seen), seen.st_size) : lseek(fd, 0, SEEK_CUR);
    done = positioned ? syscall(SYS_pwrite64, fd, data, bytes, offset) : syscall(SYS_write, fd, data, bytes);
    if (done > 0) record(WRITTEN, path, at, data, done);
  }
  int error = errno;
  pthread_mutex_unlock(&lock);
  errno = error;
  return done;
}

ssize_t write(int fd, const void *data, size_t bytes) {
  if (!path_of(fd) && trace >= 0 && is_tcp(fd)) say(fd, &(struct iovec){ (void *)data, bytes }, 1);
  return write_at(fd, data, bytes, 0, 0);
}
ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) { return write_at(fd, data, bytes, offset, 1); }
ssize_t pwrite64(int fd, const void *data, size_t bytes, off_t offset) { return write_at(fd, data, bytes, offset, 1); }

static ssize_t write_parts(int fd, const struct iovec *parts, int count, off_t offset, int positioned) {
  ssize_t total = 0;
  for (int i = 0; i < count; i++) {
    ssize_t done = write_at(fd, parts[i].iov_base, parts[i].iov_len, offset + total, positioned);
    if (done < 0) return total > 0 ? total : done;
    total += done;
    if ((size_t)done < parts[i].iov_len) break;
  }
  return total;
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (path_of(fd)) return write_parts(fd, parts, count, 0, 0);
  if (trace >= 0 && is_tcp(fd)) say(fd, parts, count);
  return syscall(SYS_writev, fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  return path_of(fd) ? write_parts(fd, parts, count, offset, 1) : syscall(SYS_pwritev, fd, parts, count, offset, 0);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) { return pwritev(fd, parts, count, offset); }

/* The trace is the disk here, so a sync that is written down need not be done, unless nothing is written down. */
static int sync_fd(int fd, long call) {
  const char *path = path_of(fd);
  if (!path) return syscall(call, fd);
  pthread_mutex_lock(&lock);
  struct stat seen;
  int directory = fstat(fd, &seen) == 0 && S_ISDIR(seen.st_mode), result = -1;
  if (skips(path, directory)) result = 0;
  else if (!fails("sync", path)) {
    result = trace < 0 ? syscall(call, fd) : 0;
    if (result == 0) record(directory ? DIRECTORY_SYNCED : SYNCED, path, 0, NULL, 0);
  }
  int error = errno;
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}
int fsync(int fd) { return sync_fd(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_fd(fd, SYS_fdatasync); }

int ftruncate(int fd, off_t size) {
  pthread_mutex_lock(&lock);
  const char *path = path_of(fd);
  int result = syscall(SYS_ftruncate, fd, size), error = errno;
  if (result == 0 && path) record(TRUNCATED, path, size, NULL, 0);
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

int rename(const char *from, const char *to) {
  char a[PATH_MAX] = "", b[PATH_MAX] = "";
  absolute(AT_FDCWD, from, a);
  absolute(AT_FDCWD, to, b);
  pthread_mutex_lock(&lock);
  int result = syscall(SYS_rename, from, to), error = errno;
  if (result == 0 && watched(b)) {
    record(RENAMED, a, 0, b, strlen(b));
    for (int fd = 0; fd < FDS; fd++) if (paths[fd] && strcmp(paths[fd], a) == 0) name_fd(fd, b);
  }
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

int unlink(const char *path) {
  char whole[PATH_MAX] = "";
  absolute(AT_FDCWD, path, whole);
  pthread_mutex_lock(&lock);
  int result = syscall(SYS_unlink, path), error = errno;
  if (result == 0 && watched(whole)) {
    record(REMOVED, whole, 0, NULL, 0);
    for (int fd = 0; fd < FDS; fd++) if (paths[fd] && strcmp(paths[fd], whole) == 0) name_fd(fd, NULL);
  }
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

int mkdir(const char *path, mode_t mode) {
  char whole[PATH_MAX] = "";
  absolute(AT_FDCWD, path, whole);
  pthread_mutex_lock(&lock);
  int result = syscall(SYS_mkdir, path, mode), error = errno;
  if (result == 0 && watched(whole)) record(DIRECTORY_MADE, whole, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}
