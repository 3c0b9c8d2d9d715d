/// What Portage would build, or what it built, in the words of the helper `larder-portage`.
///
/// Two hosts may share a build when the facts that enter the `Fingerprint` are equal and the others
/// pass the reader's policy. Unknown keys of the JSON are ignored; call `validate()` on whatever came
/// from outside.
public struct PackageFacts: Codable, Sendable, Hashable {
  /// Whether Portage would compile the package or already takes a binary of it.
  public enum Kind: String, Codable, Sendable, Hashable {
    /// It would be built from source.
    case ebuild
    /// Portage already accepts a binary package.
    case binary
  }

  /// Whether it would be compiled.
  public var kind: Kind
  /// The category, such as `dev-libs`.
  public var category: String
  /// The name within the category.
  public var package: String
  /// The version with its revision, as PVR has it.
  public var version: String
  /// The slot.
  public var slot: String
  /// The subslot; equal to the slot where the ebuild names none.
  public var subslot: String
  /// The repository's name.
  public var repository: String
  /// The EAPI.
  public var eapi: String
  /// The CHOST triplet.
  public var chost: String
  /// ABI, libc, kernel and layout of the system it is for.
  public var target: Target
  /// The state of every explicit IUSE flag: `nls` or `-nls`, sorted by flag name.
  public var use: [String]
  /// The dependencies, USE-evaluated and slot-bound.
  public var depend: Dependencies
  /// The distfiles in use.
  public var distfiles: [Distfile]
  /// What the host's owner added to the build.
  public var local: LocalFacts
  /// The configured compiler flags by variable name.
  public var flags: [String: String]
  /// The CPU that the flags select.
  public var cpu: CPU
  /// The compiler in use.
  public var compiler: Compiler
  /// Which of compressdebug, installsources, nostrip and splitdebug are on.
  public var contentFeatures: [String]
  /// Digests of the texts that the build follows.
  public var recipe: Recipe
  /// What the binhost's index needs besides: KEYWORDS, IUSE, USE, LICENSE, …
  public var index: [String: String]
  /// The binary that Portage takes already; nil unless `kind` is binary.
  public var binary: Binary?
  /// Why it is merged: new, update, rebuild, …
  public var why: String?
  /// The finished file; nil in a plan.
  public var gpkg: BuiltFile?
  /// How the file came about; nil in a plan.
  public var provenance: Provenance?

  /// Facts with the given identity and nothing else set.
  public init(
    category: String, package: String, version: String, slot: String = "0",
    subslot: String? = nil, repository: String, eapi: String = "8", chost: String, target: Target
  ) {
    kind = .ebuild
    self.category = category
    self.package = package
    self.version = version
    self.slot = slot
    self.subslot = subslot ?? slot
    self.repository = repository
    self.eapi = eapi
    self.chost = chost
    self.target = target
    use = []
    depend = Dependencies()
    distfiles = []
    local = LocalFacts()
    flags = [:]
    cpu = CPU()
    compiler = Compiler()
    contentFeatures = []
    recipe = Recipe()
    index = [:]
  }

  /// `category/package-version`.
  public var cpv: String { "\(category)/\(package)-\(version)" }

  /// `category/package`.
  public var name: String { "\(category)/\(package)" }

  enum CodingKeys: String, CodingKey {
    case kind = "type"
    case category, package, version, slot, subslot, repository, eapi, chost, target, use, depend
    case distfiles, local, flags, cpu, compiler
    case contentFeatures = "content_features"
    case recipe, index, binary, why, gpkg, provenance
  }
}
