/* A disk that fails: preloaded, it lets the Nth call that changes a folder's files fail.

   FAULTS_UNDER   Absolute path of the folder; unset or empty: nothing is counted.
   FAULTS_AT      Which call fails, from 1; 0 or unset: none.
   FAULTS_ERRNO   With what; 0: the process is killed there, before the call. ENOSPC lasts: all
                  later calls of the same name fail too, as on a disk that stays full; but for
                  renames, which need no room there.
   FAULTS_LOG     File that gets a line for each call, "name path".

   Variables are read at each call and the counter is the process's own, so that a process which is
   ready can fork and let its child set them. write(2) of a file that the folder holds is known by
   its descriptor, whoever opened it: the C++ library opens files without a call that is seen here.
   Not seen: calls that the C library makes itself (fwrite), and mapped memory. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static long calls;
static const char *failing; /* the name of the calls that fail from now on */

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

/* Counts a call on a path; nonzero where it is the one that fails, with errno set. */
static int fails(const char *call, const char *path) {
    const char *folder = getenv("FAULTS_UNDER"), *log = getenv("FAULTS_LOG");
    size_t length = folder ? strlen(folder) : 0;
    if (!length || strncmp(path, folder, length) || (path[length] && path[length] != '/')) return 0;
    long mine = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    int before = errno;
    if (log && *log) {
        char line[PATH_MAX + 32];
        int size = snprintf(line, sizeof line, "%s %s\n", call, path);
        int file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0666);
        if (file < 0 || syscall(SYS_write, file, line, size) != size) abort();
        syscall(SYS_close, file);
    }
    errno = before;
    int error = (int)number("FAULTS_ERRNO");
    if (mine != number("FAULTS_AT") && !(failing && !strcmp(failing, call))) return 0;
    if (!error) kill(getpid(), SIGKILL);
    if (error == ENOSPC && strcmp(call, "rename")) failing = call;
    errno = error;
    return 1;
}

static int fails_at(const char *call, int folder, const char *path) {
    char base[PATH_MAX], full[2 * PATH_MAX + 2], link[48];
    if (path[0] == '/') return fails(call, path);
    if (folder == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t size = readlink(link, base, sizeof base - 1);
        if (size < 0) return 0;
        base[size] = 0;
    }
    snprintf(full, sizeof full, "%s/%s", base, path);
    return fails(call, full);
}

static int fails_on(const char *call, int file) {
    char path[PATH_MAX], link[48];
    const char *folder = getenv("FAULTS_UNDER");
    int before = errno;
    if (!folder || !*folder) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    errno = before;
    if (size < 0) return 0;
    path[size] = 0;
    return fails(call, path);
}

#define REAL(name, result, ...)                                                     \
    static result (*real)(__VA_ARGS__);                                             \
    if (!real) real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define ON_FILE(name, result, parameters, arguments, ...)                           \
    result name parameters {                                                        \
        REAL(#name, result, __VA_ARGS__);                                           \
        return fails_on(#name, file) ? -1 : real arguments;                         \
    }

ON_FILE(write, ssize_t, (int file, const void *from, size_t size), (file, from, size),
        int, const void *, size_t)
ON_FILE(writev, ssize_t, (int file, const struct iovec *from, int count), (file, from, count),
        int, const struct iovec *, int)
ON_FILE(pwrite, ssize_t, (int file, const void *from, size_t size, off_t at),
        (file, from, size, at), int, const void *, size_t, off_t)
ON_FILE(pwrite64, ssize_t, (int file, const void *from, size_t size, off64_t at),
        (file, from, size, at), int, const void *, size_t, off64_t)
ON_FILE(ftruncate, int, (int file, off_t size), (file, size), int, off_t)
ON_FILE(ftruncate64, int, (int file, off64_t size), (file, size), int, off64_t)

/* Of a file in the folder these do not wait for the disk: a process that is killed loses nothing
   that it wrote, and power stays on here. */
#define FLUSHES(name)                                                               \
    int name(int file) {                                                            \
        REAL(#name, int, int);                                                      \
        long before = calls;                                                        \
        return fails_on(#name, file) ? -1 : calls > before ? 0 : real(file);        \
    }
FLUSHES(fsync)
FLUSHES(fdatasync)

/* These return the error and leave errno alone. */
#define ALLOCATES(name, offset)                                                     \
    int name(int file, offset at, offset size) {                                    \
        REAL(#name, int, int, offset, offset);                                      \
        int before = errno;                                                         \
        if (!fails_on(#name, file)) return real(file, at, size);                    \
        int error = errno;                                                          \
        errno = before;                                                             \
        return error;                                                               \
    }
ALLOCATES(posix_fallocate, off_t)
ALLOCATES(posix_fallocate64, off64_t)

int mkdir(const char *path, mode_t mode) {
    REAL("mkdir", int, const char *, mode_t);
    return fails_at("mkdir", AT_FDCWD, path) ? -1 : real(path, mode);
}
int rename(const char *from, const char *to) {
    REAL("rename", int, const char *, const char *);
    return fails_at("rename", AT_FDCWD, to) ? -1 : real(from, to);
}
int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    REAL("renameat", int, int, const char *, int, const char *);
    return fails_at("renameat", to_folder, to) ? -1 : real(from_folder, from, to_folder, to);
}
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    REAL("renameat2", int, int, const char *, int, const char *, unsigned);
    return fails_at("renameat2", to_folder, to) ? -1
                                                : real(from_folder, from, to_folder, to, flags);
}
int link(const char *from, const char *to) {
    REAL("link", int, const char *, const char *);
    return fails_at("link", AT_FDCWD, to) ? -1 : real(from, to);
}
int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    REAL("linkat", int, int, const char *, int, const char *, int);
    return fails_at("linkat", to_folder, to) ? -1 : real(from_folder, from, to_folder, to, flags);
}
int symlink(const char *to, const char *path) {
    REAL("symlink", int, const char *, const char *);
    return fails_at("symlink", AT_FDCWD, path) ? -1 : real(to, path);
}

static int writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT; }

#define MODE                                                                        \
    mode_t mode = 0;                                                                \
    if (flags & (O_CREAT | __O_TMPFILE)) {                                          \
        va_list rest;                                                               \
        va_start(rest, flags);                                                      \
        mode = va_arg(rest, mode_t);                                                \
        va_end(rest);                                                               \
    }

#define OPENS(name)                                                                 \
    int name(const char *path, int flags, ...) {                                    \
        REAL(#name, int, const char *, int, ...);                                   \
        MODE                                                                        \
        return writes(flags) && fails_at(#name, AT_FDCWD, path) ? -1                \
                                                                : real(path, flags, mode); \
    }
#define OPENS_AT(name)                                                              \
    int name(int folder, const char *path, int flags, ...) {                        \
        REAL(#name, int, int, const char *, int, ...);                              \
        MODE                                                                        \
        return writes(flags) && fails_at(#name, folder, path) ? -1                  \
                                                              : real(folder, path, flags, mode); \
    }
OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)

#define FOPENS(name)                                                                \
    FILE *name(const char *path, const char *mode) {                                \
        REAL(#name, FILE *, const char *, const char *);                            \
        return strpbrk(mode, "wa+") && fails_at(#name, AT_FDCWD, path) ? NULL : real(path, mode); \
    }
FOPENS(fopen)
FOPENS(fopen64)
