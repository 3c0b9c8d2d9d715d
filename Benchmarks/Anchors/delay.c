/* Makes one machine's loopback look like a wide-area network to programs with many UDP sockets.
 *
 * Loaded before the program (LD_PRELOAD), it holds back every IPv4 datagram that is sent with an
 * address, for a time that depends on the two addresses only: the same in both directions, and the
 * same for every program that uses the same addresses. Meant for a network namespace of its own.
 *
 *   DELAY_LEAST_MS   shortest one-way delay, 20 unless set
 *   DELAY_SPREAD_MS  delays are spread evenly over so many more, 60 unless set
 *   DELAY_LOSS       share of datagrams that vanish, 0 unless set
 *
 * cc -O2 -shared -fPIC -o delay.so delay.c -ldl -lpthread
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* Datagrams wait in a wheel of slots, a fifth of a millisecond each: room for 1.6 seconds. */
enum { SLOTS = 8192, SLOT_NS = 200000, MOST_HELD = 1 << 20 };

struct held {
  struct held *next;
  struct sockaddr_in from, to;
  int descriptor;
  size_t length;
  char bytes[];
};

struct queue {
  struct held *first, **last;
};

static struct queue wheel[SLOTS];
static uint64_t reached;
static size_t held_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t ready = PTHREAD_ONCE_INIT;
static double least_ms = 20, spread_ms = 60, loss;
static uint64_t dice = 0x1234567;

static ssize_t (*next_sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
static ssize_t (*next_sendmsg)(int, const struct msghdr *, int);
static int (*next_sendmmsg)(int, struct mmsghdr *, unsigned, int);

static uint64_t clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t mix(uint64_t value) {
  value = (value ^ value >> 31) * 0x7fb5d329728ea185u;
  value = (value ^ value >> 27) * 0x81dadef4bc2dd44du;
  return value ^ value >> 33;
}

static uint64_t delay_ns(in_addr_t one, in_addr_t other) {
  uint64_t low = one < other ? one : other, high = one < other ? other : one;
  double share = (double)(mix(low << 32 | high) >> 11) / 9007199254740992.0;
  return (uint64_t)((least_ms + share * spread_ms) * 1e6);
}

static bool own_address(int descriptor, struct sockaddr_in *out) {
  socklen_t size = sizeof *out;
  return getsockname(descriptor, (struct sockaddr *)out, &size) == 0 && out->sin_family == AF_INET;
}

static void deliver(struct held *datagram) {
  struct sockaddr_in now;
  /* The descriptor may be another socket's by now: then the sender is gone, and so is the datagram. */
  if (own_address(datagram->descriptor, &now) && now.sin_port == datagram->from.sin_port &&
      now.sin_addr.s_addr == datagram->from.sin_addr.s_addr)
    next_sendto(datagram->descriptor, datagram->bytes, datagram->length,
                MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&datagram->to, sizeof datagram->to);
  free(datagram);
}

static void *turn(void *unused) {
  (void)unused;
  for (;;) {
    struct timespec nap = {0, SLOT_NS};
    nanosleep(&nap, NULL);
    uint64_t now = clock_ns() / SLOT_NS;
    while (reached < now) {
      pthread_mutex_lock(&lock);
      struct queue *slot = &wheel[++reached % SLOTS];
      struct held *first = slot->first;
      slot->first = NULL;
      slot->last = &slot->first;
      for (struct held *each = first; each; each = each->next) held_count--;
      pthread_mutex_unlock(&lock);
      while (first) {
        struct held *next = first->next;
        deliver(first);
        first = next;
      }
    }
  }
  return NULL;
}

static void number(const char *name, double *value) {
  const char *text = getenv(name);
  if (text) *value = atof(text);
}

static void prepare(void) {
  next_sendto = dlsym(RTLD_NEXT, "sendto");
  next_sendmsg = dlsym(RTLD_NEXT, "sendmsg");
  next_sendmmsg = dlsym(RTLD_NEXT, "sendmmsg");
  number("DELAY_LEAST_MS", &least_ms);
  number("DELAY_SPREAD_MS", &spread_ms);
  number("DELAY_LOSS", &loss);
  for (int slot = 0; slot < SLOTS; slot++) wheel[slot].last = &wheel[slot].first;
  reached = clock_ns() / SLOT_NS;
  pthread_t thread;
  pthread_create(&thread, NULL, turn, NULL);
  pthread_detach(thread);
}

/* Whether a datagram is one to hold back: to an IPv4 address, from a bound UDP socket. */
static bool concerns(int descriptor, const struct sockaddr *to, socklen_t size,
                     struct sockaddr_in *from) {
  int type = 0;
  socklen_t length = sizeof type;
  return to && size >= sizeof(struct sockaddr_in) && to->sa_family == AF_INET &&
         getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_DGRAM &&
         own_address(descriptor, from) && from->sin_port != 0;
}

static ssize_t hold(int descriptor, const struct sockaddr_in *from, const struct sockaddr_in *to,
                    const struct iovec *parts, size_t count) {
  size_t length = 0;
  for (size_t i = 0; i < count; i++) length += parts[i].iov_len;
  struct held *datagram = malloc(sizeof *datagram + length);
  if (!datagram) return (ssize_t)length;
  datagram->next = NULL;
  datagram->from = *from;
  datagram->to = *to;
  datagram->descriptor = descriptor;
  datagram->length = length;
  char *place = datagram->bytes;
  for (size_t i = 0; i < count; i++) {
    memcpy(place, parts[i].iov_base, parts[i].iov_len);
    place += parts[i].iov_len;
  }
  uint64_t due = (clock_ns() + delay_ns(from->sin_addr.s_addr, to->sin_addr.s_addr)) / SLOT_NS;
  pthread_mutex_lock(&lock);
  dice += 0x9e3779b97f4a7c15u;
  bool vanishes = (double)(mix(dice) >> 11) / 9007199254740992.0 < loss || held_count >= MOST_HELD;
  if (!vanishes) {
    if (due <= reached) due = reached + 1;
    if (due > reached + SLOTS - 1) due = reached + SLOTS - 1;
    struct queue *slot = &wheel[due % SLOTS];
    *slot->last = datagram;
    slot->last = &datagram->next;
    held_count++;
  }
  pthread_mutex_unlock(&lock);
  if (vanishes) free(datagram);
  return (ssize_t)length;
}

ssize_t sendto(int descriptor, const void *bytes, size_t length, int flags,
               const struct sockaddr *to, socklen_t size) {
  struct sockaddr_in from;
  pthread_once(&ready, prepare);
  if (!concerns(descriptor, to, size, &from))
    return next_sendto(descriptor, bytes, length, flags, to, size);
  struct iovec part = {(void *)bytes, length};
  return hold(descriptor, &from, (const struct sockaddr_in *)to, &part, 1);
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
  struct sockaddr_in from;
  pthread_once(&ready, prepare);
  if (!concerns(descriptor, message->msg_name, message->msg_namelen, &from))
    return next_sendmsg(descriptor, message, flags);
  return hold(descriptor, &from, message->msg_name, message->msg_iov, message->msg_iovlen);
}

int sendmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags) {
  struct sockaddr_in from;
  pthread_once(&ready, prepare);
  for (unsigned i = 0; i < count; i++) {
    struct msghdr *message = &messages[i].msg_hdr;
    if (!concerns(descriptor, message->msg_name, message->msg_namelen, &from)) {
      int rest = next_sendmmsg(descriptor, messages + i, count - i, flags);
      return rest < 0 ? (i ? (int)i : rest) : (int)i + rest;
    }
    messages[i].msg_len = (unsigned)hold(descriptor, &from, message->msg_name, message->msg_iov,
                                         message->msg_iovlen);
  }
  return (int)count;
}
