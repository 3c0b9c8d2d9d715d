public import Cryptography
public import Wire

/// Why a build is not taken.
public enum RejectionReason: Sendable, Equatable {
  /// Nobody says that they built it.
  case noStatement
  /// The statement is about another package.
  case otherFingerprint
  /// The trust list lacks the issuer.
  case untrustedIssuer(PublicKey)
  /// The issuer may not build this: the part of its scope and the package's value.
  case outOfScope(issuer: String, part: Issuer.ScopePart, value: String)
  /// The build was signed before the issuer's trust began.
  case beforeTrust(issuer: String, from: Timestamp)
  /// The issuer's trust ended.
  case afterTrust(issuer: String, until: Timestamp)
  /// The policy for this package wants others.
  case notNamed(issuer: String, policy: String)
  /// The statement ended.
  case expired(Timestamp)
  /// The statement's times can't be.
  case badTimes(StatementError)
  /// The issuer's key was revoked.
  case revoked(issuer: String, from: Timestamp)
  /// The issuer took it back.
  case withdrawn(issuer: String)
  /// The issuer replaced it by a newer statement.
  case superseded
  /// The build uses an instruction set that this CPU lacks.
  case cpuFeature(CPUFeature)
  /// Built for another CPU, where features can't be compared.
  case cpuTarget(found: String, expected: String)
  /// Built from another ebuild, or with other eclasses or files.
  case recipe(found: RecipeNearness, policy: RecipePolicy)
  /// Built with other compiler flags.
  case flags
  /// Built with other switches for debugging.
  case contentFeatures(found: String, expected: String)
  /// Built with another compiler, and it carries what depends on that.
  case compiler(found: String, expected: String)
  /// Built on another or newer libc.
  case libc(needed: String, found: String)
  /// Needs newer symbols than this libc has.
  case symbolVersion(needed: String, found: String)
  /// Fewer builders agree than the policy wants.
  case tooFewBuilders(have: Int, need: Int)
  /// Trusted builders disagree on what the build is.
  case disagreement([String])
  /// Nobody who has the file answers.
  case noProvider
  /// The fetched file is not what was stated, naming the field.
  case mismatch(String)
  /// The fetched file is what was stated, but this host can't use it.
  case unusable(String)
  /// The trust list ended.
  case trustListExpired(Timestamp)
  /// The planned package itself can't be named.
  case badFacts(FactsError)

  /// One line for the user.
  public var message: String {
    switch self {
    case .noStatement: "no statement: nobody offers this build"
    case .otherFingerprint: "a build of another package or configuration"
    case .untrustedIssuer(let key): "untrusted issuer \(key.bytes.hex.prefix(16))"
    case .outOfScope(let issuer, let part, let value):
      "out of scope: \(issuer) may not build for \(part.rawValue) \(value)"
    case .beforeTrust(let issuer, let from): "signed before \(issuer) was trusted (from \(from))"
    case .afterTrust(let issuer, let until): "\(issuer) is not trusted any more (until \(until))"
    case .notNamed(let issuer, let policy): "\(issuer) is not who the policy wants (\(policy))"
    case .expired(let time): "expired at \(time)"
    case .badTimes(let error): "\(error)"
    case .revoked(let issuer, let from): "the key of \(issuer) is revoked from \(from)"
    case .withdrawn(let issuer): "withdrawn by \(issuer)"
    case .superseded: "replaced by a newer statement of its issuer"
    case .cpuFeature(let feature): "this CPU lacks \(feature)"
    case .cpuTarget(let found, let expected):
      "built for the CPU \"\(Self.word(found))\", not \"\(expected)\""
    case .recipe(let found, let policy): Self.recipe(found, policy)
    case .flags: "built with other compiler flags"
    case .contentFeatures(let found, let expected): "built with \(found), this host has \(expected)"
    case .compiler(let found, let expected):
      "built with \(Self.word(found)), needs the same major version as \(expected)"
    case .libc(let needed, let found): "needs \(Self.word(needed)), this host has \(found)"
    case .symbolVersion(let needed, let found):
      "needs symbols of \(Self.word(needed)), this host has \(found)"
    case .tooFewBuilders(let have, let need): "\(have) of \(need) agreeing builders"
    case .disagreement(let issuers):
      "trusted builders disagree: \(issuers.joined(separator: ", "))"
    case .noProvider: "no live provider"
    case .mismatch(let field): "the file is not what was stated: \(field)"
    case .unusable(let problem): "can't be used here: \(problem)"
    case .trustListExpired(let time): "the trust list expired at \(time)"
    case .badFacts(let error): "\(error)"
    }
  }

  private static func recipe(_ found: RecipeNearness, _ policy: RecipePolicy) -> String {
    switch policy {
    case .revision: "built from another revision"
    case .ebuild: "built from another ebuild text (recipe: ebuild)"
    case .exact:
      found == .ebuild
        ? "built with other eclasses or files (recipe: exact)"
        : "built from another ebuild text (recipe: exact)"
    }
  }

  /// A peer's word as it may be printed.
  private static func word(_ text: String) -> String {
    String(
      text.unicodeScalars.prefix(64).filter { $0.value > 0x20 && $0.value < 0x7F || $0 == " " })
  }
}
