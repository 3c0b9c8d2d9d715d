#ifndef LARDER_CMINIUPNP_H
#define LARDER_CMINIUPNP_H

// What is used of miniupnpc, in functions whose signatures are the same for all of its versions and
// that show no structure of the system's headers.

#include <stdio.h>
#include <stdlib.h>
#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>

/// A router that maps ports, and our address in its network.
struct larder_igd {
  struct UPNPUrls urls;
  struct IGDdatas data;
  char lan[64];
};

/// The router of this network, to be freed; NULL if none answered within so many milliseconds.
static inline struct larder_igd *larder_igd_find(int milliseconds) {
  int error = 0;
  struct UPNPDev *devices = upnpDiscover(milliseconds, NULL, NULL, 0, 0, 2, &error);
  if (devices == NULL) return NULL;
  struct larder_igd *igd = (struct larder_igd *)calloc(1, sizeof *igd);
  int found = 0;
  if (igd != NULL) {
#if MINIUPNPC_API_VERSION >= 18
    char wan[64];
    found = UPNP_GetValidIGD(devices, &igd->urls, &igd->data, igd->lan, sizeof igd->lan, wan, sizeof wan);
#else
    found = UPNP_GetValidIGD(devices, &igd->urls, &igd->data, igd->lan, sizeof igd->lan);
#endif
  }
  freeUPNPDevlist(devices);
  // 1 is a router that is connected, 2 one that is not or has a private address: the caller sees which.
  if (found == 1 || found == 2) return igd;
  if (found > 0) FreeUPNPUrls(&igd->urls);
  free(igd);
  return NULL;
}

static inline void larder_igd_free(struct larder_igd *igd) {
  if (igd == NULL) return;
  FreeUPNPUrls(&igd->urls);
  free(igd);
}

/// Writes the router's outer address as text; 0 for success.
static inline int larder_igd_address(struct larder_igd *igd, char text[64]) {
  char address[64] = "";
  int status = UPNP_GetExternalIPAddress(igd->urls.controlURL, igd->data.first.servicetype, address);
  snprintf(text, 64, "%s", address);
  return status;
}

/// Maps an outer port to one of this machine for so many seconds (0: until removed); 0, the router's
/// error number, or a negative one of the library.
static inline int larder_igd_map(
    struct larder_igd *igd, int is_tcp, unsigned outer, unsigned inner, unsigned seconds) {
  char outside[8], inside[8], lease[16];
  snprintf(outside, sizeof outside, "%u", outer & 0xffff);
  snprintf(inside, sizeof inside, "%u", inner & 0xffff);
  snprintf(lease, sizeof lease, "%u", seconds);
  return UPNP_AddPortMapping(
      igd->urls.controlURL, igd->data.first.servicetype, outside, inside, igd->lan, "larder",
      is_tcp ? "TCP" : "UDP", NULL, lease);
}

/// Removes what `larder_igd_map` made; 0 for success.
static inline int larder_igd_unmap(struct larder_igd *igd, int is_tcp, unsigned outer) {
  char outside[8];
  snprintf(outside, sizeof outside, "%u", outer & 0xffff);
  return UPNP_DeletePortMapping(
      igd->urls.controlURL, igd->data.first.servicetype, outside, is_tcp ? "TCP" : "UDP", NULL);
}

#endif
