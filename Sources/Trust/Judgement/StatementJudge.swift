import Cryptography
import Portage
import Wire

/// One package on one host under one trust list: looks at statements one by one.
struct StatementJudge {
  /// A statement that nothing speaks against.
  struct Candidate {
    let statement: SignedStatement
    let issuer: Issuer
    let nearness: RecipeNearness

    /// Nearer recipe, then higher weight, then newest build, then the bytes, so that the order is total.
    func isPreferred(to other: Candidate) -> Bool {
      if nearness != other.nearness { return nearness > other.nearness }
      if issuer.weight != other.issuer.weight { return issuer.weight > other.issuer.weight }
      let (mine, theirs) = (statement.statement.buildTime, other.statement.statement.buildTime)
      if mine != theirs { return mine > theirs }
      return StatementJudge.precedes(statement, other.statement)
    }
  }

  let list: TrustList
  let facts: PackageFacts
  let host: HostFacts
  let now: Timestamp
  let policy: TrustPolicy
  private let system: Set<String>
  private let features: CPUFeatures
  private let flags: [UInt8]
  private let recipe: RecipeDigests

  init(list: TrustList, facts: PackageFacts, host: HostFacts, now: Timestamp) {
    self.list = list
    self.facts = facts
    self.host = host
    self.now = now
    system = Set(host.systemPackages)
    policy = list.policy(for: facts, system: system)
    features = CPUFeatures(host: host.cpu.features)
    flags = CompilerFlags(facts.flags).digest
    recipe = RecipeDigests(of: facts.recipe)
  }

  /// An order that depends on nothing but the statements.
  static func precedes(_ left: SignedStatement, _ right: SignedStatement) -> Bool {
    left.encoded.lexicographicallyPrecedes(right.encoded)
  }

  func candidate(_ statement: SignedStatement) -> Candidate {
    let issuer = list.issuer(of: statement.issuer) ?? Issuer(key: statement.issuer, name: "?")
    return Candidate(statement: statement, issuer: issuer, nearness: nearness(of: statement))
  }

  func nearness(of statement: SignedStatement) -> RecipeNearness {
    recipe.nearness(to: statement.statement.judged.recipe)
  }

  func name(of key: PublicKey) -> String {
    list.issuer(of: key)?.name ?? String(key.bytes.hex.prefix(16))
  }

  /// The first thing that speaks against a statement, or nil: who said it, then when, then what.
  func objection(to signed: SignedStatement) -> RejectionReason? {
    guard let issuer = list.issuer(of: signed.issuer) else {
      return .untrustedIssuer(signed.issuer)
    }
    let standing = list.objection(
      to: issuer, building: facts, system: system, under: policy,
      created: signed.statement.created, now: now)
    if let standing { return standing }
    switch signed.problem(at: now) {
    case nil: break
    case .expired(let time): return .expired(time)
    case .some(let problem): return .badTimes(problem)
    }
    if signed.statement.isWithdrawn { return .withdrawn(issuer: issuer.name) }
    let judged = signed.statement.judged
    return objection(toMachine: judged) ?? objection(toText: judged)
  }

  private func objection(toMachine judged: JudgedFacts) -> RejectionReason? {
    let isX86 = facts.target.arch == "amd64" || facts.target.arch == "x86"
    var wanted = judged.features
    if let level = judged.level { wanted.formUnion(level.features) }
    if isX86, !wanted.isEmpty {
      if let feature = wanted.lacking(in: features).first { return .cpuFeature(feature) }
    } else if !isForOurCPU(judged) {
      return .cpuTarget(found: judged.march, expected: facts.cpu.march)
    }
    return libcObjection(judged)
  }

  /// Whether a build without comparable features is for the CPU that ours would be for: the same
  /// name, or without one the same flags, unless those stand for whatever machine they are used on.
  private func isForOurCPU(_ judged: JudgedFacts) -> Bool {
    guard judged.march == facts.cpu.march else { return false }
    if !judged.march.isEmpty { return true }
    let isNative = facts.flags.values.contains { $0.contains("=native") }
    return judged.flags == flags && !isNative
  }

  private func libcObjection(_ judged: JudgedFacts) -> RejectionReason? {
    if let needed = judged.libc {
      let text = "\(needed.package)-\(needed.version)"
      guard let libc = host.libc else { return .libc(needed: text, found: "no libc package") }
      let found = "\(libc.package)-\(libc.version)"
      guard libc.package == needed.package, let wanted = try? Version(needed.version),
        let installed = try? Version(libc.version), installed >= wanted
      else { return .libc(needed: text, found: found) }
    }
    for symbol in judged.symbols {
      guard let found = LibcSymbols.objection(to: symbol, libc: host.libc) else { continue }
      return .symbolVersion(needed: symbol, found: found)
    }
    return nil
  }

  private func objection(toText judged: JudgedFacts) -> RejectionReason? {
    let recipePolicy =
      policy.recipe ?? list.recipe ?? RecipePolicy.standard(for: facts.repository)
    let nearness = recipe.nearness(to: judged.recipe)
    if nearness < recipePolicy.nearness {
      return .recipe(found: nearness, policy: recipePolicy)
    }
    if policy.flags ?? list.flags == .exact, judged.flags != flags { return .flags }
    let wanted = ContentFeatures(names: facts.contentFeatures)
    if policy.contentFeatures ?? list.contentFeatures == .exact, judged.contentFeatures != wanted {
      return .contentFeatures(found: judged.contentFeatures.text, expected: wanted.text)
    }
    let (theirs, mine) = (judged.compiler, facts.compiler)
    if judged.isBoundToCompiler, theirs.name != mine.name || theirs.major != mine.major {
      return .compiler(
        found: "\(theirs.name) \(theirs.version)", expected: "\(mine.name) \(mine.version)")
    }
    return nil
  }
}

/// Symbol versions of glibc, which follow its own version.
enum LibcSymbols {
  /// The libc as text if it is older than the symbols of `GLIBC_x`; nil if it is not, or if `symbol` is of
  /// another family, or if the host has no libc package to compare with.
  static func objection(to symbol: String, libc: HostFacts.Libc?) -> String? {
    guard symbol.hasPrefix("GLIBC_"), let libc else { return nil }
    let text = "\(libc.package)-\(libc.version)"
    guard libc.package.hasSuffix("/glibc") else { return text }
    let version = symbol.dropFirst(6)
    // GLIBC_PRIVATE binds to one exact glibc; GLIBC_ABI_DT_RELR came with 2.36.
    guard let wanted = try? Version(version == "ABI_DT_RELR" ? "2.36" : version),
      let installed = try? Version(libc.version)
    else { return text }
    return installed >= wanted ? nil : text
  }
}
