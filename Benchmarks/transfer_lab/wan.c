/* A long path between two network namespaces, for kernels without netem: two TUN devices, and between them
 * for each direction random loss, a queue that drops its tail, a rate and a delay.
 *
 *   wan NAMESPACE ADDRESS NAMESPACE ADDRESS DELAY_MS RATE_MBIT LOSS_PERCENT QUEUE_BYTES
 *
 * The delay is one way. Prints "ready", works until SIGTERM and then prints what it did, as JSON. Loss follows
 * from a fixed seed. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <net/route.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 1 << 16, LONGEST = 2048, BATCH = 64 };

struct packet {
  double due;
  int size;
  unsigned char *bytes;
};

struct direction {
  struct packet slots[SLOTS];
  unsigned head, tail;
  double link_free;
  long carried, lost, overflowed;
};

static struct direction directions[2];
static volatile sig_atomic_t ended;

static void end(int signal) {
  (void)signal;
  ended = 1;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* A TUN device "wan0" with an address of a /24 in a namespace. */
static int device(const char *namespace, const char *address) {
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", namespace);
  int entered = open(path, O_RDONLY | O_CLOEXEC);
  if (entered < 0 || setns(entered, CLONE_NEWNET) < 0) fail(path);
  close(entered);
  int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strcpy(request.ifr_name, "wan0");
  if (tun < 0 || ioctl(tun, TUNSETIFF, &request) < 0) fail("/dev/net/tun");
  int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in place = {.sin_family = AF_INET};
  if (inet_pton(AF_INET, address, &place.sin_addr) != 1) fail(address);
  memcpy(&request.ifr_addr, &place, sizeof place);
  if (ioctl(socket_, SIOCSIFADDR, &request) < 0) fail("SIOCSIFADDR");
  place.sin_addr.s_addr = htonl(0xffffff00);
  memcpy(&request.ifr_netmask, &place, sizeof place);
  if (ioctl(socket_, SIOCSIFNETMASK, &request) < 0) fail("SIOCSIFNETMASK");
  /* The device's own queue must not be the bottleneck. */
  request.ifr_qlen = 5000;
  if (ioctl(socket_, SIOCSIFTXQLEN, &request) < 0) fail("SIOCSIFTXQLEN");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(socket_, SIOCSIFFLAGS, &request) < 0) fail("SIOCSIFFLAGS");
  close(socket_);
  return tun;
}

static void take(struct direction *way, int tun, double delay, double rate, double loss, double queue) {
  unsigned char bytes[LONGEST];
  for (int count = 0; count < BATCH; count++) {
    int size = (int)read(tun, bytes, sizeof bytes);
    if (size <= 0) return;
    double time = now();
    if (drand48() < loss) {
      way->lost++;
      continue;
    }
    if (way->link_free < time) way->link_free = time;
    double waiting = (way->link_free - time) * rate;
    if (waiting + size > queue || way->tail - way->head >= SLOTS - 1) {
      way->overflowed++;
      continue;
    }
    way->link_free += size / rate;
    struct packet *slot = &way->slots[way->tail % SLOTS];
    slot->bytes = malloc((size_t)size);
    if (!slot->bytes) fail("malloc");
    memcpy(slot->bytes, bytes, (size_t)size);
    slot->size = size;
    slot->due = way->link_free + delay;
    way->tail++;
  }
}

/* Hands on what is due; returns how long until the next. */
static double give(struct direction *way, int tun) {
  double time = now();
  while (way->head != way->tail) {
    struct packet *slot = &way->slots[way->head % SLOTS];
    if (slot->due > time) return slot->due - time;
    if (write(tun, slot->bytes, (size_t)slot->size) == slot->size) way->carried++;
    free(slot->bytes);
    way->head++;
  }
  return 0.1;
}

int main(int count, char **words) {
  if (count != 9) {
    fprintf(stderr, "usage: wan NS ADDRESS NS ADDRESS DELAY_MS RATE_MBIT LOSS_PERCENT QUEUE_BYTES\n");
    return 2;
  }
  double delay = atof(words[5]) / 1e3, rate = atof(words[6]) * 1e6 / 8;
  double loss = atof(words[7]) / 100, queue = atof(words[8]);
  srand48(1);
  signal(SIGTERM, end);
  signal(SIGINT, end);
  int ends[2] = {device(words[1], words[2]), device(words[3], words[4])};
  printf("ready\n");
  fflush(stdout);
  struct pollfd polled[2] = {{ends[0], POLLIN, 0}, {ends[1], POLLIN, 0}};
  while (!ended) {
    double first = give(&directions[0], ends[1]), second = give(&directions[1], ends[0]);
    double wait = first < second ? first : second;
    struct timespec time = {0, (long)(wait * 1e9)};
    ppoll(polled, 2, &time, NULL);
    for (int side = 0; side < 2; side++)
      if (polled[side].revents & POLLIN) take(&directions[side], ends[side], delay, rate, loss, queue);
  }
  printf("{\"there\": {\"carried\": %ld, \"lost\": %ld, \"overflowed\": %ld}, "
         "\"back\": {\"carried\": %ld, \"lost\": %ld, \"overflowed\": %ld}}\n",
         directions[0].carried, directions[0].lost, directions[0].overflowed, directions[1].carried,
         directions[1].lost, directions[1].overflowed);
  return 0;
}
