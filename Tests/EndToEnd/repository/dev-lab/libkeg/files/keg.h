int keg_litres(void);
