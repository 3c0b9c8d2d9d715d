#include <stdio.h>

int main(void) {
  printf("hello %s", VERSION);
#ifdef WITH_NLS
  printf(" +nls");
#endif
#ifdef WITH_DEBUG
  printf(" +debug");
#endif
#ifdef __OPTIMIZE__
  printf(" optimized");
#endif
  printf("\n");
  return 0;
}
