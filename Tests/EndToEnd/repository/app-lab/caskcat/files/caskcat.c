#include <cask.h>
#include <stdio.h>

int main(void) {
  printf("caskcat with libcask %s\n", cask_version());
  return 0;
}
