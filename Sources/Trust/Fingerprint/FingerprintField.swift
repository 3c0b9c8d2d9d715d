/// One field of the fingerprint, in the order in which they are hashed.
///
/// The raw value is the name that users see in differences.
public enum FingerprintField: String, Sendable, Hashable, CaseIterable, Codable {
  /// The category.
  case category
  /// The name within the category.
  case package
  /// The version with its revision.
  case version
  /// The slot.
  case slot = "SLOT"
  /// The subslot.
  case subslot
  /// The repository's name.
  case repository
  /// EAPI.
  case eapi = "EAPI"
  /// CHOST.
  case chost = "CHOST"
  /// ABI.
  case abi = "ABI"
  /// DEFAULT_ABI.
  case defaultABI = "DEFAULT_ABI"
  /// LIBDIR of each ABI: `amd64=lib64 x86=lib`, sorted.
  case libdir = "LIBDIR"
  /// ARCH.
  case arch = "ARCH"
  /// ELIBC.
  case elibc = "ELIBC"
  /// KERNEL.
  case kernel = "KERNEL"
  /// EPREFIX.
  case eprefix = "EPREFIX"
  /// `merged` or `split`.
  case usr = "/usr layout"
  /// Both states over the explicit IUSE, sorted by flag name.
  case use = "USE"
  /// IDEPEND, normalised.
  case idepend = "IDEPEND"
  /// PDEPEND, normalised.
  case pdepend = "PDEPEND"
  /// RDEPEND, normalised.
  case rdepend = "RDEPEND"
  /// The bound atoms of DEPEND outside choices, sorted, one space between.
  case boundDepend = "DEPEND (:= atoms)"
  /// A line per distfile, sorted by name: `name algorithm=digest …`, algorithms sorted.
  case distfiles
  /// A digest over what the host's owner adds; empty for most.
  case local = "local build settings"

  /// Whether a finished gpkg carries the field, so that it can be computed anew from it.
  ///
  /// It holds no distfile digests; and whether /usr is merged doesn't show, since packages install
  /// to /lib on both kinds of system.
  public var isInGpkg: Bool {
    switch self {
    case .distfiles, .usr: false
    case .category, .package, .version, .slot, .subslot, .repository, .eapi, .chost, .abi,
      .defaultABI, .libdir, .arch, .elibc, .kernel, .eprefix, .use, .idepend, .pdepend, .rdepend,
      .boundDepend, .local:
      true
    }
  }
}
