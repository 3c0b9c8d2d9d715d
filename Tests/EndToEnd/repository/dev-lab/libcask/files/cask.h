const char *cask_version(void);
