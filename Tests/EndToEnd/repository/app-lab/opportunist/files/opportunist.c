#include <stdio.h>
#ifdef WITH_KEG
#include <keg.h>
#else
static int keg_litres(void) { return 0; }
#endif

int main(void) {
  printf("opportunist with %d litres\n", keg_litres());
  return 0;
}
