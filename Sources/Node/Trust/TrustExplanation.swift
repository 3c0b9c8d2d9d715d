import Cryptography
import Emerge
import Portage
public import Trust
public import Wire

/// Who may build one package for this host, and by which policy: what `larder trust explain` prints.
public struct TrustExplanation: Sendable {
  /// Which package is meant.
  public struct Question: Sendable, Equatable {
    /// CATEGORY/NAME.
    public var package: String
    /// The repository that it comes from.
    public var repository: String
    /// ARCH; nil is the host's.
    public var arch: String?

    /// A question about this package.
    public init(package: String, repository: String, arch: String? = nil) {
      self.package = package
      self.repository = repository
      self.arch = arch
    }
  }

  /// The word is no CATEGORY/NAME.
  public struct BadName: Error, CustomStringConvertible {
    let word: String

    /// What to write instead.
    public var description: String { "'\(word)': write CATEGORY/NAME, e.g. app-misc/hello" }
  }

  /// The policy that decides, and a line for each issuer.
  public let lines: [String]

  /// The answer by this list on this host; throws `BadName`.
  ///
  /// The rules are those by which builds are judged, for a build that is signed now.
  public init(
    _ question: Question, list: TrustList, host: HostFacts, now: Timestamp
  ) throws(BadName) {
    guard let name = try? PackageName(question.package) else {
      throw BadName(word: question.package)
    }
    let arch = question.arch ?? host.arch
    let facts = PackageFacts(
      category: name.category, package: name.name, version: "0", repository: question.repository,
      chost: "", target: PackageFacts.Target(arch: arch))
    let system = Set(host.systemPackages)
    let policy = list.policy(for: facts, system: system)
    var lines = ["package: \(name)::\(question.repository) for \(arch)"]
    if system.contains(facts.name) { lines[0] += ", in this host's @system" }
    lines.append("policy: \(policy)")
    if let end = list.expires, end <= now { lines.append("the trust list expired at \(end)") }
    let issuers = list.allIssuers
    for issuer in issuers {
      let objection = list.objection(
        to: issuer, building: facts, system: system, under: policy, now: now)
      lines.append(
        "\(issuer.name): \(objection.map { "may not: \($0.message)" } ?? "may build it")")
    }
    if issuers.isEmpty { lines.append("no issuer is trusted: nothing of others is accepted") }
    self.lines = lines
  }

  /// The answer by the trust list of the node at `paths`, whose Portage is asked for @system and ARCH;
  /// throws if it can't be.
  public static func ask(_ question: Question, at paths: Paths) async throws -> TrustExplanation {
    let configuration = try Configuration.load(paths)
    let report = try await PortageHelper(configuration.portage.helperSettings).host()
    guard let host = report.host else { throw ResolveError.noHostFacts }
    let own = try KeyStore(paths).issuerKey()?.publicKey
    let list = try TrustDirectory(paths).load(own: own)
    return try TrustExplanation(question, list: list, host: host, now: WallClock.now)
  }
}
