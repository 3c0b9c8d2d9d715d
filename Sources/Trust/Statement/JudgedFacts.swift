/// What a build statement says for the reader's policy to judge.
public struct JudgedFacts: Sendable, Hashable {
  /// The CPU's name, `native` resolved.
  public var march: String
  /// The x86-64 level; nil elsewhere.
  public var level: CPULevel?
  /// Every instruction set that the build may use.
  public var features: CPUFeatures
  /// The digest of `CompilerFlags`, 16 bytes; empty if unknown.
  public var flags: [UInt8]
  /// The compiler.
  public var compiler: PackageFacts.Compiler
  /// The texts that the build followed.
  public var recipe: RecipeDigests
  /// Which switches for debugging were on.
  public var contentFeatures: ContentFeatures
  /// The libc that the build ran on; nil if nothing in it is linked.
  public var libc: HostFacts.Libc?
  /// The highest symbol version needed of each family: `GLIBC_2.38`.
  public var symbols: [String]
  /// Whether it carries archives, Fortran modules or plugins, which want the same compiler major.
  public var isBoundToCompiler: Bool

  /// The most symbol families that a statement holds.
  public static let mostSymbols = 12
  /// The longest name of a CPU, compiler, libc or symbol version in a statement, in bytes.
  public static let longestWord = 32

  /// Nothing known.
  public init() {
    march = ""
    features = CPUFeatures()
    flags = []
    compiler = PackageFacts.Compiler()
    recipe = RecipeDigests(ebuild: [], normalized: [], exact: [])
    contentFeatures = []
    symbols = []
    isBoundToCompiler = false
  }

  /// What the configuration says: all but libc, symbols and the binding to the compiler, which only
  /// the finished package shows.
  ///
  /// The helper resolves the flags of every compiler to `cpu.features`; what it could not resolve
  /// stands there under a name that no CPU has.
  public init(of facts: PackageFacts) {
    self.init()
    let configured = CompilerFlags(facts.flags)
    march = facts.cpu.march
    level = CPULevel(rawValue: facts.cpu.level)
    features = CPUFeatures(facts.cpu.features)
    if let level { features.formUnion(level.features) }
    flags = configured.digest
    compiler = facts.compiler
    recipe = RecipeDigests(of: facts.recipe)
    contentFeatures = ContentFeatures(names: facts.contentFeatures)
  }
}
