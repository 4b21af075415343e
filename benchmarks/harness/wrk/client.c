/* Loaded into wrk before its libraries: wrk has no option for a client's certificate,
   and does not tell when all are connected.

   Each context takes the certificate of LOAD_CERTIFICATE and the key of LOAD_KEY before
   it makes its first connection. The file LOAD_COUNTS tells at any time how many
   handshakes have been done, how many requests have been sent, each of which is one
   write, and how many answers took how long until their first bytes, in the buckets of
   counts.py. wrk runs with one thread, so nobody else counts.

   The few declarations that are needed are here, so that OpenSSL's headers are not. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define PEM 1
#define FILES 65536
#define STEPS 16
#define BUCKETS 464

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
int SSL_CTX_use_certificate_chain_file(SSL_CTX *context, const char *file);
int SSL_CTX_use_PrivateKey_file(SSL_CTX *context, const char *file, int type);
int SSL_get_fd(const SSL *connection);

struct counts
{
  uint64_t connected, sent, answers[BUCKETS];
};

static volatile struct counts *counts;
static uint64_t sent_us[FILES]; /* when, by connection; 0 once its answer began */

static void fail(const char *what)
{
  fprintf(stderr, "cannot use %s\n", what);
  exit(2);
}

static const char *setting(const char *name)
{
  const char *value = getenv(name);
  if (!value)
    fail(name);
  return value;
}

static void *next(const char *name)
{
  void *found = dlsym(RTLD_NEXT, name);
  if (!found)
    fail(name);
  return found;
}

static uint64_t now_us(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000ull + time.tv_nsec / 1000;
}

static uint64_t *sending(const SSL *connection)
{
  return &sent_us[SSL_get_fd(connection) % FILES];
}

static unsigned bucket(uint64_t us)
{
  if (us < STEPS)
    return us;
  unsigned doublings = 59 - __builtin_clzll(us);
  uint64_t found = STEPS * doublings + (us >> doublings);
  return found < BUCKETS ? found : BUCKETS - 1;
}

SSL *SSL_new(SSL_CTX *context)
{
  static SSL *(*original)(SSL_CTX *);
  static SSL_CTX *prepared;
  if (!original)
    original = next("SSL_new");
  if (prepared != context)
  {
    if (SSL_CTX_use_certificate_chain_file(context, setting("LOAD_CERTIFICATE")) != 1)
      fail("LOAD_CERTIFICATE");
    if (SSL_CTX_use_PrivateKey_file(context, setting("LOAD_KEY"), PEM) != 1)
      fail("LOAD_KEY");
    int file = open(setting("LOAD_COUNTS"), O_RDWR);
    counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (counts == MAP_FAILED)
      fail("LOAD_COUNTS");
    prepared = context;
  }
  return original(context);
}

int SSL_connect(SSL *connection)
{
  static int (*original)(SSL *);
  if (!original)
    original = next("SSL_connect");
  int result = original(connection);
  if (result == 1)
    counts->connected++;
  return result;
}

int SSL_write(SSL *connection, const void *data, int size)
{
  static int (*original)(SSL *, const void *, int);
  if (!original)
    original = next("SSL_write");
  int result = original(connection, data, size);
  if (result > 0)
  {
    counts->sent++;
    *sending(connection) = now_us();
  }
  return result;
}

int SSL_read(SSL *connection, void *data, int size)
{
  static int (*original)(SSL *, void *, int);
  if (!original)
    original = next("SSL_read");
  int result = original(connection, data, size);
  uint64_t *sent = sending(connection);
  if (result > 0 && *sent)
  {
    counts->answers[bucket(now_us() - *sent)]++;
    *sent = 0;
  }
  return result;
}
