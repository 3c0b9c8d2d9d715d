/// The variables of `environment.bz2` that tell of the builder's machine, not of the package.
///
/// The agreement digest leaves them out, and only where they are plain declarations: text that bash
/// would run is never one (`BashEnvironment`). Everything else in the environment counts, since a
/// package's phases run in it as root.
public enum HostVariables {
  /// Their names; `LC_` and the like are written out, so that nothing new slips through.
  public static let names: Set<String> = [
    // Compilers' flags: what they change shows in the image.
    "CBUILD", "CFLAGS", "CPPFLAGS", "CXXFLAGS", "FCFLAGS", "FFLAGS", "GOAMD64", "LDFLAGS",
    "RUSTFLAGS", "MAKEOPTS", "NINJAOPTS",
    // Portage's settings.
    "BINPKG_COMPRESS", "BINPKG_COMPRESS_FLAGS", "BINPKG_FORMAT",
    "BINPKG_GPG_SIGNING_BASE_COMMAND", "BINPKG_GPG_SIGNING_DIGEST", "BINPKG_GPG_SIGNING_GPG_HOME",
    "BINPKG_GPG_SIGNING_KEY", "BINPKG_GPG_VERIFY_BASE_COMMAND", "BINPKG_GPG_VERIFY_GPG_HOME",
    "FEATURES", "GPG_VERIFY_GROUP_DROP", "GPG_VERIFY_USER_DROP", "PORTAGE_BZIP2_COMMAND",
    "PORTAGE_COMPRESSION_COMMAND", "PORTAGE_FEATURES", "PORTAGE_GRPNAME",
    "PORTAGE_REPO_REVISIONS", "PORTAGE_USERNAME",
    // The profile's lists of what flags exist, which grow every week.
    "IUSE_EFFECTIVE", "IUSE_IMPLICIT", "USE_EXPAND", "USE_EXPAND_HIDDEN", "USE_EXPAND_IMPLICIT",
    "USE_EXPAND_UNPREFIXED", "USE_EXPAND_VALUES_ARCH", "USE_EXPAND_VALUES_ELIBC",
    "USE_EXPAND_VALUES_KERNEL",
    // Directories of the build.
    "BROOT", "D", "DISTDIR", "ED", "EROOT", "ESYSROOT", "FILESDIR", "HOME", "PKGDIR",
    "PORTAGE_BUILDDIR", "PORTAGE_CONFIGROOT", "PORTAGE_TMPDIR", "ROOT", "S", "SYSROOT", "T",
    "TEMP", "TMP", "TMPDIR", "WORKDIR",
    // Language, time and terminal.
    "COLUMNS", "HOSTNAME", "LANG", "LANGUAGE", "LC_ADDRESS", "LC_ALL", "LC_COLLATE", "LC_CTYPE",
    "LC_IDENTIFICATION", "LC_MEASUREMENT", "LC_MESSAGES", "LC_MONETARY", "LC_NAME", "LC_NUMERIC",
    "LC_PAPER", "LC_TELEPHONE", "LC_TIME", "LINES", "LOGNAME", "SHELL", "TERM", "TZ", "USER",
  ]

  /// The metadata files that tell of one build, or follow from the image: not in the agreement digest.
  public static let metadata: Set<String> = [
    "BUILD_ID", "BUILD_TIME", "CBUILD", "CFLAGS", "CPPFLAGS", "CXXFLAGS", "DEBUGBUILD", "FCFLAGS",
    "FEATURES", "FFLAGS", "IUSE_EFFECTIVE", "LDFLAGS", "NEEDED", "NEEDED.ELF.2",
    "REPO_REVISIONS", "RUSTFLAGS", "SIZE",
  ]
}
