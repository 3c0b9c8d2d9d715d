int keg_litres(void) { return 50; }
