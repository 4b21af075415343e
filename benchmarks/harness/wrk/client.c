/* Loaded into wrk before its libraries: wrk has no option for a client's certificate,
   and does not tell when all are connected.

   Each context takes the certificate of LOAD_CERTIFICATE and the key of LOAD_KEY before
   it makes its first connection. The file LOAD_COUNTS, of two 64-bit numbers, tells at
   any time how many handshakes have been done and how many requests have been sent, each
   of which is one write. wrk runs with one thread, so nobody else counts.

   The few declarations that are needed are here, so that OpenSSL's headers are not. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PEM 1

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
int SSL_CTX_use_certificate_chain_file(SSL_CTX *context, const char *file);
int SSL_CTX_use_PrivateKey_file(SSL_CTX *context, const char *file, int type);

static volatile uint64_t *counts;

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
    counts = mmap(NULL, 2 * sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
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
    counts[0]++;
  return result;
}

int SSL_write(SSL *connection, const void *data, int size)
{
  static int (*original)(SSL *, const void *, int);
  if (!original)
    original = next("SSL_write");
  int result = original(connection, data, size);
  if (result > 0)
    counts[1]++;
  return result;
}
