/// What the resolver decided, as `larder plan` prints it.
public struct PlanReport: Codable, Sendable, Equatable {
  /// One row a package, in the order in which Portage would merge them.
  public var rows: [Row]
  /// What the user should know besides.
  public var notes: [String]

  /// A report of these rows.
  public init(rows: [Row], notes: [String]) {
    self.rows = rows
    self.notes = notes
  }

  /// One package of the plan.
  public struct Row: Codable, Sendable, Equatable {
    /// Category, name and version.
    public var package: String
    /// The repository that the ebuild is from.
    public var repository: String
    /// The fingerprint, 64 hexadecimal digits.
    public var fingerprint: String
    /// What will happen.
    public var verdict: Verdict
    /// Where the build comes from: an issuer's name, another binhost's, `PKGDIR`, `cloud` or `source`.
    public var source: String
    /// Why this build, or why none.
    public var why: String
    /// The size of the accepted build in bytes; 0 without one.
    public var size: UInt64
  }

  /// What happens with one package of the plan.
  public enum Verdict: String, Codable, Sendable {
    /// Its build is here, checked and listed for Portage.
    case listed
    /// A peer's build is accepted and can be fetched.
    case accepted
    /// More builders must agree first.
    case waiting
    /// There are builds, and none may be used.
    case rejected
    /// Nobody has a build.
    case missing
    /// The cloud tier builds it.
    case building
    /// Portage takes a binary package that Larder did not bring.
    case binary
  }

  /// How many of the packages need no compiling once what is accepted was fetched.
  public var withoutCompiling: Int {
    rows.filter { [.listed, .accepted, .binary].contains($0.verdict) }.count
  }
}
