const char *cask_version(void) { return CASK_VERSION; }
