#ifndef LARDER_CNATPMP_H
#define LARDER_CNATPMP_H

// What is used of libnatpmp, in functions that show no structure of the system's headers and end in
// time: the library itself would ask for two minutes.

#include <poll.h>
#include <stdint.h>
#include <sys/time.h>
#include <natpmp.h>

/// What the gateway answered.
struct larder_natpmp_answer {
  /// The outer address, most significant byte first in memory.
  uint8_t address[4];
  uint16_t port;
  uint32_t seconds;
};

/// Waits for the answer to the request that was sent; 0 or the library's error number.
static inline int larder_natpmp_wait(natpmp_t *client, int milliseconds, natpmpresp_t *response) {
  int left = milliseconds;
  for (;;) {
    struct timeval next;
    int pause = left;
    if (getnatpmprequesttimeout(client, &next) == 0) {
      long due = next.tv_sec * 1000 + next.tv_usec / 1000;
      if (due < pause) pause = due < 1 ? 1 : (int)due;
    }
    struct pollfd one = {client->s, POLLIN, 0};
    struct timeval before, after;
    gettimeofday(&before, NULL);
    poll(&one, 1, pause);
    gettimeofday(&after, NULL);
    long passed = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_usec - before.tv_usec) / 1000;
    // At least one each time: the clock may be set back.
    left -= passed < 1 ? 1 : (passed > left ? left : (int)passed);
    int status = readnatpmpresponseorretry(client, response);
    if (status != NATPMP_TRYAGAIN) return status;
    if (left <= 0) return NATPMP_ERR_NOGATEWAYSUPPORT;
  }
}

/// Asks the default gateway for its outer address; 0 or the library's error number.
static inline int larder_natpmp_address(int milliseconds, struct larder_natpmp_answer *answer) {
  natpmp_t client;
  natpmpresp_t response;
  int status = initnatpmp(&client, 0, 0);
  if (status != 0) return status;
  status = sendpublicaddressrequest(&client);
  if (status > 0) status = larder_natpmp_wait(&client, milliseconds, &response);
  closenatpmp(&client);
  if (status != 0) return status;
  if (response.type != NATPMP_RESPTYPE_PUBLICADDRESS) return NATPMP_ERR_UNDEFINEDERROR;
  const uint8_t *bytes = (const uint8_t *)&response.pnu.publicaddress.addr;
  for (int place = 0; place < 4; place++) answer->address[place] = bytes[place];
  return 0;
}

/// Asks the default gateway to map an outer port, that one if it can; 0 seconds end a mapping.
/// Returns 0 or the library's error number.
static inline int larder_natpmp_map(
    int milliseconds, int is_tcp, uint16_t inner, uint16_t outer, uint32_t seconds,
    struct larder_natpmp_answer *answer) {
  natpmp_t client;
  natpmpresp_t response;
  int status = initnatpmp(&client, 0, 0);
  if (status != 0) return status;
  status = sendnewportmappingrequest(
      &client, is_tcp ? NATPMP_PROTOCOL_TCP : NATPMP_PROTOCOL_UDP, inner, outer, seconds);
  if (status > 0) status = larder_natpmp_wait(&client, milliseconds, &response);
  closenatpmp(&client);
  if (status != 0) return status;
  int wanted = is_tcp ? NATPMP_RESPTYPE_TCPPORTMAPPING : NATPMP_RESPTYPE_UDPPORTMAPPING;
  if (response.type != wanted || response.pnu.newportmapping.privateport != inner)
    return NATPMP_ERR_UNDEFINEDERROR;
  answer->port = response.pnu.newportmapping.mappedpublicport;
  answer->seconds = response.pnu.newportmapping.lifetime;
  return 0;
}

#endif
