// The executable around the bytecode of main.ts: system calls for it (system.ts), and execve(2) of the full image wherever it does not end the call.
// Everything here is in Linux 4.18 or older. COMPILER: the program that makes the bytecode, run by scripts/client.ts.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "quickjs.h"

// Debian compiles the library for glibc with checks of buffers; these are what it calls, on musl.
int __fprintf_chk(FILE *file, int flag, const char *format, ...) {
  (void)flag;
  va_list values;
  va_start(values, format);
  int length = vfprintf(file, format, values);
  va_end(values);
  return length;
}
int __vsnprintf_chk(char *to, size_t max, int flag, size_t size, const char *format, va_list values) {
  (void)flag;
  return vsnprintf(to, max < size ? max : size, format, values);
}
int __snprintf_chk(char *to, size_t max, int flag, size_t size, const char *format, ...) {
  va_list values;
  va_start(values, format);
  int length = __vsnprintf_chk(to, max, flag, size, format, values);
  va_end(values);
  return length;
}
void *__memcpy_chk(void *to, const void *from, size_t length, size_t size) {
  if (length > size) abort();
  return memcpy(to, from, length);
}

#ifdef COMPILER
// compiler <main.js >bytecode
int main(void) {
  static char source[1 << 20];
  size_t length = fread(source, 1, sizeof source - 1, stdin);
  JSContext *js = JS_NewContext(JS_NewRuntime());
  JSValue code = JS_Eval(js, source, length, "main", JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_STRICT | JS_EVAL_FLAG_COMPILE_ONLY);
  if (JS_IsException(code)) {
    fprintf(stderr, "%s\n", JS_ToCString(js, JS_GetException(js)));
    return 1;
  }
  size_t size;
  uint8_t *bytes = JS_WriteObject(js, &size, code, JS_WRITE_OBJ_BYTECODE);
  return bytes != NULL && fwrite(bytes, 1, size, stdout) == size && fflush(stdout) == 0 ? 0 : 1;
}
#else

extern const uint8_t bytecode[], bytecode_end[];
extern char **environ;

enum {
  INPUT_MAX = 16 * 1024 * 1024 + 1, // one byte more than the full image accepts, so that it says so
  CHUNK = 16 * 1024,
  STACK_MAX = 256 * 1024,
};

typedef struct {
  uint8_t *bytes;
  size_t length, capacity;
} Buffer;

static Buffer input, received;
static int has_input, has_printed, connection = -1;
static char **arguments;
static struct sigaction sigpipe;

static int reserve(Buffer *buffer, size_t more) {
  if (buffer->capacity - buffer->length >= more) return 0;
  size_t capacity = buffer->capacity * 2 > buffer->length + more ? buffer->capacity * 2 : buffer->length + more;
  uint8_t *bytes = realloc(buffer->bytes, capacity);
  if (bytes == NULL) return -1;
  buffer->bytes = bytes, buffer->capacity = capacity;
  return 0;
}

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1e3 + at.tv_nsec / 1e6;
}

// 0 when it is ready, -EAGAIN after `ms` (-1: never), another negated errno.
static int wait_for(int fd, short events, double ms) {
  double until = now() + ms;
  for (;;) {
    double left = ms < 0 ? -1 : until - now();
    struct pollfd one = {.fd = fd, .events = events};
    int count = poll(&one, 1, ms < 0 ? -1 : left <= 0 ? 0 : (int)(left + 0.999));
    if (count > 0) return 0;
    if (count < 0 && errno != EINTR) return -errno;
    if (ms >= 0 && until - now() <= 0) return -EAGAIN;
  }
}

static int is_retry(int fd, short events) {
  if (errno == EINTR) return 1;
  return (errno == EAGAIN || errno == EWOULDBLOCK) && wait_for(fd, events, -1) == 0;
}

static int write_all(int fd, const void *from, size_t length) {
  const uint8_t *at = from;
  while (length > 0) {
    ssize_t count = write(fd, at, length);
    if (count >= 0) at += count, length -= count;
    else if (!is_retry(fd, POLLOUT)) return -errno;
  }
  return 0;
}

// Reads stdin until its end or `max` bytes are there. 1 at the end, 0 at the limit, a negated errno.
static int read_input(size_t max) {
  while (input.length < max) {
    if (reserve(&input, CHUNK) != 0) return -ENOMEM;
    ssize_t count = read(0, input.bytes + input.length, CHUNK);
    if (count == 0) return 1;
    if (count > 0) input.length += count, has_input = 1;
    else if (!is_retry(0, POLLIN)) return -errno;
  }
  return 0;
}

// The length of one character of UTF-8 (RFC 3629); 0 for bytes that are none.
static size_t character(const uint8_t *at, size_t left) {
  uint8_t first = at[0];
  if (first < 0x80) return 1;
  size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || length > left) return 0;
  for (size_t i = 1; i < length; i++)
    if ((at[i] & 0xc0) != 0x80) return 0;
  if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f)) return 0;
  if ((first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f)) return 0;
  return length;
}

static int is_utf8(const uint8_t *at, size_t length) {
  for (size_t size; length > 0; at += size, length -= size)
    if ((size = character(at, length)) == 0) return 0;
  return 1;
}

static void say(const char *msg, const char *path, int error) {
  char text[PATH_MAX + 512];
  // Quotes and controls of a path are left out, so that the text is JSON.
  char name[PATH_MAX];
  size_t length = 0;
  for (; *path != 0 && length < sizeof name - 1; path++)
    if ((uint8_t)*path >= 0x20 && *path != '"' && *path != '\\') name[length++] = *path;
  name[length] = 0;
  snprintf(text, sizeof text, "{\n    \"code\": 5,\n    \"msg\": \"%s %s: %s; spiderpool-agent on this node installs it\"\n}", msg, name, strerror(error));
  write_all(1, text, strlen(text));
}

// Stdin for the full image: what was read, and what follows.
static int replay(void) {
  if (!has_input) return 0;
  int end = read_input(INPUT_MAX);
  if (end < 0) return end;
  int copy = memfd_create("stdin", 0);
  if (copy >= 0) {
    int failed = write_all(copy, input.bytes, input.length);
    if (failed == 0 && (lseek(copy, 0, SEEK_SET) < 0 || dup2(copy, 0) < 0)) failed = -errno;
    close(copy);
    return failed;
  }
  int ends[2]; // without memfd_create a pipe, as far as it holds all of it
  if (pipe(ends) != 0) return -errno;
  fcntl(ends[1], F_SETPIPE_SZ, 1024 * 1024);
  if (fcntl(ends[1], F_GETPIPE_SZ) < (int)input.length) return -ENOSYS;
  int failed = write_all(ends[1], input.bytes, input.length);
  if (failed == 0 && dup2(ends[0], 0) < 0) failed = -errno;
  close(ends[0]), close(ends[1]);
  return failed;
}

// The folder of this file. After an update the kernel says " (deleted)" behind its name. In a chroot without /proc the path of execve(2) counts.
static void image_path(char *path, size_t size) {
  ssize_t length = readlink("/proc/self/exe", path, size - 1);
  if (length <= 0 || path[0] != '/') {
    const char *invoked = (const char *)getauxval(AT_EXECFN);
    length = snprintf(path, size, "%s", invoked == NULL ? arguments[0] : invoked);
  }
  path[length < (ssize_t)size ? length : (ssize_t)size - 1] = 0;
  char *slash = strrchr(path, '/');
  size_t at = slash == NULL ? 0 : slash + 1 - path;
  snprintf(path + at, size - at, "%s", FULL_IMAGE);
}

// Executes the full image as if this client were not there. Returns only to say why it could not.
static int full_image(void) {
  char path[PATH_MAX + sizeof FULL_IMAGE];
  image_path(path, sizeof path);
  if (connection >= 0) close(connection); // before stdin: the agent sees that nobody waits
  int failed = replay();
  if (failed != 0) return say("stdin cannot be handed to", path, -failed), 1;
  sigaction(SIGPIPE, &sigpipe, NULL);
  execve(path, arguments, environ);
  return say("cannot execute", path, errno), 1;
}

// An engine that ends by a signal, as for want of memory, has not ended the call.
static void crashed(int signal) {
  struct sigaction ended = {.sa_handler = SIG_DFL};
  sigaction(signal, &ended, NULL); // a second time in here ends the process
  if (has_printed) _exit(1);
  _exit(full_image());
}

static void catch_crashes(void) {
  static uint8_t stack[64 * 1024];
  sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
  // SA_NODEFER: execve(2) keeps blocked signals blocked.
  struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_ONSTACK | SA_NODEFER};
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}

// Functions of `system`.

#define FUNCTION(name) static JSValue js_##name(JSContext *js, JSValueConst self, int argc, JSValueConst *argv)
#define STRING(variable, value)               \
  const char *variable = JS_ToCString(js, value); \
  if (variable == NULL) return JS_EXCEPTION

static double number(JSContext *js, JSValueConst value) {
  double result = 0;
  JS_ToFloat64(js, &result, value);
  return result;
}
static JSValue result_of(JSContext *js, long result) { return JS_NewInt32(js, result < 0 ? -errno : (int)result); }

FUNCTION(input) {
  size_t max = number(js, argv[0]);
  if (read_input(max + 1) != 1 || !is_utf8(input.bytes, input.length)) return JS_UNDEFINED;
  return JS_NewStringLen(js, (const char *)input.bytes, input.length);
}

static JSValue stat_of(JSContext *js, JSValueConst value, int (*call)(const char *, struct stat *)) {
  struct stat found;
  STRING(path, value);
  int failed = call(path, &found);
  JS_FreeCString(js, path);
  if (failed != 0) return result_of(js, failed);
  JSValue pair = JS_NewArray(js);
  JS_SetPropertyUint32(js, pair, 0, JS_NewInt32(js, found.st_mode));
  JS_SetPropertyUint32(js, pair, 1, JS_NewInt64(js, found.st_uid));
  return pair;
}
FUNCTION(lstat) { return stat_of(js, argv[0], lstat); }
FUNCTION(stat) { return stat_of(js, argv[0], stat); }

FUNCTION(realpath) {
  char found[PATH_MAX];
  STRING(path, argv[0]);
  char *result = realpath(path, found);
  JS_FreeCString(js, path);
  return result == NULL ? result_of(js, -1) : JS_NewString(js, found);
}

FUNCTION(connect) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  STRING(path, argv[0]);
  size_t length = strlen(path);
  if (length < sizeof address.sun_path) memcpy(address.sun_path, path, length);
  JS_FreeCString(js, path);
  if (length >= sizeof address.sun_path) return JS_NewInt32(js, -ENAMETOOLONG);
  connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0) return result_of(js, -1);
  double ms = number(js, argv[1]), until = now() + ms;
  struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = (long)ms % 1000 * 1000};
  setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  int failed;
  do failed = connect(connection, (struct sockaddr *)&address, sizeof address);
  while (failed != 0 && errno == EINTR && now() < until);
  return result_of(js, failed);
}

FUNCTION(send) {
  size_t length;
  const char *text = JS_ToCStringLen(js, &length, argv[0]), *at = text;
  if (text == NULL) return JS_EXCEPTION;
  int failed = 0;
  while (length > 0 && failed == 0) {
    ssize_t count = send(connection, at, length, MSG_NOSIGNAL);
    if (count >= 0) at += count, length -= count;
    else if (errno != EINTR) failed = -errno;
  }
  JS_FreeCString(js, text);
  return JS_NewInt32(js, failed);
}

FUNCTION(receive) {
  int failed = wait_for(connection, POLLIN, number(js, argv[0]));
  if (failed != 0) return JS_NewInt32(js, failed);
  if (reserve(&received, CHUNK) != 0) return JS_NewInt32(js, -ENOMEM);
  ssize_t count;
  do count = recv(connection, received.bytes + received.length, CHUNK, 0);
  while (count < 0 && errno == EINTR);
  if (count > 0) received.length += count;
  return result_of(js, count);
}

FUNCTION(find) {
  STRING(text, argv[0]);
  double from = number(js, argv[1]);
  uint8_t *found = NULL;
  if (from >= 0 && from < received.length) found = memmem(received.bytes + (size_t)from, received.length - (size_t)from, text, strlen(text));
  JS_FreeCString(js, text);
  return JS_NewInt32(js, found == NULL ? -1 : (int)(found - received.bytes));
}

FUNCTION(text) {
  Buffer joined = {0};
  for (int i = 0; i + 1 < argc; i += 2) {
    double from = number(js, argv[i]), to = number(js, argv[i + 1]);
    if (from < 0 || to < from || to > received.length || reserve(&joined, to - from + 1) != 0) return JS_ThrowRangeError(js, "a range of what was received");
    if (to > from) memcpy(joined.bytes + joined.length, received.bytes + (size_t)from, to - from);
    joined.length += to - from;
  }
  JSValue text = JS_NewStringLen(js, joined.length == 0 ? "" : (const char *)joined.bytes, joined.length);
  free(joined.bytes);
  return text;
}

FUNCTION(byteLength) {
  size_t length;
  const char *text = JS_ToCStringLen(js, &length, argv[0]);
  if (text == NULL) return JS_EXCEPTION;
  JS_FreeCString(js, text);
  return JS_NewInt64(js, length);
}

FUNCTION(now) { return JS_NewFloat64(js, now()); }

FUNCTION(write) {
  size_t length;
  const char *text = JS_ToCStringLen(js, &length, argv[1]);
  if (text == NULL) return JS_EXCEPTION;
  has_printed = 1;
  int failed = write_all(number(js, argv[0]), text, length);
  JS_FreeCString(js, text);
  return JS_NewInt32(js, failed);
}

FUNCTION(strerror) { return JS_NewString(js, strerror(number(js, argv[0]))); }

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("input", 1, js_input),       JS_CFUNC_DEF("lstat", 1, js_lstat),     JS_CFUNC_DEF("stat", 1, js_stat),
    JS_CFUNC_DEF("realpath", 1, js_realpath), JS_CFUNC_DEF("connect", 2, js_connect), JS_CFUNC_DEF("send", 1, js_send),
    JS_CFUNC_DEF("receive", 1, js_receive),   JS_CFUNC_DEF("find", 2, js_find),       JS_CFUNC_DEF("text", 2, js_text),
    JS_CFUNC_DEF("byteLength", 1, js_byteLength), JS_CFUNC_DEF("now", 0, js_now),     JS_CFUNC_DEF("write", 2, js_write),
    JS_CFUNC_DEF("strerror", 1, js_strerror),
};

// `system`; undefined where a variable is not UTF-8.
static JSValue system_of(JSContext *js, int argc) {
  JSValue object = JS_NewObject(js), variables = JS_NewArray(js);
  for (uint32_t i = 0; environ[i] != NULL; i++) {
    if (!is_utf8((const uint8_t *)environ[i], strlen(environ[i]))) return JS_UNDEFINED;
    JS_SetPropertyUint32(js, variables, i, JS_NewString(js, environ[i]));
  }
  JS_SetPropertyStr(js, object, "argc", JS_NewInt32(js, argc));
  JS_SetPropertyStr(js, object, "argv0", JS_NewString(js, arguments[0]));
  JS_SetPropertyStr(js, object, "environ", variables);
  JS_SetPropertyFunctionList(js, object, functions, sizeof functions / sizeof *functions);
  return object;
}

static JSContext *context(void) {
  JSRuntime *runtime = JS_NewRuntime();
  if (runtime == NULL) return NULL;
  JS_SetMaxStackSize(runtime, STACK_MAX);
  JSContext *js = JS_NewContextRaw(runtime);
  if (js == NULL) return NULL;
  JS_AddIntrinsicBaseObjects(js);
  JS_AddIntrinsicJSON(js);
  JS_AddIntrinsicMapSet(js);
  return js;
}

int main(int argc, char **argv) {
  arguments = argv;
  struct sigaction ignored = {.sa_handler = SIG_IGN};
  sigaction(SIGPIPE, &ignored, &sigpipe);
  // A socket in the place of a closed stdout would get the result.
  if (argc < 1 || fcntl(1, F_GETFD) < 0 || fcntl(2, F_GETFD) < 0) return full_image();
  catch_crashes();
  JSContext *js = context();
  if (js == NULL) return full_image();
  JSValue global = JS_GetGlobalObject(js), system = system_of(js, argc);
  if (!JS_IsObject(system)) return full_image();
  JS_SetPropertyStr(js, global, "system", system);
  JSValue loaded = JS_EvalFunction(js, JS_ReadObject(js, bytecode, bytecode_end - bytecode, JS_READ_OBJ_BYTECODE));
  if (JS_IsException(loaded)) return full_image();
  JSValue exit = JS_Call(js, JS_GetPropertyStr(js, global, "main"), JS_UNDEFINED, 0, NULL);
  if (JS_IsNumber(exit)) _exit((int)number(js, exit)); // the memory goes with the process
  if (JS_IsObject(exit)) {
    JSValue more = JS_GetPropertyStr(js, exit, "variable");
    const char *variable = JS_IsString(more) ? JS_ToCString(js, more) : NULL;
    if (variable != NULL) putenv((char *)variable); // never freed
    js_write(js, JS_UNDEFINED, 2, (JSValueConst[]){JS_NewInt32(js, 2), JS_GetPropertyStr(js, exit, "note")});
  }
  return full_image();
}
#endif
